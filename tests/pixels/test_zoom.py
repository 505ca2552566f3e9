"""The frames of an endless zoom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fastnst import errors, events, images
from fastnst.pixels import deepdream, zoom

FIRST = np.random.default_rng(0).integers(60, 190, (40, 48, 3), dtype=np.uint8)


def write(folder: Path, count: int, settings: dict[str, Any] | None = None, **more: Any) -> int:
    dreamer = deepdream.Dreamer(
        lambda pictures: tf.reduce_mean(pictures[..., 0]),
        deepdream.Options(octaves=1, iterations=1),
    )
    return zoom.write(dreamer, FIRST, count, 1.5, folder, settings or {"layer": "x"}, **more)


def frames(folder: Path) -> list[np.ndarray]:
    return [images.decode(path.read_bytes()) for path in sorted(folder.glob("*.png"))]


def test_each_frame_is_a_dream_of_the_enlarged_one_before(tmp_path: Path) -> None:
    assert write(tmp_path, 2) == 2
    first, second = frames(tmp_path)
    # One iteration adds three times 1.5 levels to the red channel.
    assert int(first[0, 0, 0]) - int(FIRST[0, 0, 0]) in (4, 5)
    np.testing.assert_array_equal(first[..., 1:], FIRST[..., 1:])
    expected = deepdream.enlarged(first, 1.5)
    np.testing.assert_allclose(second[..., 1], expected[..., 1], atol=0.6)


def test_a_zoom_resumes_and_gives_the_same_frames(tmp_path: Path) -> None:
    write(tmp_path / "whole", 3)
    write(tmp_path / "parts", 1)
    seen: list[events.Event] = []
    assert write(tmp_path / "parts", 3, on_event=seen.append) == 3
    assert seen[0] == events.Started(1, 3, items="frames")
    for one, other in zip(frames(tmp_path / "whole"), frames(tmp_path / "parts"), strict=True):
        np.testing.assert_array_equal(one, other)


def test_frames_of_other_options_are_not_continued(tmp_path: Path) -> None:
    write(tmp_path, 1)
    with pytest.raises(errors.UserError, match="frames that were made with other options"):
        write(tmp_path, 2, {"layer": "y"})
    assert len(frames(tmp_path)) == 1


def test_ctrl_c_keeps_the_finished_frames(tmp_path: Path) -> None:
    class Stopped(deepdream.Dreamer):
        def __call__(self, *arguments: Any) -> deepdream.Result:
            return deepdream.Result(FIRST.astype(np.float32), interrupted=True)

    dreamer = Stopped(tf.reduce_mean)
    assert zoom.write(dreamer, FIRST, 5, 1.1, tmp_path, {}) == 0
    assert frames(tmp_path) == []
