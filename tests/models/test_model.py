"""The rows of styles, blends and strengths by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fastnst import errors
from fastnst.models import descriptions, restore, store
from fastnst.models import model as model_module
from fastnst.nets import architectures, transform_net

TINY = architectures.Transform(width=4, residual_blocks=0, output_norm=False, lite=True)
STYLES = (descriptions.Style("wave", "img/wave.jpg"), descriptions.Style("candy"))
NAMES = ("wave", "candy", "mosaic")


def make(*values: float, identity: bool = False) -> model_module.Model:
    """A model whose rows hold one value each."""
    styles = tuple(map(descriptions.Style, NAMES[: len(values) - identity]))
    net = transform_net.TransformNet(TINY, styles=len(values))
    net.table.assign(np.float32(values)[:, np.newaxis] * np.ones(net.layout.size))
    return model_module.Model(net, descriptions.Description(TINY, styles, identity))


@pytest.mark.parametrize(
    ("style", "value"),
    [
        (None, 1.0),
        ("wave", 1.0),
        ("candy", 3.0),
        ("wave:0.5,candy:0.5", 2.0),
        # 0.75 * 1 + 0.25 * 3
        ("wave:0.75,candy:0.25", 1.5),
        # Shares are scaled to a sum of 1: 0.75 * 1 + 0.25 * 9.
        ("wave:6, mosaic:2", 3.0),
        ("candy,mosaic", 6.0),
    ],
)
def test_a_blend_is_the_weighted_mean_of_its_styles_rows(style: str | None, value: float) -> None:
    row, keep = make(1.0, 3.0, 9.0).select(style)
    assert row.dtype == np.float32
    assert row.shape == (TINY.layout().size,)
    np.testing.assert_allclose(row, value, rtol=1e-6)
    assert keep is None


def test_the_row_of_one_style_is_exactly_that_of_the_table() -> None:
    model = make(1.0, 3.0)
    rows = np.random.default_rng(0).normal(0, 1, model.net.table.shape)
    model.net.table.assign(rows)
    np.testing.assert_array_equal(model.select("candy")[0], np.float32(rows[1]))


@pytest.mark.parametrize(
    ("strength", "value", "keep"),
    [
        # The identity row holds 10, candy's 3.
        (0.0, 10.0, 1.0),
        (0.25, 8.25, 0.75),
        (0.5, 6.5, 0.5),
        (1.0, 3.0, None),
        (None, 3.0, None),
        # As far beyond candy's row as candy's is halfway from the identity row.
        (1.5, -0.5, 0.0),
    ],
)
def test_strength_moves_a_row_towards_the_identity_row_or_beyond_the_style(
    strength: float | None, value: float, keep: float | None
) -> None:
    row, found = make(1.0, 3.0, 10.0, identity=True).select("candy", strength)
    assert row.dtype == np.float32
    np.testing.assert_allclose(row, value, rtol=1e-6)
    assert found == keep


def test_a_blend_can_be_used_at_half_strength() -> None:
    row, keep = make(1.0, 3.0, 10.0, identity=True).select("wave,candy", 0.5)
    np.testing.assert_allclose(row, 6.0)  # halfway from 2 to 10
    assert keep == 0.5


def test_strength_needs_the_identity_row() -> None:
    model = make(1.0, 3.0)
    with pytest.raises(errors.UserError) as caught:
        model.select("wave", 0.5)
    assert str(caught.value) == (
        "strength 0.5: only 1 is possible, because this model was trained without the photo as a "
        "style; `identity: on` adds it when styles are trained"
    )
    np.testing.assert_array_equal(model.select("wave", 1.0)[0], model.select("wave")[0])


@pytest.mark.parametrize(
    ("strength", "shown"), [(-0.1, "-0.1"), (1.6, "1.6"), (float("nan"), "nan")]
)
def test_strength_has_limits(strength: float, shown: str) -> None:
    with pytest.raises(errors.UserError, match=rf"^strength {shown}: should be from 0 to 1\.5$"):
        make(1.0, 10.0, identity=True).select(None, strength)


def test_a_model_can_be_cut_down_to_one_style(gallery: Path) -> None:
    model = restore.load(store.find(gallery))
    alone = model_module.only(model, "candy")
    assert alone.description == descriptions.Description(
        model.description.architecture, (descriptions.Style("candy", "img/candy.jpg"),)
    )
    np.testing.assert_array_equal(alone.net.table, model.net.table[1:2])
    tensors = alone.net.tensors()
    for name, tensor in model.net.tensors().items():
        if name != architectures.TABLE:
            np.testing.assert_array_equal(tensors[name], tensor)
    np.testing.assert_array_equal(alone.select(None)[0], model.select("candy")[0])
    with pytest.raises(errors.UserError, match="no style cubist"):
        model_module.only(model, "cubist")


def test_a_model_can_be_cut_down_to_several_styles_in_another_order() -> None:
    model = make(1.0, 3.0, 10.0, identity=True)
    both = model_module.only(model, "candy", "wave")
    assert both.description.names == ("candy", "wave") and both.description.identity
    np.testing.assert_array_equal(np.asarray(both.net.table)[:, 0], [3.0, 1.0, 10.0])
    with pytest.raises(errors.UserError, match=r"^style wave: is named twice$"):
        model_module.only(model, "wave", "candy", "wave")


def test_a_model_can_be_cut_down_to_a_blend_that_is_named_without_special_characters() -> None:
    alone = model_module.only(make(1.0, 3.0, 10.0, identity=True), "wave:0.75, candy:0.25")
    np.testing.assert_allclose(alone.net.table, np.full([1, TINY.layout().size], 1.5))
    assert alone.description.names == ("wave0.75+candy0.25",)
    assert not alone.description.identity
    # The name can be used to choose it.
    np.testing.assert_allclose(alone.select("wave0.75+candy0.25")[0], 1.5)
