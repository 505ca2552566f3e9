"""The report of a run, made of its folder."""

from __future__ import annotations

import base64
import dataclasses
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastnst import errors, events, images
from fastnst.models import metrics_log, run_folder
from fastnst.reports import page
from fastnst.training.actions import report, samples

LINES: list[dict[str, Any]] = [
    {"kind": "start", "step": 0, "time": 0.0, "photos": 1234, "device": "an abacus"},
    {"kind": "training", "step": 10, "time": 60.0, "images_per_second": 3.0, "loss": 7.5},
    {"kind": "training", "step": 20, "time": 125.0, "images_per_second": 5.0, "loss": 5.5},
    {"kind": "validation", "step": 20, "time": 130.0, "loss": 42.0, "slope": 2.0},
]


@pytest.fixture
def folder(tmp_path: Path) -> run_folder.RunFolder:
    """The folder of a run with a history, samples and a best checkpoint."""
    folder = run_folder.RunFolder(tmp_path)
    metrics_log.write(folder.metrics, LINES)
    best = folder.checkpoints / "best"
    best.mkdir(parents=True)
    (best / "step-20.index").touch()
    picture = np.full((8, 10, 3), 99, np.uint8)
    samples.Samples(folder.samples)(events.Judged(20, {}, (picture,), {"a": (picture,)}))
    return folder


def make(folder: run_folder.RunFolder, **options: Any) -> report.Report:
    given = {"name": "line", "metric_names": ["loss", "slope"], "references": {}} | options
    return report.Report(folder, **given)


def pictures(text: str) -> list[np.ndarray]:
    found = re.findall(r'src="data:image/jpeg;base64,([^"]*)"', text)
    return [images.decode(base64.b64decode(data), "a picture") for data in found]


def test_the_report_is_written_at_each_validation_and_at_every_end(
    folder: run_folder.RunFolder,
) -> None:
    photo, dark, bright = (np.full((12, 14, 3), level, np.uint8) for level in (120, 10, 240))
    action = make(folder, pairs=lambda: [(photo, bright)])
    action(events.Step(20, 40))
    assert not folder.report.exists()
    expected: list[tuple[events.Event, int]] = [
        # The pictures of the validation, until the run has finished.
        (events.Judged(20, {}, (photo,), {"a": (dark,)}), 10),
        (events.Finished(30, 40), 10),
        (events.Finished(40, 40), 240),
    ]
    for event, level in expected:
        action(event)
        _, stylized, _ = pictures(folder.report.read_text())
        assert stylized.mean() == pytest.approx(level, abs=3), event
        folder.report.unlink()


def test_a_report_that_cannot_be_written_yet_does_not_end_the_run(
    folder: run_folder.RunFolder,
) -> None:
    folder.report.mkdir()
    action = make(folder)
    action(events.Judged(20, {}))
    action(events.Finished(30, 40))
    with pytest.raises(errors.UserError, match=r"report\.html: cannot be written"):
        action(events.Finished(40, 40))


@pytest.mark.parametrize("damage", ["sample", "log", "lines"])
def test_what_is_damaged_is_left_out_of_the_report(
    folder: run_folder.RunFolder, damage: str
) -> None:
    (strip,) = folder.sample_strips().values()
    if damage == "sample":
        strip.write_bytes(b"")
    elif damage == "log":
        folder.metrics.unlink()
        folder.metrics.mkdir()
    else:
        odd = {"kind": "training", "step": 20, "time": 1.0, "a_per_second": "x", "loss": "y"}
        start = {"kind": "start", "step": 0, "time": 0.0, "photos": "many", "device": 3}
        judged = {"kind": "validation", "step": 20, "time": 1.0}
        metrics_log.write(folder.metrics, [start, odd, judged])
    make(folder).write()
    text = folder.report.read_text()
    assert (f"20: {strip}: " in text) == (damage == "sample")
    assert ("Data set" in text) == (damage == "sample")


def test_the_report_shows_the_history_the_pictures_and_the_configuration(
    folder: run_folder.RunFolder,
) -> None:
    before, after = (np.full((12, 14, 3), level, np.uint8) for level in (10, 240))
    make(
        folder,
        references={"candy": np.full((20, 20, 3), 200, np.uint8)},
        config_text="naming: line",
        command="elsewhere/line",
        pairs=lambda: [(before, after)],
    ).write()
    text = folder.report.read_text()
    assert "<h1>line</h1>" in text and "naming: line" in text
    assert "--model elsewhere/line" in text
    figures = dict(re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)</dd>", text))
    assert figures.pop("Versions").startswith("TensorFlow ")
    assert figures == {
        "Steps": "20",
        "Data set": "1,234 photos",
        "Time": "0:02:10",
        "Speed": "4.0 images/s (median)",
        "Best validation loss": "42",
        "Device": "an abacus",
    }
    # The reference, before and after, and the samples.
    levels = [round(float(picture.mean())) for picture in pictures(text)]
    assert levels == pytest.approx([200, 10, 240, 99], abs=3)
    for name in ("loss", "slope"):
        assert f'<th scope="row">{name}</th>' in text


def test_several_references_stand_side_by_side_at_the_height_of_the_lowest(
    folder: run_folder.RunFolder,
) -> None:
    references = {
        "one": np.full((20, 30, 3), 10, np.uint8),
        "two": np.full((40, 40, 3), 240, np.uint8),
    }
    make(folder, references=references).write()
    reference, *_ = pictures(folder.report.read_text())
    assert reference.shape == (20, 30 + 20, 3)
    assert reference[:, :25].max() < 50 and reference[:, 35:].min() > 200


def test_a_run_without_a_history_has_a_report_too(tmp_path: Path) -> None:
    empty = run_folder.RunFolder(tmp_path)
    make(empty).write()
    text = empty.report.read_text()
    assert pictures(text) == [] and "<dt>Steps</dt><dd>0</dd>" in text
    assert "Best validation" not in text and "--model line" in text


def test_a_task_has_its_own_texts(folder: run_folder.RunFolder) -> None:
    wording = dataclasses.replace(page.TRAINING, kind="fitting report", curves="Distance")
    make(folder, wording=wording).write()
    text = folder.report.read_text()
    assert "fitting report" in text and "<h2>Distance</h2>" in text
    assert "training report" not in text
