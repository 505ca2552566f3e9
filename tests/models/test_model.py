"""Styles, blends and strength by hand; model.json."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fastnst import errors
from fastnst.models import model as model_module
from fastnst.models import store
from fastnst.nets import network, transform_net

TINY = transform_net.Architecture(width=4, residual_blocks=0, output_norm=False, lite=True)
STYLES = (model_module.Style("wave", "img/wave.jpg"), model_module.Style("candy"))
NAMES = ("wave", "candy", "mosaic")


def make(*values: float, identity: bool = False) -> model_module.Model:
    """A model whose rows hold one value each."""
    styles = tuple(map(model_module.Style, NAMES[: len(values) - identity]))
    net = transform_net.TransformNet(TINY, styles=len(values))
    net.table.assign(np.float32(values)[:, np.newaxis] * np.ones(net.layout.size))
    return model_module.Model(net, model_module.Description(TINY, styles, identity))


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
        "style; train it with `identity: on`"
    )
    np.testing.assert_array_equal(model.select("wave", 1.0)[0], model.select("wave")[0])


@pytest.mark.parametrize(
    ("strength", "shown"), [(-0.1, "-0.1"), (1.6, "1.6"), (float("nan"), "nan")]
)
def test_strength_has_limits(strength: float, shown: str) -> None:
    with pytest.raises(errors.UserError, match=rf"^strength {shown}: should be from 0 to 1\.5$"):
        make(1.0, 10.0, identity=True).select(None, strength)


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        (None, [1, 0, 0]),
        ("candy", [0, 1, 0]),
        ("wave:0.6,candy:0.4", [0.6, 0.4, 0]),
        (" mosaic:3 , wave:1 ", [0.25, 0, 0.75]),
        ("wave,candy,mosaic:2", [0.25, 0.25, 0.5]),
        ("wave,candy,wave", [2 / 3, 1 / 3, 0]),
        ("candy:1e-3", [0, 1, 0]),
    ],
)
def test_shares_are_scaled_to_a_sum_of_1(text: str | None, shares: list[float]) -> None:
    assert model_module.parse_blend(text, NAMES) == pytest.approx(shares)


def test_an_unknown_style_is_an_error_with_the_nearest_and_all_names() -> None:
    expected = r"^no style mosiac; did you mean mosaic\? \(styles: wave, candy, mosaic\)$"
    for text in ("mosiac", "wave:0.5,mosiac:0.5"):
        with pytest.raises(errors.UserError, match=expected):
            model_module.parse_blend(text, NAMES)
    for text in ("zzz", ""):
        with pytest.raises(errors.UserError, match=rf"^no style {text} \(styles: wave, candy, mo"):
            model_module.parse_blend(text, NAMES)


def test_huge_shares_do_not_overflow() -> None:
    assert model_module.parse_blend("a:1e308,b:1e308", ("a", "b")) == [0.5, 0.5]


@pytest.mark.parametrize("share", ["", "0", "-1", "much", "nan", "inf", "1:2"])
def test_a_share_is_a_number_above_0(share: str) -> None:
    with pytest.raises(errors.UserError) as caught:
        model_module.parse_blend(f"wave:1,candy:{share}", NAMES)
    assert str(caught.value) == (
        f"style candy:{share}: the share should be a number above 0, as in wave:0.6,candy:0.4"
    )


def test_a_style_may_be_named_like_a_blend() -> None:
    # Folders of before there was a model.json name their style, and they may have any name.
    names = ("a:1,b", "a")
    assert model_module.parse_blend("a:1,b", names) == [1, 0]


def test_a_model_can_be_cut_down_to_one_style(gallery: Path) -> None:
    model = store.load(store.find(gallery))
    alone = model_module.only(model, "candy")
    assert alone.description == model_module.Description(
        model.description.architecture, (model_module.Style("candy", "img/candy.jpg"),)
    )
    np.testing.assert_array_equal(alone.net.table, model.net.table[1:2])
    tensors = alone.net.tensors()
    for name, tensor in model.net.tensors().items():
        if name != network.TABLE:
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


def test_a_description_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    for identity in (True, False):
        described = model_module.Description(TINY, STYLES, identity)
        path.write_text(described.to_json())
        assert model_module.Description.read(path) == described
        assert described.names == ("wave", "candy")
        assert described.rows == (3 if identity else 2)


def test_model_json_states_format_architecture_styles_and_contract() -> None:
    content = json.loads(model_module.Description(TINY, STYLES, True).to_json())
    assert content == {
        "format": 1,
        "architecture": {
            "name": "transform_net",
            "width": 4,
            "residual_blocks": 0,
            "output_norm": False,
            "skips": True,
            "lite": True,
            "antialias": False,
            "deep": False,
        },
        "styles": [
            {"name": "wave", "painting": "img/wave.jpg"},
            {"name": "candy", "painting": ""},
        ],
        "identity": True,
        "input": "RGB [B, H, W, 3] in 0..255, at least 16 x 16 pixels",
        "output": "RGB of the same shape in 0..255",
    }


def _changed(**keys: object) -> Callable[[str], str]:
    return lambda text: json.dumps(json.loads(text) | keys)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[:100], "cannot be read ("),
        (lambda text: "", "cannot be read ("),
        (lambda text: "[1]", "cannot be read ("),
        (lambda text: '{"format": 1}', "cannot be read ('architecture')"),
        (_changed(format="new"), "cannot be read ("),
        (_changed(styles=[{"title": "wave"}]), "cannot be read ("),
        (_changed(styles=3), "cannot be read ("),
        (_changed(architecture={"name": "transform_net", "depth": 3}), "cannot be read ("),
        (_changed(architecture={"name": "unet"}), "unknown architecture unet"),
        (
            _changed(format=2, styles="of another kind"),
            "has format 2, but this release reads only formats up to 1; install a newer fastnst",
        ),
    ],
)
def test_a_damaged_or_newer_model_json_is_the_users_error(
    tmp_path: Path, damage: Callable[[str], str], message: str
) -> None:
    path = tmp_path / "model.json"
    path.write_text(damage(model_module.Description(TINY, STYLES).to_json()))
    with pytest.raises(errors.UserError) as caught:
        model_module.Description.read(path)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)


def test_a_missing_model_json_is_the_users_error(tmp_path: Path) -> None:
    with pytest.raises(errors.UserError, match=r"model\.json: cannot be read \(.*No such file"):
        model_module.Description.read(tmp_path / "model.json")


def test_a_model_json_of_binary_data_is_the_users_error(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_bytes(b"\xff\xfe\0")
    with pytest.raises(errors.UserError, match=r"model\.json: cannot be read \("):
        model_module.Description.read(tmp_path / "model.json")
