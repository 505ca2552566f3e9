"""The folder of a run."""

from __future__ import annotations

import os
import shutil
import types
from pathlib import Path

import pytest

from fastnst import errors
from fastnst.models import run_folder


def test_everything_lies_in_the_folder(tmp_path: Path) -> None:
    folder = run_folder.RunFolder(tmp_path / "candy")
    places = {
        folder.config: "config.yml",
        folder.metrics: "metrics.jsonl",
        folder.checkpoints: "checkpoints",
        folder.samples: "samples",
        folder.tensorboard: "tensorboard",
        folder.report: "report.html",
    }
    assert {path.name: path.parent for path in places} == dict.fromkeys(
        places.values(), tmp_path / "candy"
    )
    assert not folder.path.exists()


def test_sample_strips_are_in_the_order_of_their_steps(tmp_path: Path) -> None:
    folder = run_folder.RunFolder(tmp_path)
    assert folder.sample_strips() == {}
    folder.samples.mkdir()
    for name in ("step-1000000", "step-000250", "step-999999", "step-mine", "other"):
        (folder.samples / f"{name}.png").touch()
    assert list(folder.sample_strips()) == [250, 999_999, 1_000_000]
    assert folder.sample_strips()[250] == folder.samples / "step-000250.png"


def test_a_folder_is_created_with_its_parents_and_may_exist(tmp_path: Path) -> None:
    folder = run_folder.RunFolder(tmp_path / "a" / "b" / "candy")
    folder.prepare(checkpoints=5)
    folder.prepare(checkpoints=5)
    assert folder.path.is_dir()
    assert not list(folder.path.iterdir())


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "candy").mkdir()
    (tmp_path / "candy" / ".writable").symlink_to(victim)
    run_folder.RunFolder(tmp_path / "candy").prepare(checkpoints=5)
    assert victim.read_text() == "precious"


def test_a_folder_that_cannot_be_created_is_the_users_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "candy"):
        with pytest.raises(errors.UserError) as caught:
            run_folder.RunFolder(path).prepare(checkpoints=5)
        message = str(caught.value)
        assert message.startswith(f"model_path: {path} cannot be written (")
        assert message.endswith("set another folder with model_path or --model_path")


@pytest.mark.parametrize("name", ["checkpoints", "samples", "tensorboard"])
def test_a_file_in_the_place_of_a_subfolder_is_told_before_training_starts(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).touch()
    with pytest.raises(errors.UserError, match=rf"model_path: {tmp_path / name} cannot be written"):
        run_folder.RunFolder(tmp_path).prepare(checkpoints=5)


def test_what_a_killed_write_has_left_is_deleted(tmp_path: Path) -> None:
    folder = run_folder.RunFolder(tmp_path)
    left = ("checkpoints/step-5_temp", "checkpoints/best/step-9_temp", "samples/.partial-x")
    kept = ("checkpoints/best", "samples", "checkpoints/step-5_template")
    for name in (*left, *kept):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
    folder.sweep()
    assert [name for name in (*left, *kept) if (tmp_path / name).exists()] == [*kept]


def test_a_damaged_configuration_is_left_out_and_named(tmp_path: Path) -> None:
    folder, said = run_folder.RunFolder(tmp_path), []
    assert folder.config_text(said.append) == "" and not said
    folder.config.write_bytes(b"naming: caf\xe9")
    assert folder.config_text(said.append) == ""
    folder.config.unlink()
    folder.config.mkdir()
    assert folder.config_text(said.append) == ""
    assert said == [
        f"{folder.config}: is damaged and left out (no UTF-8)",
        f"{folder.config}: is damaged and left out (Is a directory)",
    ]


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_a_read_only_folder_is_the_users_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(errors.UserError, match="cannot be written"):
        run_folder.RunFolder(tmp_path / "candy").prepare(checkpoints=5)
    with pytest.raises(errors.UserError, match="cannot be written"):
        run_folder.RunFolder(tmp_path).prepare(checkpoints=5)


def test_a_full_disk_is_the_users_error_before_training_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Five to keep, the best, and the one that is being written: seven of 27 MB.
    for free, enough in ((188_999_999, False), (189_000_000, True)):
        monkeypatch.setattr(
            shutil, "disk_usage", lambda path, free=free: types.SimpleNamespace(free=free)
        )
        folder = run_folder.RunFolder(tmp_path / "candy")
        if enough:
            folder.prepare(checkpoints=5)
        else:
            with pytest.raises(
                errors.UserError, match=r"has 188 MB of free disk space, .* need 189 MB"
            ):
                folder.prepare(checkpoints=5)
