"""Where the commands write, and what they refuse before their work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fastnst import errors, images
from fastnst.cli import outputs


def test_a_file_is_written_as_named_and_a_folder_receives_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("is.there").mkdir()
    Path("is.there/x-dream.png").touch()
    for given, expected, overwriting in (
        ("a.jpg", "a.jpg", "a.jpg"),
        ("is.there", "is.there/x-dream-2.png", "is.there/x-dream.png"),
        ("new.one/", "new.one/x-dream.png", "new.one/x-dream.png"),
        (None, "generated/x-dream.png", "generated/x-dream.png"),
    ):
        assert outputs.place(given, "x-dream", ".png") == Path(expected)
        assert outputs.place(given, "x-dream", ".png", numbered=False) == Path(overwriting)


@pytest.mark.parametrize("letter", ["n", "\N{LATIN SMALL LETTER U WITH DIAERESIS}"])
def test_a_name_made_of_a_long_one_can_be_written(
    letter: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stem = letter * (250 // len(letter.encode())) + "-dream"
    path = outputs.place("new/", stem, ".png")
    assert path.name.endswith(f"{letter}-dream.png")
    outputs.check(path)
    path.parent.mkdir()
    path.touch()
    again = outputs.place("new/", stem, ".png")
    assert again.name.endswith("-dream-2.png")
    again.touch()


def test_an_output_is_refused_if_it_is_an_input_no_picture_or_too_large_for_its_format(
    tmp_path: Path,
) -> None:
    (tmp_path / "in.png").touch()
    (tmp_path / "link.png").symlink_to(tmp_path / "in.png")
    wide = images.Picture(np.zeros((1, 17_000, 3), np.uint8))
    for name, reason in (
        ("link.png", "would overwrite an input picture; choose another file with -o"),
        ("a.xyz", "cannot write .xyz; use one of"),
        ("a.webp", "17000 x 1 pixels cannot be written as WEBP"),
        ("in.png/a.png", r"cannot be written \(File exists\)"),
    ):
        with pytest.raises(errors.UserError, match=rf"{name}: {reason}"):
            outputs.check(tmp_path / name, inputs=[tmp_path / "in.png"], picture=wide)
    outputs.check(tmp_path / "a.png", inputs=[tmp_path / "in.png"], picture=wide)
