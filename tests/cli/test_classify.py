"""`fastnst classify`, and the export of classifiers."""

from __future__ import annotations

import json
from pathlib import Path

import labels_made
import made
import numpy as np
import pytest
import tensorflow as tf

from fastnst.cli import classify, export, serve
from fastnst.cli import eval as stylize
from fastnst.models import classifier, descriptions
from fastnst.nets import classifier_architecture, classifiers

PICTURES = labels_made.bars(3)[0]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with models/bars, which says "whole" to everything, and pictures."""
    monkeypatch.chdir(tmp_path)
    shapes = classifier_architecture.Architecture("mnist", 12, 1, 3)
    net = classifiers.make(shapes)
    zeros = {name: np.zeros_like(value) for name, value in net.tensors().items()}
    # Of e^0, e^0 and e^2.
    net.assign(zeros | {"head/biases": np.float32([0.0, 0.0, 2.0])})
    run = tmp_path / "models" / "bars"
    tf.train.Checkpoint(net=dict(net.weights)).write(str(run / "checkpoints" / "step-1"))
    described = classifier.Description(shapes, labels_made.CLASSES)
    (run / descriptions.FILE).write_text(described.to_json())
    pictures = {f"{number}.png": made.encode(PICTURES[number, ..., 0]) for number in range(2)}
    made.write_files(tmp_path / "pictures", pictures)
    return tmp_path


def test_each_picture_gets_its_class_and_how_sure_it_is(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert classify.main(["pictures", "--model", "bars"]) == 0
    # e^2 / (2 + e^2) = 0.787.
    assert capsys.readouterr().out.splitlines() == [
        "pictures/0.png: whole 78.7%",
        "pictures/1.png: whole 78.7%",
    ]
    assert classify.main(["pictures/0.png", "--model", "bars", "--top", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["output"] == "pictures/0.png"
    assert found["classes"] == pytest.approx({"whole": 0.786986, "left": 0.106507}, abs=1e-5)


def test_a_picture_that_cannot_be_read_does_not_stop_the_others(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert classify.main(["nothing.png", "pictures/0.png", "--model", "bars"]) == 1
    printed = capsys.readouterr()
    assert printed.out == "pictures/0.png: whole 78.7%\n"
    assert printed.err == "fastnst classify: nothing.png: no such file\n"


def test_a_model_that_stylizes_is_no_classifier(
    here: Path, tiny_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert classify.main(["pictures", "--model", str(tiny_run)]) == 1
    assert "describes no classifier; name one that was trained" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["bars", "models/bars"])
def test_commands_that_stylize_refuse_a_classifier_in_one_line(
    here: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    for command, arguments in ((stylize, ["pictures", "--model"]), (serve, ["--model"])):
        assert command.main([*arguments, name]) == 1
        printed = capsys.readouterr()
        assert "classifier, which stylizes nothing; name it to `fastnst classify`" in printed.err
        assert printed.err.count("\n") == 1 and not printed.out


def test_export_writes_a_saved_model_of_a_classifier(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export.main(["--model", "bars"]) == 0
    assert capsys.readouterr().out == "exports/bars\n"
    served = tf.saved_model.load("exports/bars").signatures["serving_default"]
    assert served(pictures=tf.constant(PICTURES))["class"].numpy().tolist() == [b"whole"] * 3
    assert export.main(["--model", "bars", "--format", "weights"]) == 1
    assert "is a classifier, which can only be exported as a SavedModel" in capsys.readouterr().err
    # Nothing takes the export for a network that stylizes, or for a run.
    assert stylize.main(["--model", "exports/bars", "pictures"]) == 1
    assert "describes a classifier, which stylizes nothing" in capsys.readouterr().err
    assert classify.main(["--model", "exports/bars", "pictures"]) == 1
    assert "is an exported classifier, for other programs" in capsys.readouterr().err
