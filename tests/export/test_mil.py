"""Core ML's operations as they are computed here, against numbers from Apple's documentation."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fastnst.export import mil


def run(name: str, **inputs: object) -> np.ndarray:
    return np.asarray(mil._OPERATIONS[name](**inputs))


def test_the_blocks_of_depth_to_space_lie_in_the_outer_channels() -> None:
    # 4 channels of one pixel become 2 x 2 pixels, row by row.
    x = tf.reshape(tf.range(4.0), [1, 4, 1, 1])
    assert run("depth_to_space", x=x, block_size=2)[0, 0].tolist() == [[0, 1], [2, 3]]
    # With 2 channels, the channel is the inner part: (block, channel).
    x = tf.reshape(tf.range(8.0), [1, 8, 1, 1])
    assert run("depth_to_space", x=x, block_size=2)[0, 0].tolist() == [[0, 2], [4, 6]]


def test_padding_names_the_last_dimensions() -> None:
    x = tf.reshape(tf.constant([1.0, 2.0, 3.0]), [1, 1, 1, 3])
    wide = run("pad", x=x, pad=[0, 0, 2, 2], mode="reflect", constant_val=0.0)
    assert wide.ravel().tolist() == [3, 2, 1, 2, 3, 2, 1]
    wide = run("pad", x=x, pad=[0, 0, 0, 0, 0, 0, 1, 1], mode="replicate")
    assert wide.ravel().tolist() == [1, 1, 2, 3, 3]
    wide = run("pad", x=x, pad=[0, 0, 2, 1], mode="replicate")
    assert wide.ravel().tolist() == [1, 1, 1, 2, 3, 3]
    wide = run("pad", x=x, pad=[0, 0, 1, 2], mode="constant", constant_val=0.0)
    assert wide.ravel().tolist() == [0, 1, 2, 3, 0, 0]


@pytest.mark.parametrize("groups", [1, 4])
def test_a_convolution_has_its_outputs_first(groups: int) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(1, 4, 5, 6)).astype(np.float32)
    weight = random.normal(size=(4, 4 // groups, 3, 3)).astype(np.float32)
    found = run(
        "conv",
        x=tf.constant(x),
        weight=weight,
        strides=np.array([2, 2]),
        pad_type="valid",
        groups=groups,
        pad=np.zeros(4),
        dilations=np.ones(2),
    )
    assert found.shape == (1, 4, 2, 2)
    seen = x[0, 1:2] if groups == 4 else x[0]
    assert found[0, 1, 0, 1] == pytest.approx((seen[:, :3, 2:5] * weight[1]).sum(), abs=1e-5)


def test_a_norm_without_scale_and_shift_gives_mean_0_and_deviation_1() -> None:
    x = tf.constant(np.random.default_rng(0).normal(3, 2, (1, 2, 30, 30)), tf.float32)
    found = run("instance_norm", x=x, epsilon=0.0)
    np.testing.assert_allclose(found.mean(axis=(2, 3)), 0.0, atol=1e-5)
    np.testing.assert_allclose(found.std(axis=(2, 3)), 1.0, atol=1e-5)
    scaled = run("instance_norm", x=x, epsilon=0.0, gamma=np.array([2, 3]), beta=np.array([4, 5]))
    np.testing.assert_allclose(scaled[0, 1], 3 * found[0, 1] + 5, rtol=1e-5)


def test_masks_of_a_slice_leave_an_end_free() -> None:
    x = tf.range(6)
    assert run("slice_by_index", x=x, begin=[2], end=[4]).tolist() == [2, 3]
    found = run("slice_by_index", x=x, begin=[-2], end=[0], end_mask=[True])
    assert found.tolist() == [4, 5]
    found = run("slice_by_index", x=x, begin=[3], end=[2], begin_mask=[True])
    assert found.tolist() == [0, 1]
