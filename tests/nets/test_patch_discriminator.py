"""The discriminator: one logit for each patch."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fastnst.nets import patch_discriminator


def test_a_picture_of_256_pixels_has_the_tutorials_30_x_30_logits() -> None:
    judge = patch_discriminator.PatchDiscriminator(width=2)
    for side, logits in ((256, 30), (128, 14), (24, 1)):
        assert judge(tf.zeros([1, side, side, 3])).shape == (1, logits, logits, 1)
    shapes = {name: tuple(each.shape) for name, each in judge.named_variables().items()}
    assert shapes["conv1/kernel"] == (4, 4, 3, 2) and shapes["conv5/kernel"] == (4, 4, 16, 1)
    assert shapes["norm4/scale"] == (16,) and shapes["conv5/bias"] == (1,)
    assert "norm1/scale" not in shapes and "norm5/scale" not in shapes
    assert len(shapes) == 5 + 3 + 3 + 1


def test_a_logit_depends_on_a_patch_of_70_pixels() -> None:
    judge = patch_discriminator.PatchDiscriminator(width=2)
    # Without norms, which see the whole picture.
    maps = tf.Variable(tf.random.uniform([1, 128, 128, 3], maxval=255.0, seed=0))
    with pytest.MonkeyPatch.context() as patch, tf.GradientTape() as tape:
        patch.setattr(
            patch_discriminator.norms, "instance_norm", lambda images, *_, **options: images
        )
        logit = judge(maps)[0, 7, 7, 0]
    rows = np.flatnonzero(np.abs(tape.gradient(logit, maps)[0]).sum(axis=(1, 2)))
    assert rows[-1] - rows[0] + 1 == 70


def test_kernels_and_scales_are_drawn_from_a_normal_distribution() -> None:
    judge = patch_discriminator.PatchDiscriminator(seed=1)
    assert judge.kernels[3].numpy().std() == pytest.approx(0.02, rel=0.02)
    assert judge.scales[2].numpy().std() == pytest.approx(0.02, rel=0.15)
    other = patch_discriminator.PatchDiscriminator(seed=2)
    assert not np.array_equal(other.kernels[0], judge.kernels[0])


def test_logits_are_float32_in_any_precision() -> None:
    pictures = tf.random.uniform([2, 32, 32, 3], maxval=255.0, seed=0)
    logits = [
        patch_discriminator.PatchDiscriminator(4, dtype, fused_norms=fused)(pictures)
        for dtype, fused in ((tf.float32, True), (tf.float32, False), (tf.bfloat16, True))
    ]
    assert {each.dtype for each in logits} == {tf.float32}
    np.testing.assert_allclose(logits[0], logits[1], atol=1e-5)
    np.testing.assert_allclose(logits[0], logits[2], atol=0.02)
