"""The style images in a run's folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fastnst import images
from fastnst.models import run_folder
from fastnst.training.tasks import targets


def test_each_style_has_its_painting_and_several_are_numbered(tmp_path: Path) -> None:
    plain = [np.full((20, 30, 3), level, np.float32) for level in (10.4, 99.6, 200.0)]
    targets.write(run_folder.RunFolder(tmp_path), {"wave": plain[:1], "monet": plain[1:]})
    found = {path.name: images.read(path) for path in tmp_path.iterdir()}
    assert {name: (each.shape, round(float(each.mean()))) for name, each in found.items()} == {
        "target_style_wave.jpg": ((20, 30, 3), 10),
        "target_style_monet-1.jpg": ((20, 30, 3), 100),
        "target_style_monet-2.jpg": ((20, 30, 3), 200),
    }
