"""Runs that train a classifier."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import labels_made
import numpy as np
import pytest
import yaml

import fastnst
from fastnst import checkpoint_file, errors, files
from fastnst.cli import train
from fastnst.models import run_folder
from fastnst.training.tasks import session

PICTURES, LABELS = labels_made.bars(45, 16)
QUICK = {
    "task": "classification",
    "naming": "bars",
    "classifier": "mnist",
    "channels": 1,
    "image_size": 16,
    "batch_size": 8,
    "max_steps": 16,
    "optimizer": "momentum",
    "learning_rate": 0.02,
    "average": 0,
    "precision": "float32",
    "log_every": 4,
    "preview_every": 8,
    "checkpoint_every": 8,
}


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, Any]:
    """The keys of a run on 39 bars, validated on 6."""
    labels_made.write_idx(tmp_path / "digits", PICTURES[:39], LABELS[:39])
    labels_made.write_idx(tmp_path / "digits", PICTURES[39:], LABELS[39:], "t10k")
    folders = {"dataset": str(tmp_path / "digits"), "model_path": str(tmp_path / "models")}
    return QUICK | folders


def test_a_run_trains_a_classifier_that_is_loaded_and_has_the_files_of_every_run(
    keys: dict[str, Any],
) -> None:
    folder = fastnst.train(keys)
    found = fastnst.load_classifier(folder)
    assert found.classes == tuple("0123456789")
    assert (found(PICTURES[39:]).argmax(axis=1) == LABELS[39:]).all()
    run = run_folder.RunFolder(folder)
    assert len(run.sample_strips()) == 2
    for path in (run.config, run.inputs, run.metrics, run.tensorboard):
        assert path.exists()
    # It is finished, so that it stays as it is.
    assert fastnst.train(keys) == folder


def test_a_run_that_is_stopped_resumes_exactly(keys: dict[str, Any], tmp_path: Path) -> None:
    whole = fastnst.train(keys | {"naming": "whole", "distortion": "shift"})
    parts = keys | {"naming": "parts", "distortion": "shift"}
    opened = session.open_session(session.resolve(parts), lambda line: None)
    done = iter([False] * 4 + [True])
    assert opened.train(should_stop=lambda: next(done)).interrupted
    del opened
    parts_folder = fastnst.train(parts)
    one, other = (
        checkpoint_file.read_checkpoint(folder / "checkpoints" / "step-16", "net/")
        for folder in (whole, parts_folder)
    )
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        np.testing.assert_array_equal(other[name], tensor)


@pytest.mark.parametrize(
    ("conf", "expected"),
    [
        (
            "mnist",
            {
                **{"batch_size": 100, "max_steps": 500, "optimizer": "momentum"},
                **{"learning_rate": 0.005, "schedule": "constant", "distortion": "none"},
            },
        ),
        (
            "cifar10",
            {
                **{"batch_size": 128, "max_steps": 20_000, "optimizer": "sgd"},
                **{"learning_rate": 0.1, "schedule": "stairs", "decay_steps": 250},
                **{"decay_rate": 0.9, "distortion": "flip_colors"},
            },
        ),
        ("mnist-better", {"classifier": "residual", "classifier_width": 16}),
        ("cifar10-better", {"classifier": "residual", "classifier_width": 32}),
    ],
)
def test_the_shipped_confs_train_with_the_settings_of_the_cookbook(
    conf: str, expected: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with files.asset(f"conf/{conf}.yml").open(encoding="utf-8") as file:
        assert expected.items() <= yaml.safe_load(file).items()
    color = conf.startswith("cifar10")
    pictures, labels = labels_made.bars(15, 32 if color else 28, 3 if color else 1)
    root = tmp_path / "pictures"
    if color:
        root.mkdir()
        (root / "data_batch_1.bin").write_bytes(labels_made.cifar(pictures[:12], labels[:12]))
        (root / "test_batch.bin").write_bytes(labels_made.cifar(pictures[12:], labels[12:]))
    else:
        labels_made.write_idx(root, pictures[:12], labels[:12])
        labels_made.write_idx(root, pictures[12:], labels[12:], "t10k")
    folders = ["--dataset", str(root), "--model_path", str(tmp_path)]
    small = ["--steps", "1", "--set", "batch_size=6"]
    assert train.main(["-c", conf, *folders, *small]) == 0
    assert capsys.readouterr().out == f"{tmp_path / conf / 'report.html'}\n"
    assert fastnst.load_classifier(tmp_path / conf)(pictures).shape == (15, 10)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"dataset": "bundled"}, "dataset: the bundled photos have no labels"),
        ({"channels": 2}, "channels: 2 is impossible"),
        ({"channels": 1, "classifier": "vgg_16"}, "channels: 1 is impossible with"),
        ({"classifier_width": 12}, "should be a multiple of 8"),
        ({"stages": {16: 5}}, "stages: does not apply to a classification"),
        ({"width": 8}, "width: applies only to task: style"),
        ({"labels_file": "none.txt"}, "labels_file: none.txt: no such file"),
        ({"validation": "none"}, "validation: none: no such file or folder"),
    ],
)
def test_wrong_keys_are_told_before_anything_is_written(
    keys: dict[str, Any], changes: dict[str, Any], fault: str, tmp_path: Path
) -> None:
    with pytest.raises(errors.UserError, match=fault):
        fastnst.train(keys | changes)
    with pytest.raises(errors.UserError, match="reads labeled pictures itself"):
        fastnst.train(keys, dataset=[np.zeros((1, 16, 16, 3))])
    assert not (tmp_path / "models").exists()


def test_the_blocks_of_vgg_are_those_of_the_file(tmp_path: Path) -> None:
    pictures, labels = labels_made.bars(9, 16, 3)
    root = labels_made.write_folders(tmp_path / "pictures", pictures, labels)
    settings = session.resolve(
        QUICK
        | {
            "classifier": "vgg_16",
            "channels": 3,
            "dataset": str(root),
            "model_path": str(tmp_path / "models"),
            "held_out": 0.34,
        }
    )
    plan = session.PLANS["classification"](settings, lambda line: None, False, None)
    assert plan.count == 6
    assert list(plan.notices(10)) == ["validating on 3 other pictures"]
    task = plan.make(10)
    # conv4_1 to conv4_3 and the last layer.
    assert len(task.variables) == 8
    weights = checkpoint_file.read_checkpoint(files.asset("pretrained/vgg_16.ckpt"))
    name = "vgg_16/conv4/conv4_3/weights"
    np.testing.assert_array_equal(task.net.weights[name], weights[name])
