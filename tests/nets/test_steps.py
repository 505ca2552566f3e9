"""The list of a network's steps."""

from __future__ import annotations

import pytest
import tensorflow as tf

from fastnst.nets import architectures, steps, transform_net


@pytest.mark.parametrize(
    "option", [{}, {"lite": True}, {"antialias": True}, {"deep": True}], ids=str
)
def test_every_norm_of_the_network_is_a_step_with_its_own_channels(option: dict[str, bool]) -> None:
    net = transform_net.TransformNet(architectures.Transform(4, 3, **option))
    found = {f"{step.after[0].name}/scale": step.channels for step in steps.of(net) if step.normed}
    entries = {entry.name: entry.size for entry in net.layout.entries}
    assert found == {name: size for name, size in entries.items() if name in found}
    assert set(entries) - set(found) == {
        name for name in entries if name.endswith("/shift") or name.startswith("skip")
    }


def test_scales_and_halos_follow_from_the_layers() -> None:
    def table(**option: bool) -> dict[str, tuple[int, int]]:
        net = transform_net.TransformNet(architectures.Transform(4, 1, **option))
        return {step.after[0].name: (step.scale, step.halo) for step in steps.of(net)}

    # 9x9 at full size, 3x3 below: one pixel of the source, which is 1 to 4 pixels of the photo.
    default = {"norm1": (1, 4), "norm2": (2, 1), "norm3": (4, 2)}
    default |= {"residuals/0/norm1": (4, 4), "residuals/0/norm2": (4, 4)}
    default |= {"norm4": (2, 4), "norm5": (1, 2), "norm6": (1, 4)}
    assert table() == default
    # The blur adds a pixel before the strides; after upsampling it falls onto the same pixels.
    assert table(antialias=True) == default | {"norm2": (2, 2), "norm3": (4, 4)}
    # Twice as small from the first 7x7 on, to the last one, which reaches 2 pixels of half size.
    lite = {name: (2 * scale, 2 * halo) for name, (scale, halo) in default.items()}
    assert table(lite=True) == lite | {"norm1": (2, 3), "norm6": (1, 4)}


def test_the_encoder_stays_in_full_precision() -> None:
    net = transform_net.TransformNet(architectures.Transform(4, 1), tf.bfloat16)
    dtypes = {step.after[0].name: step.dtype for step in steps.of(net)}
    full = {name for name, dtype in dtypes.items() if dtype == tf.float32}
    assert full == {"norm1", "norm2", "norm3", "norm6"}
