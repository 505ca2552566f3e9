"""Classifiers that were trained, ready to use."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import labels_made
import numpy as np
import pytest
import tensorflow as tf

import fastnst
from fastnst import checkpoint_file, errors
from fastnst.features import loss_network
from fastnst.models import classifier, descriptions, store
from fastnst.nets import classifier_architecture, classifiers

SHAPES = classifier_architecture.Architecture("mnist", 12, 1, 3)
DESCRIBED = classifier.Description(SHAPES, labels_made.CLASSES)
PICTURES = labels_made.bars(4)[0]


def write(folder: Path, part: str = "net") -> classifiers.Classifier:
    """Writes a run as the engine does; returns its network."""
    net = classifiers.make(SHAPES, seed=5)
    checkpoint = tf.train.Checkpoint(**{part: dict(net.weights), "other": tf.Variable(1.0)})
    checkpoint.write(str(folder / "checkpoints" / "step-7"))
    (folder / descriptions.FILE).write_text(DESCRIBED.to_json())
    return net


@pytest.mark.parametrize("part", ["net", "average"])
def test_a_run_is_loaded_and_tells_classes(tmp_path: Path, part: str) -> None:
    net = write(tmp_path, part)
    found = fastnst.load_classifier(tmp_path)
    assert found.classes == labels_made.CLASSES
    expected = tf.nn.softmax(net(PICTURES)).numpy()
    np.testing.assert_allclose(found(PICTURES), expected, atol=1e-6)
    (best, second), *_ = found.best(PICTURES, 2)
    assert best[1] >= second[1]
    assert best == (found.classes[expected[0].argmax()], pytest.approx(expected[0].max()))
    assert found([]).shape == (0, 3)


def test_pictures_of_any_size_and_color_are_taken(tmp_path: Path) -> None:
    write(tmp_path)
    found = classifier.load(tmp_path)
    large = PICTURES[0].repeat(2, axis=0).repeat(2, axis=1).repeat(3, axis=2)
    wide = np.pad(large, [(0, 0), (9, 9), (0, 0)])
    np.testing.assert_allclose(found([wide]), found([large]), atol=1e-6)
    assert found([large]).sum() == pytest.approx(1.0)


def test_a_description_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / descriptions.FILE
    blocks = classifier_architecture.Architecture(
        "vgg_16", 64, 3, 2, blocks=((2, 64), (1, 128)), mean=(1.5, 2.0, 3.0)
    )
    described = classifier.Description(blocks, ("K\u00e4se", "Brot"))
    path.write_text(described.to_json(), encoding="utf-8")
    assert classifier.Description.read(path) == described
    with pytest.raises(errors.UserError, match="describes a classifier, which stylizes nothing"):
        descriptions.Description.read(path)
    assert classifier.exists(tmp_path)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"classes": ["a"]}, "as many names as the network has outputs"),
        ({"classes": [1, 2, 3]}, "as many names"),
        ({"format": 99}, "install a newer fastnst"),
        ({"architecture": {"name": "transform_net"}}, "describes no classifier"),
        ({"architecture": []}, "cannot be read"),
        ({"architecture": {"name": "classifier", "network": "x"}}, "cannot be read"),
    ],
)
def test_a_damaged_description_is_told(tmp_path: Path, changes: dict[str, Any], fault: str) -> None:
    path = tmp_path / descriptions.FILE
    path.write_text(json.dumps(json.loads(DESCRIBED.to_json()) | changes))
    with pytest.raises(errors.UserError, match=fault):
        classifier.Description.read(path)


def test_a_name_is_that_of_a_classifier_in_models_and_of_no_style(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "models" / "bars")
    assert classifier.load("bars").classes == labels_made.CLASSES
    with pytest.raises(errors.UserError, match=r"no classifier bar; did you mean bars\?"):
        classifier.load("bar")
    # Commands that stylize with every model, such as `fastnst gallery`, leave it out.
    assert "bars" not in store.available()
    with pytest.raises(errors.UserError, match="describes a classifier, which stylizes nothing"):
        store.find("bars")


def test_weights_that_do_not_fit_are_told(tmp_path: Path) -> None:
    write(tmp_path)
    other = classifier.Description(
        classifier_architecture.Architecture("residual", 12, 1, 3), labels_made.CLASSES
    )
    (tmp_path / descriptions.FILE).write_text(other.to_json())
    with pytest.raises(errors.UserError, match="step-7: weights of another classifier"):
        classifier.load(tmp_path)
    # Nothing of 20 GB is allocated.
    huge = dataclasses.replace(DESCRIBED, architecture=dataclasses.replace(SHAPES, side=4096))
    (tmp_path / descriptions.FILE).write_text(huge.to_json())
    with pytest.raises(errors.UserError, match=r"full1/weights should have the shape \(52428800"):
        classifier.load(tmp_path)


def test_a_retrained_network_becomes_a_loss_network(tmp_path: Path) -> None:
    shapes = classifier_architecture.Architecture(
        "vgg_16", 32, 3, 2, blocks=((2, 64), (1, 128)), mean=(1.0, 2.0, 3.0)
    )
    net = classifiers.make(shapes, seed=3)
    path = classifier.write_loss_network(
        classifier.PictureClassifier(net, ("a", "b")), tmp_path / "mine"
    )
    assert path == tmp_path / "mine" / "vgg_16.ckpt"
    weights = loss_network.load_weights(path)
    np.testing.assert_array_equal(
        weights["vgg_16/conv2/conv2_1/weights"], net.tensors()["vgg_16/conv2/conv2_1/weights"]
    )
    assert list(loss_network.LossNetwork(weights, ["relu2_1"]).layers) == [
        "relu1_1",
        "relu1_2",
        "relu2_1",
    ]
    assert "head/weights" in checkpoint_file.read_checkpoint(path)
