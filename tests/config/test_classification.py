"""The keys of a classification."""

from __future__ import annotations

import dataclasses

from fastnst.config import classification
from fastnst.data import distortions
from fastnst.nets import classifier_architecture


def choices(key: str) -> tuple[str, ...]:
    (field,) = (
        each for each in dataclasses.fields(classification.Classification) if each.name == key
    )
    return tuple(field.metadata["choices"])


def test_every_network_and_every_distortion_can_be_chosen() -> None:
    assert choices("classifier") == classifier_architecture.NETWORKS
    assert choices("distortion") == tuple(distortions.DISTORTIONS)
