"""The numbers of a style, as one vector."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fastnst.nets import rows

LAYOUT = rows.Layout(
    (rows.Entry("norm/scale", 2, 0.5), rows.Entry("norm/shift", 2, 0.0), rows.Entry("skip", 1, 1.0))
)


def test_a_new_row_holds_the_initial_value_of_each_entry() -> None:
    assert LAYOUT.size == 5
    row = LAYOUT.initial()
    assert row.dtype == np.float32
    assert row.tolist() == [0.5, 0.5, 0, 0, 1]


def test_a_row_is_split_in_the_order_of_its_entries() -> None:
    parts = LAYOUT.split(tf.constant([1.0, 2, 3, 4, 5]))
    assert {name: part.numpy().tolist() for name, part in parts.items()} == {
        "norm/scale": [1, 2],
        "norm/shift": [3, 4],
        "skip": [5],
    }


def test_the_rows_of_a_batch_are_split_alike() -> None:
    parts = LAYOUT.split(tf.constant([[1.0, 2, 3, 4, 5], [6, 7, 8, 9, 10]]))
    assert {name: part.numpy().tolist() for name, part in parts.items()} == {
        "norm/scale": [[1, 2], [6, 7]],
        "norm/shift": [[3, 4], [8, 9]],
        "skip": [[5], [10]],
    }


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_entries_are_packed_into_the_row_that_splits_into_them(dtype: type) -> None:
    # In another order, and with a name that is no part of the row.
    tensors = {
        "skip": np.array([5], dtype),
        "conv/kernel": np.zeros([3, 3, 1, 1], dtype),
        "norm/shift": np.array([3, 4], dtype),
        "norm/scale": np.array([1, 2], dtype),
    }
    row = LAYOUT.pack(tensors)
    assert row.dtype == np.float32
    assert row.tolist() == [1, 2, 3, 4, 5]
    for name, part in LAYOUT.split(row).items():
        np.testing.assert_array_equal(part, tensors[name])


def test_packing_names_a_missing_entry() -> None:
    with pytest.raises(KeyError, match="norm/shift"):
        LAYOUT.pack({"norm/scale": np.zeros(2), "skip": np.zeros(1)})


def test_the_gradient_of_an_entry_falls_on_its_place_in_the_row() -> None:
    row = tf.constant([1.0, 2, 3, 4, 5])
    with tf.GradientTape() as tape:
        tape.watch(row)
        loss = 7 * tf.reduce_sum(LAYOUT.split(row)["norm/shift"])
    assert tape.gradient(loss, row).numpy().tolist() == [0, 0, 7, 7, 0]
