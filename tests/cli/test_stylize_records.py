"""`fastnst stylize-records`; tests/painting/test_beam.py runs it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fastnst.cli import stylize_records

OPTIONS = ["--model", "candy", "-o", "out"]


@pytest.mark.parametrize("photos", [[], ["--images", "a*.jpg", "--records", "b*.tfrecord"]])
def test_photos_come_from_files_or_from_records(
    photos: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        stylize_records.main([*OPTIONS, *photos])
    assert stopped.value.code == 2 and "--images" in capsys.readouterr().err


def test_without_beam_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    monkeypatch.chdir(tmp_path)
    assert stylize_records.main([*OPTIONS, "--images", "*.jpg"]) == 1
    assert 'needs Apache Beam: pip install "fastnst[beam]"' in capsys.readouterr().err
