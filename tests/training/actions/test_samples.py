"""The samples of each validation."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fastnst import events, images
from fastnst.training.actions import samples


def pictures(level: int, *sizes: tuple[int, int]) -> tuple[np.ndarray, ...]:
    return tuple(np.full((*size, 3), level, np.uint8) for size in sizes)


def test_a_strip_shows_at_most_six_pictures_at_the_height_of_the_lowest(tmp_path: Path) -> None:
    sizes = ((20, 30), (40, 40), *[(20, 10)] * 6)
    judged = events.Judged(25, {}, pictures(0, *sizes), {"candy": pictures(255, *sizes)})
    samples.Samples(tmp_path)(judged)
    (path,) = tmp_path.iterdir()
    assert path.name == "step-000025.png"
    # 30 wide, 40 x 40 halved, and four of the six that are 10 wide.
    strip = images.read(path)
    assert strip.shape == (20, 30 + 20 + 4 * 10, 3) and strip.min() == 255


def test_several_styles_make_a_grid_with_a_row_for_each() -> None:
    sizes = ((20, 30), (20, 10))
    grid = samples.grid(
        events.Judged(
            1, {}, pictures(0, *sizes), {"a": pictures(50, *sizes), "b": pictures(200, *sizes)}
        )
    )
    labels = grid.shape[1] - 40
    assert grid.shape == (40, labels + 40, 3) and grid.dtype == np.uint8
    assert (grid[:20, labels:] == 50).all() and (grid[20:, labels:] == 200).all()
    # Dark letters on white, another name in each row.
    names = grid[:20, :labels], grid[20:, :labels]
    assert all(name.max() == 255 and name.min() < 128 for name in names)
    assert (names[0] != names[1]).any()


def test_rows_that_a_task_chooses_replace_its_outputs_and_may_be_shorter() -> None:
    rows = {"photo": pictures(50, (20, 30), (20, 10)), "domain": pictures(200, (20, 10))}
    grid = samples.grid(events.Judged(1, {}, (), {"a": pictures(0, (9, 9))}, rows))
    labels = grid.shape[1] - 40
    assert grid.shape[0] == 40 and labels > 0
    assert (grid[:20, labels:] == 50).all() and (grid[20:, labels : labels + 10] == 200).all()
    assert (grid[20:, labels + 10 :] == 255).all()


def test_nothing_is_written_for_other_events_or_without_pictures(tmp_path: Path) -> None:
    action = samples.Samples(tmp_path / "samples")
    action(events.Judged(1, {"loss": 1.0}))
    action(events.Step(1, 2))
    assert not list(tmp_path.iterdir())
