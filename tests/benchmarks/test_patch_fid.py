"""The distances of photos, paintings and halves of a domain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import patch_fid
from fastnst.features import loss_network
from fastnst.losses import patch_distance

ROOT = Path(__file__).resolve().parents[2]


def test_paintings_that_are_those_of_the_domain_have_no_distance() -> None:
    weights = loss_network.load_weights(ROOT / "pretrained" / "vgg_16.ckpt")
    network = loss_network.LossNetwork(weights, ["relu1_1"])
    patches = patch_distance.Patches(network, "relu1_1")
    random = np.random.default_rng(0)
    domain = [random.integers(0, 100, (16, 16, 3)).astype(np.float32) for _ in range(4)]
    found = patch_fid.compare(patches, [picture + 90 for picture in domain], domain, domain)
    photos, painted, halves = found.values()
    assert painted == pytest.approx(0.0, abs=1e-3 * photos)
    assert painted < halves < photos
