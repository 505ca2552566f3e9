"""Runs that resume with settings that changed, or beside a damaged configuration."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import runs

from fastnst import config, errors, files
from fastnst.training.tasks import session

Conf = Callable[..., Path]


def test_resuming_with_other_settings_reports_the_changes(tmp_path: Path, conf: Conf) -> None:
    settings = config.load(conf(tmp_path))
    session.open_session(settings, runs.ignore)
    heard: list[str] = []
    changed = settings.replace(learning_rate=0.002, max_steps=9)
    run = session.open_session(changed, heard.append)
    assert heard == [
        "resuming with a changed max_steps: 6 -> 9",
        "resuming with a changed learning_rate: 0.001 -> 0.002",
    ]
    assert config.load(run.folder.config) == changed


@pytest.mark.slow
def test_after_the_objective_changes_the_next_validation_is_the_best(
    tmp_path: Path, conf: Conf, photos: Path
) -> None:
    keys = {"dataset": str(photos), "max_steps": 4, "preview_every": 1}
    settings = config.load(conf(tmp_path, **keys, **runs.LEAST))
    run = session.open_session(settings, runs.ignore)
    run.train()
    best = run.folder.checkpoints / "best"
    for number, change in enumerate(({"learning_rate": 0.002}, {"style_weight": 90.0}), start=1):
        settings = settings.replace(max_steps=4 + number, **change)
        heard: list[str] = []
        kept = sorted(path.name for path in best.iterdir())
        run = session.open_session(settings, heard.append)
        if "style_weight" not in change:
            assert np.isfinite(float(run.engine.state.best_loss))
        else:
            # With this weight, every loss is higher than the lowest so far.
            old = best.with_name("best.old1")
            assert f"the best checkpoint under the earlier settings is kept as {old}" in heard
            assert sorted(path.name for path in old.iterdir()) == kept
            assert float(run.engine.state.best_loss) == np.inf
            # The same holds after a crash before the first checkpoint.
            run = session.open_session(settings, runs.ignore)
            assert float(run.engine.state.best_loss) == np.inf
        run.train()
    newest = runs.load(run.folder.path).tensors()
    for name, tensor in run.task.average.tensors().items():
        np.testing.assert_array_equal(newest[name], tensor)


def test_a_run_cannot_resume_with_another_architecture(tmp_path: Path, conf: Conf) -> None:
    settings = config.load(conf(tmp_path))
    session.open_session(settings, runs.ignore)
    written = (tmp_path / "models" / "tiny" / "config.yml").read_bytes()
    with pytest.raises(errors.UserError) as caught:
        session.open_session(settings.replace(residual_blocks=2), runs.ignore)
    message = str(caught.value)
    assert message.startswith("residual_blocks: ") and "\n" not in message
    assert "started with 1 and cannot resume with 2" in message and "--fresh" in message
    assert (tmp_path / "models" / "tiny" / "config.yml").read_bytes() == written


def test_the_style_image_can_move_but_not_change(tmp_path: Path, conf: Conf) -> None:
    settings = config.load(conf(tmp_path))
    session.open_session(settings, runs.ignore)
    style = Path(settings.styles["tiny"].style_image)
    (tmp_path / "elsewhere").mkdir()
    for name in (style.name, "renamed.jpg"):
        shutil.copy(files.find(str(style)), tmp_path / "elsewhere" / name)
        moved = settings.replace(style_image=str(tmp_path / "elsewhere" / name))
        session.open_session(moved, runs.ignore)
    # Another picture of the same name.
    shutil.copy(files.find("img/candy.jpg"), tmp_path / "elsewhere" / "renamed.jpg")
    refused = r"^style_image: .* was started with content \w+ and cannot resume with .*--fresh"
    with pytest.raises(errors.UserError, match=refused):
        session.open_session(moved, runs.ignore)


@pytest.mark.slow
def test_validation_photos_that_change_under_the_same_name_drop_the_best_checkpoint(
    tmp_path: Path, conf: Conf, photos: Path, validation_photos: Path
) -> None:
    judged = tmp_path / "judged"
    shutil.copytree(validation_photos, judged)
    keys = {"dataset": str(photos), "validation": str(judged), "max_steps": 1, "preview_every": 1}
    settings = config.load(conf(tmp_path, **keys, **runs.LEAST))
    run = session.open_session(settings, runs.ignore)
    run.train()
    del run
    shutil.copy(judged / "1.png", judged / "0.png")
    heard: list[str] = []
    longer = settings.replace(max_steps=2)
    run = session.open_session(longer, heard.append)
    assert heard[1].startswith("resuming with a changed validation: content ")
    assert "under the earlier settings is kept as" in heard[2]
    assert float(run.engine.state.best_loss) == np.inf
    # It is said once.
    heard.clear()
    session.open_session(longer, heard.append)
    assert heard == []


def test_a_damaged_config_file_is_reported_and_left_unchanged(tmp_path: Path, conf: Conf) -> None:
    settings = config.load(conf(tmp_path))
    written = session.open_session(settings, runs.ignore).folder.config
    for damaged in (b"naming: [", b"\xff\xfe", b"", b"naming"):
        written.write_bytes(damaged)
        with pytest.raises(errors.UserError, match=r"models/tiny/config\.yml: damaged; delete it"):
            session.open_session(settings, runs.ignore)
        assert written.read_bytes() == damaged


def test_a_finished_run_keeps_its_configuration(tiny_run: Path, tmp_path: Path, conf: Conf) -> None:
    shutil.copytree(tiny_run, tmp_path / "models" / "tiny")
    before = (tmp_path / "models" / "tiny" / "config.yml").read_bytes()
    heard: list[str] = []
    shorter = config.load(conf(tmp_path)).replace(max_steps=3)
    assert session.open_session(shorter, heard.append).start_step == 6
    assert heard == []
    assert (tmp_path / "models" / "tiny" / "config.yml").read_bytes() == before
