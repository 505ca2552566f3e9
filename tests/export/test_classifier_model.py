"""SavedModels of classifiers."""

from __future__ import annotations

from pathlib import Path

import labels_made
import numpy as np
import pytest
import tensorflow as tf

from fastnst import errors
from fastnst.export import classifier_model
from fastnst.models import classifier
from fastnst.nets import classifier_architecture, classifiers

SHAPES = classifier_architecture.Architecture("mnist", 12, 1, 3)
PICTURES = labels_made.bars(4)[0]


def test_an_exported_program_needs_only_tensorflow(tmp_path: Path) -> None:
    found = classifier.PictureClassifier(classifiers.make(SHAPES), labels_made.CLASSES)
    classifier_model.write(found, tmp_path / "out")
    assert (tmp_path / "out" / "labels.txt").read_text() == "left\nright\nwhole\n"
    served = tf.saved_model.load(str(tmp_path / "out")).signatures["serving_default"]
    told = served(pictures=tf.constant(PICTURES))
    np.testing.assert_allclose(told["probabilities"], found(PICTURES), atol=1e-5)
    names = [name.decode() for name in told["class"].numpy()]
    assert names == [best[0][0] for best in found.best(PICTURES)]
    # Of another size, both resample with a Lanczos filter.
    large = PICTURES.repeat(2, axis=1).repeat(2, axis=2)
    told = served(pictures=tf.constant(np.pad(large, [(0, 0), (0, 0), (5, 5), (0, 0)])))
    np.testing.assert_allclose(told["probabilities"], found(large), atol=0.05)
    # An earlier export is replaced, and nothing else.
    classifier_model.write(found, tmp_path / "out")
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(errors.UserError, match=r"thesis.txt: is not part of an export"):
        classifier_model.write(found, tmp_path / "out")
