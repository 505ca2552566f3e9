"""The model that a configuration describes, and the weights that training starts from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import runs

from fastnst import config, errors, files
from fastnst.models import model
from fastnst.nets import transform_net
from fastnst.training.tasks import start

Conf = Callable[..., Path]
SHAPES = transform_net.Architecture(width=4, residual_blocks=0)


def make(*names: str, identity: bool = False) -> model.Model:
    """A model whose rows are 1, 2, 3, ..."""
    described = model.Description(SHAPES, tuple(map(model.Style, names)), identity)
    net = transform_net.TransformNet(SHAPES, seed=3, styles=described.rows)
    values = np.arange(1.0, described.rows + 1.0, dtype=np.float32)
    net.table.assign(np.repeat(values[:, np.newaxis], net.layout.size, axis=1))
    return model.Model(net, described)


@pytest.mark.parametrize(
    ("names", "identity", "rows"),
    [
        # The styles a and b have the rows 1 and 2, and the photo has 3.
        (("b", "new"), True, [2.0, 1.5, 3.0]),
        (("a",), False, [1.0]),
        (("new",), False, [1.5]),
        (("b", "a"), False, [2.0, 1.0]),
    ],
)
def test_known_styles_keep_their_rows_and_others_start_from_the_mean(
    names: tuple[str, ...], identity: bool, rows: list[float]
) -> None:
    first = make("a", "b", identity=True)
    described = model.Description(SHAPES, tuple(map(model.Style, names)), identity)
    tensors = start.adopt(first, described)
    expected = np.repeat(np.array(rows)[:, np.newaxis], first.net.layout.size, axis=1)
    np.testing.assert_array_equal(tensors["styles"], expected)
    np.testing.assert_array_equal(tensors["conv1/kernel"], first.net.tensors()["conv1/kernel"])


def test_a_single_style_keeps_its_row_under_another_name() -> None:
    assert start.adopt(make("a"), make("new").description)["styles"][0, 0] == 1.0


@pytest.mark.parametrize(
    ("keys", "starts_from_base"),
    [
        ({"start_from": "auto"}, True),
        ({"start_from": None}, False),
        ({"width": 4}, False),
        ({"skips": False}, False),
    ],
)
def test_by_default_a_run_of_the_same_architecture_starts_from_the_base_model(
    tmp_path: Path, conf: Conf, keys: dict[str, object], starts_from_base: bool
) -> None:
    settings = config.load(conf(tmp_path, width=32, residual_blocks=5)).replace(**keys)
    heard: list[str] = []
    first = start.first_model(settings, heard.append)
    path = files.find("pretrained/base.ckpt")
    assert heard == [f"starting from the weights of {path}"] * starts_from_base
    if starts_from_base:
        assert first is not None and first.net.architecture == start.architecture(settings)
    else:
        assert first is None


def test_a_run_can_start_from_one_style_of_a_model(
    tmp_path: Path, conf: Conf, gallery: Path
) -> None:
    (tmp_path / "models").mkdir()
    settings = config.load(conf(tmp_path, start_from=str(gallery)))
    first = start.first_model(settings, runs.ignore)
    assert first is not None and first.description.names == ("wave", "candy", "ink")


def test_the_lite_network_has_half_the_channels(tmp_path: Path, conf: Conf) -> None:
    for lite, width in ((False, 32), (True, 16)):
        settings = config.load(conf(tmp_path, width=None, lite=lite))
        assert start.architecture(settings).width == width


def test_a_missing_model_is_an_error_that_names_the_key(tmp_path: Path, conf: Conf) -> None:
    settings = config.load(conf(tmp_path, start_from="nothing"))
    with pytest.raises(errors.UserError, match=r"^start_from: no model nothing"):
        start.first_model(settings, runs.ignore)
