"""The model that a configuration describes, and the weights that training starts from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import runs
import tensorflow as tf

from fastnst import config, errors
from fastnst.models import descriptions, model, store
from fastnst.nets import architectures, transform_net
from fastnst.training.tasks import start

Conf = Callable[..., Path]
SHAPES = architectures.Transform(width=4, residual_blocks=0)


def make(*names: str, identity: bool = False) -> model.Model:
    """A model whose rows are 1, 2, 3, ..."""
    described = descriptions.Description(SHAPES, tuple(map(descriptions.Style, names)), identity)
    net = transform_net.TransformNet(SHAPES, seed=3, styles=described.rows)
    values = np.arange(1.0, described.rows + 1.0, dtype=np.float32)
    net.table.assign(np.repeat(values[:, np.newaxis], net.layout.size, axis=1))
    return model.Model(net, described)


@pytest.mark.parametrize(
    ("names", "identity", "rows"),
    [
        # The styles a and b have the rows 1 and 2, and the photo has 3.
        (("b", "new"), True, [2.0, 7.0, 3.0]),
        (("a",), False, [1.0]),
        (("new",), False, [7.0]),
        (("b", "a"), False, [2.0, 1.0]),
    ],
)
def test_known_styles_keep_their_rows_and_others_are_asked_for(
    names: tuple[str, ...], identity: bool, rows: list[float]
) -> None:
    first = make("a", "b", identity=True)
    described = descriptions.Description(SHAPES, tuple(map(descriptions.Style, names)), identity)
    new = np.full(first.net.layout.size, 7.0, np.float32)
    tensors = start.adopt(first, described, {"new": new}.__getitem__)
    expected = np.repeat(np.array(rows)[:, np.newaxis], first.net.layout.size, axis=1)
    np.testing.assert_array_equal(tensors["styles"], expected)
    np.testing.assert_array_equal(tensors["conv1/kernel"], first.net.tensors()["conv1/kernel"])


def test_a_painting_tells_more_than_a_name() -> None:
    described = descriptions.Description(SHAPES, (descriptions.Style("b", "img/wave.jpg"),))
    first = make("a", "b")
    styles = (descriptions.Style("a", "img/wave.jpg"), descriptions.Style("b", "img/ink.jpg"))
    known = model.Model(first.net, descriptions.Description(SHAPES, styles))
    assert start.adopt(known, described, {}.__getitem__)["styles"][0, 0] == 1.0
    # A model that does not tell its paintings is known by its names.
    assert start.adopt(first, described, {}.__getitem__)["styles"][0, 0] == 2.0


def test_the_best_row_is_the_one_with_the_lowest_objective() -> None:
    first = make("a", "b", "c")
    photos = [np.random.default_rng(0).integers(0, 256, (192, 192, 3)).astype(np.uint8)]
    rows = first.net.table.numpy()
    for best in (rows[1], rows[2], rows.mean(axis=0)):
        painted = first.net(tf.constant(photos[0][np.newaxis], tf.float32), tf.constant(best))

        def objective(
            content: tf.Tensor, stylized: tf.Tensor, goal: tf.Tensor = painted
        ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
            return tf.reduce_sum(tf.square(stylized - goal)), {}

        found = start.best_row(first, objective, photos)  # type: ignore[arg-type]
        np.testing.assert_array_equal(found, best)


def test_without_a_row_of_the_photo_it_starts_from_the_mean() -> None:
    first = make("a", "b")
    described = descriptions.Description(SHAPES, (descriptions.Style("a"),), identity=True)
    tensors = start.adopt(first, described, {}.__getitem__)
    np.testing.assert_array_equal(tensors["styles"][:, 0], [1.0, 1.5])


@pytest.mark.parametrize(
    ("keys", "shipped"),
    [
        ({"start_from": "auto"}, "gallery"),
        ({"lite": True, "width": 16, "deep": False}, "gallery-lite"),
        ({"start_from": None}, None),
        ({"width": 4}, None),
        ({"skips": False}, None),
    ],
)
def test_by_default_a_run_starts_from_the_shipped_model_of_its_architecture(
    tmp_path: Path, conf: Conf, keys: dict[str, object], shipped: str | None
) -> None:
    settings = config.load(conf(tmp_path, width=32, residual_blocks=5)).replace(**keys)
    heard: list[str] = []
    first = start.first_model(settings, heard.append)
    if shipped:
        assert heard == [f"starting from the weights of {store.SHIPPED / shipped}"]
        assert first is not None and first.net.architecture == start.architecture(settings)
    else:
        assert first is None and not heard


def test_a_run_can_start_from_a_model_of_the_same_architecture_only(
    tmp_path: Path, conf: Conf, gallery: Path
) -> None:
    settings = config.load(conf(tmp_path, start_from=str(gallery), antialias=False, deep=False))
    first = start.first_model(settings, runs.ignore)
    assert first is not None and first.description.names == ("wave", "candy", "ink")
    other = config.load(conf(tmp_path, start_from=str(gallery), deep=False))
    message = "start_from: .*gallery was trained with antialias: false; set the same"
    with pytest.raises(errors.UserError, match=message):
        start.first_model(other, runs.ignore)


def test_the_lite_network_has_half_the_channels(tmp_path: Path, conf: Conf) -> None:
    for lite, width in ((False, 32), (True, 16)):
        settings = config.load(conf(tmp_path, width=None, lite=lite))
        assert start.architecture(settings).width == width


def test_a_missing_model_is_an_error_that_names_the_key(tmp_path: Path, conf: Conf) -> None:
    settings = config.load(conf(tmp_path, start_from="nothing"))
    with pytest.raises(errors.UserError, match=r"^start_from: no model nothing"):
        start.first_model(settings, runs.ignore)
