"""`fastnst records`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import made
import pytest

from fastnst import data
from fastnst.cli import records
from fastnst.data import labeled_sources

PHOTOS = {f"{i}.jpg": made.encode(made.noise(i), "JPEG") for i in range(3)}


def test_it_writes_records_to_train_on_and_lists_skipped_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = made.write_files(tmp_path / "photos", PHOTOS | {"text.jpg": b"no photo"})
    out = tmp_path / "out"
    command = ["--images", str(source), "--out", str(out), "--shards", "2", "--workers", "2"]
    assert records.main(command) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith(f"{out}: 3 photos in 2 shards, 0.0 MB; 1 file skipped")
    assert "skipped text.jpg: not an image that can be read" in printed.err
    assert data.open_photos(str(out)).count == 3


def test_exit_codes_are_1_for_user_errors_2_for_wrong_usage_and_0_for_help(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = ["--images", str(tmp_path / "none"), "--out", str(tmp_path / "out")]
    assert records.main(nowhere, program="fastnst records") == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == f"fastnst records: {tmp_path}/none: no such folder or zip archive\n"
    assert not (tmp_path / "out").exists()
    assert records.main([*nowhere, "--shards", "0"]) == 2
    assert "--train_shards: '0' should be a whole number, from 1" in capsys.readouterr().err
    assert records.main(["--help"]) == 0
    assert "usage: fastnst records" in capsys.readouterr().out


def test_ctrl_c_reports_that_finished_shards_are_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(records.writer, "write", stopped)
    assert records.main(["--images", "photos", "--out", str(tmp_path)]) == 130
    assert "finished shards are kept. Run the same command again" in capsys.readouterr().err


def test_help_does_not_import_tensorflow() -> None:
    code = (
        "import sys; from fastnst.cli import records; "
        "assert records.main(['--help']) == 0; assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_labels_are_written_with_the_options_of_build_image_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    classes = {f"{name}/{photo}": data for name in ("cat", "dog") for photo, data in PHOTOS.items()}
    train = made.write_files(tmp_path / "train", classes)
    validation = made.write_files(tmp_path / "validation", classes)
    (tmp_path / "labels.txt").write_text("cat\ndog\n")
    out = tmp_path / "out"
    command = [
        "--labels",
        f"--train_directory={train}",
        f"--validation_directory={validation}",
        f"--output_directory={out}",
        f"--labels_file={tmp_path / 'labels.txt'}",
        "--train_shards=2",
        "--validation_shards=1",
        "--num_threads=2",
    ]
    assert records.main(command) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{out}/train: 6 photos in 2 shards, 0.0 MB; 0 files skipped",
        f"{out}/validation: 6 photos in 1 shard, 0.0 MB; 0 files skipped",
    ]
    found = labeled_sources.open_labeled(str(out))
    assert found.classes == ("cat", "dog") and found.labels.tolist().count(0) == 3
