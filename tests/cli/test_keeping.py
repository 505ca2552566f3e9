"""What commands keep of their work on a picture."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastnst import errors, events, images
from fastnst.cli import keeping

SMALL = np.full((20, 25, 3), 200, np.uint8)


def keeper(output: Path, *inputs: Path, saving: bool = True) -> keeping.Keeper:
    alpha = np.arange(40 * 50, dtype=np.uint16).reshape(40, 50).astype(np.uint8)
    photo = images.Picture(np.zeros((40, 50, 3), np.uint8), alpha=alpha)
    return keeping.Keeper(photo, output, 120, inputs, saving=saving)


def judged(step: int) -> events.Judged:
    return events.Judged(step, {}, outputs={"picture": (SMALL,)})


def test_a_picture_on_the_way_is_written_like_the_photo_with_its_step(tmp_path: Path) -> None:
    kept = keeper(tmp_path / "a.png")
    kept(events.Started(0, 120))
    kept(judged(7))
    assert kept.pictures == {7: tmp_path / "a-007.png"}
    written = images.read_picture(tmp_path / "a-007.png")
    np.testing.assert_array_equal(written.pixels, np.full((40, 50, 3), 200))
    assert written.alpha is not None and written.alpha[1, 3] == 53


def test_without_saving_pictures_are_only_kept(tmp_path: Path) -> None:
    kept = keeper(tmp_path / "a.png", saving=False)
    kept(judged(7))
    assert [*kept.pictures] == [7] and kept.pictures[7] is SMALL
    assert not [*tmp_path.iterdir()]


def test_a_picture_that_cannot_be_written_is_named_and_the_work_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = keeper(tmp_path / "a.png")
    (tmp_path / "a-007.png").mkdir()
    kept(judged(7))
    assert kept.pictures == {}
    error = capsys.readouterr().err
    assert error.startswith(f"{tmp_path / 'a-007.png'}: ") and error.count("\n") == 1


def test_no_picture_on_the_way_may_replace_an_input(tmp_path: Path) -> None:
    for name in ("a.png", "a-07.png", "a-0070.png", "b-007.png", "a-007.jpg", "sub/a-007.png"):
        keeper(tmp_path / "a.png", tmp_path / name)
    keeper(tmp_path / "a.png", tmp_path / "a-007.png", saving=False)
    with pytest.raises(errors.UserError, match=r"a-007\.png: would overwrite an input picture"):
        keeper(tmp_path / "a.png", tmp_path / "a-007.png")


def test_events_reach_the_display_the_keeper_and_tensorboard(tmp_path: Path) -> None:
    seen: list[events.Event] = []
    kept = keeper(tmp_path / "a.png", saving=False)
    act = keeping.watch(seen.append, kept, tmp_path / "new" / "board")
    told = [events.Started(0, 1), judged(1), events.Finished(1, 1)]
    for event in told:
        act(event)
    assert seen == told and [*kept.pictures] == [1]
    assert len([*(tmp_path / "new" / "board").iterdir()]) == 1


def test_options_are_listed_as_one_types_them() -> None:
    given: dict[str, Any] = {"style": [Path("a.png"), Path("b.png")], "init": None, "size": 32}
    given["layers"] = {"relu1_1": 2.0, "relu2_1": 0.5}
    listed = keeping.options_text(argparse.Namespace(**given))
    assert listed == "style: a.png b.png\nsize: 32\nlayers: relu1_1:2, relu2_1:0.5"
