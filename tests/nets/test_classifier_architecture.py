"""The shapes of a classifier that come from a file."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from fastnst.nets import classifier_architecture, classifiers

MNIST = classifier_architecture.Architecture("mnist", 28, 1, 10)
VGG = classifier_architecture.Architecture(
    "vgg_16", 64, 3, 2, blocks=((2, 64), (2, 128)), mean=(123.0, 116.0, 103.0)
)


def test_every_network_has_a_name_that_a_file_may_hold() -> None:
    assert tuple(classifiers.NETWORKS) == classifier_architecture.NETWORKS


@pytest.mark.parametrize(
    ("shapes", "changes"),
    [
        (MNIST, {"network": "alexnet"}),
        (MNIST, {"side": 0}),
        (MNIST, {"side": 10**9}),
        (MNIST, {"side": True}),
        (MNIST, {"channels": 2}),
        (MNIST, {"classes": 1}),
        (MNIST, {"classes": 10**8}),
        (MNIST, {"width": 33}),
        (VGG, {"blocks": ()}),
        (VGG, {"blocks": ((2, 10**6),)}),
        (VGG, {"blocks": ((2, 64),) * 6}),
        (VGG, {"mean": (1.0, float("nan"), 1.0)}),
        (VGG, {"mean": ()}),
    ],
)
def test_impossible_shapes_are_refused(
    shapes: classifier_architecture.Architecture, changes: dict[str, Any]
) -> None:
    shapes.check()
    with pytest.raises(ValueError):
        dataclasses.replace(shapes, **changes).check()
