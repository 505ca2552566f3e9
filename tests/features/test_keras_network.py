"""Networks of Keras, on InceptionV3 with random weights."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from fastnst import errors
from fastnst.features import keras_network


def small() -> keras.Model:
    """Two convolutions, built the way Keras builds InceptionV3."""
    pictures = keras.Input((None, None, 3))
    hidden = keras.layers.Conv2D(4, 3, name="conv")(pictures)
    outputs = keras.layers.Activation("relu", name="mixed0")(hidden)
    return keras.Model(pictures, outputs)


def test_the_features_are_those_of_the_network_for_pictures_in_minus_1_to_1() -> None:
    network = keras_network.KerasNetwork(small())
    assert network.layers == {"conv": 4, "mixed0": 4}
    photo = np.random.default_rng(0).uniform(0, 255, (1, 9, 8, 3)).astype(np.float32)
    compute = tf.function(lambda images: network(images, ["mixed0"]))
    found = compute(tf.constant(photo))["mixed0"]
    expected = network._network(photo / 127.5 - 1.0)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_a_failed_download_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**options: object) -> None:
        raise Exception("URL fetch failure\non storage.googleapis.com")

    monkeypatch.setattr(keras.applications, "InceptionV3", fail)
    with pytest.raises(errors.UserError, match=r"cannot be downloaded .URL fetch failure on stor"):
        keras_network.inception_v3()


@pytest.mark.slow
def test_inception_v3_has_its_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = keras.applications.InceptionV3
    monkeypatch.setattr(
        keras.applications, "InceptionV3", lambda **options: genuine(**options | {"weights": None})
    )
    network = keras_network.inception_v3()
    assert network.layers["mixed5"] == 768 and network.layers["mixed10"] == 2048
    found = tf.function(lambda images: network(images, ["mixed5"]))(tf.zeros([1, 100, 120, 3]))
    assert found["mixed5"].shape[-1] == 768
