"""Stylizing in strips, against stylizing the whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fastnst.nets import norms, tiling, transform_net

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    "option",
    [{}, {"skips": False}, {"antialias": True, "deep": True, "residual_blocks": 3}],
    ids=str,
)
@pytest.mark.parametrize(
    ("height", "width"), [(64, 20), (96, 21), (97, 16), (98, 20), (99, 18), (63, 17), (47, 19)]
)
def test_a_photo_stylized_in_strips_equals_the_photo_stylized_whole(
    height: int, width: int, option: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiling, "_ROWS", 32)
    architecture = transform_net.Architecture(**{"width": 4, "residual_blocks": 1} | option)
    net = transform_net.TransformNet(architecture, seed=1)
    photo = tf.constant(RANDOM.uniform(0, 255, [1, height, width, 3]), tf.float32)
    in_strips = tiling.StripPainter(net)(photo, net.table[0])
    assert in_strips.shape == photo.shape and in_strips.dtype == tf.float32
    np.testing.assert_allclose(in_strips, net(photo), atol=0.05)


def test_one_strip_painter_stylizes_in_every_style_with_every_keep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tiling, "_ROWS", 32)
    net = transform_net.TransformNet(transform_net.Architecture(4, 1), seed=1, styles=2)
    net.table.assign_add(RANDOM.normal(0, 0.3, net.table.shape))
    photo = tf.constant(RANDOM.uniform(20, 200, [1, 70, 20, 3]), tf.float32)
    paint = tiling.StripPainter(net)
    pictures = []
    for row, *keep in ([net.table[0]], [net.table[1]], [net.table[1], tf.constant(0.5)]):
        pictures.append(paint(photo, row, *keep))
        np.testing.assert_allclose(pictures[-1], net(photo, row, *keep), atol=0.05)
    for one, other in ((0, 1), (1, 2)):
        assert np.abs(pictures[one] - pictures[other]).mean() > 1


def test_each_row_belongs_to_one_strip_and_strips_begin_at_a_row_of_the_trunk() -> None:
    found = tiling._strips(1000)
    assert [row for strip in found for row in range(strip.first, strip.last)] == list(range(1000))
    for strip in found:
        assert strip.begin % 4 == strip.first % 4 == 0
        assert 0 <= strip.begin <= strip.first < strip.last <= strip.end <= 1000


def test_merged_moments_of_strips_equal_those_of_the_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tiling, "_ROWS", 8)
    whole = tf.constant(
        RANDOM.normal(3, 2, [1, 21, 5, 2]) + np.arange(21)[:, None, None], tf.float32
    )
    parts = tiling._strips(21)
    moments = [norms.moments(whole[:, strip.first : strip.last]) for strip in parts]
    for merged, of_whole in zip(tiling._merge(moments, parts), norms.moments(whole), strict=True):
        np.testing.assert_allclose(merged, of_whole, rtol=1e-5)
