"""Segments and joining; the rest is tested through painting."""

from __future__ import annotations

import fractions
from pathlib import Path

import clips
import numpy as np
import pytest

from fastnst import errors
from fastnst.video import clip, containers, encoding, nut

pytestmark = clips.needs_ffmpeg


def test_an_encoder_that_cannot_write_says_so(tmp_path: Path) -> None:
    source = clip.read(clips.make(tmp_path / "a.mp4", frames=1))
    header = nut.Header(64, 48, fractions.Fraction(1, 25))
    settings = encoding.Settings(containers.of(Path("b.mp4")), 20)
    writer = encoding.SegmentWriter(tmp_path / "none" / "b.mp4", header, source, settings)
    with pytest.raises(errors.UserError, match=r"frames cannot be written \(.*No such file"):
        for time in range(50):
            writer.write(nut.Frame(time, np.zeros((48, 64, 3), np.uint8)))
        writer.close()


def test_metadata_languages_and_chapters_are_kept(tmp_path: Path) -> None:
    (tmp_path / "meta").write_text(
        ";FFMETADATA1\ntitle=Holiday\n[CHAPTER]\nTIMEBASE=1/10\nSTART=0\nEND=5\ntitle=Sea\n"
    )
    path = tmp_path / "a.mkv"
    clips.ffmpeg(
        *("-f", "lavfi", "-i", "testsrc=s=64x48:d=0.4", "-f", "lavfi", "-i", "sine=d=0.4"),
        *("-i", tmp_path / "meta", "-map_metadata", 2, "-map_chapters", 2),
        *("-metadata:s:a:0", "language=deu", path),
    )
    source = clip.read(path)
    container = containers.of(Path("b.mkv"))
    codecs = containers.codecs(source, container)
    encoding.join(
        [(path, fractions.Fraction(0))], source, codecs, container, 1000, tmp_path / "b.mkv"
    )
    said = clips.ffmpeg("-i", tmp_path / "b.mkv", "-f", "ffmetadata", "-").decode()
    assert "title=Holiday" in said and "title=Sea" in said
    sound = next(s for s in clips.streams(tmp_path / "b.mkv") if s["codec_type"] == "audio")
    assert sound["tags"]["language"] == "deu"
