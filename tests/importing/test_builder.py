"""Layers that replace others: transposed convolutions as convolutions of the small image."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fastnst.importing import builder


def built(made: builder.Builder, photos: np.ndarray) -> np.ndarray:
    net = made.model("mine").net
    return net.compute(tf.constant(photos), net.style()).numpy()


@pytest.mark.parametrize(("size", "before"), [(2, 0), (3, 0), (3, 1), (4, 1), (5, 2)])
def test_a_transposed_convolution_is_the_gradient_of_a_strided_one(size: int, before: int) -> None:
    random = np.random.default_rng(0)
    kernel = random.normal(size=(size, size, 3, 2)).astype(np.float32)
    photos = random.normal(size=(2, 4, 5, 3)).astype(np.float32)
    made = builder.Builder()
    made.transposed(kernel, before)
    # Every pixel adds the kernel to the large image, which has a margin for what falls outside.
    large = np.zeros((2, 8 + 2 * size, 10 + 2 * size, 2), np.float32)
    for row in range(4):
        for column in range(5):
            top, left = size + 2 * row - before, size + 2 * column - before
            part = np.einsum("bi,tsio->btso", photos[:, row, column], kernel)
            large[:, top : top + size, left : left + size] += part
    expected = large[:, size : size + 8, size : size + 10]
    np.testing.assert_allclose(built(made, photos), expected, atol=1e-5)


def test_layers_read_the_last_one_and_are_numbered_by_kind() -> None:
    made = builder.Builder()
    assert made.convolve(np.ones((3, 3, 3, 3), np.float32), pad=1) == "convolvevalid1"
    before = made.last
    assert made.add("Relu") == "relu1" and made.add("Add", other=before) == "add1"
    layers = made.model("mine").description.architecture.layers
    sources = [(layer["kind"], layer["source"]) for layer in layers]
    assert sources == [
        ("Pad", "photo"),
        ("ConvolveValid", "pad1"),
        ("Relu", "convolvevalid1"),
        ("Add", "relu1"),
    ]


def test_a_norm_takes_its_scale_and_shift_from_the_row() -> None:
    made = builder.Builder()
    made.norm(np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0]), 1e-3)
    model = made.model("mine")
    assert model.net.table.numpy().tolist() == [[1, 2, 3, 4, 5, 6]]
    photos = np.random.default_rng(0).normal(size=(1, 20, 20, 3)).astype(np.float32)
    found = built(made, photos)
    np.testing.assert_allclose(found.mean(axis=(0, 1, 2)), [4, 5, 6], atol=1e-5)
