"""The transform net as a list of steps, one per convolution, for work on parts of a picture.

`TransformNet.__call__` computes a whole picture at once. Tiles need more: each layer's size
relative to the photo, how far it reaches beyond its pixel, and the places where an instance norm
needs the moments of the whole picture.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import functools
from typing import Any, TypeAlias

import tensorflow as tf

from fastnst.nets import layers, transform_net

# Name of the network's input, in place of a step's name.
PHOTO = "photo"
# Entries of a style's row by name.
Entries: TypeAlias = dict[str, tf.Tensor]
# Maps the source, and an image as large as the result, to a convolution's output.
Convolve: TypeAlias = collections.abc.Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
# Maps the output of a norm, the result of an earlier step or None, and the style to the result.
Finish: TypeAlias = collections.abc.Callable[[tf.Tensor, tf.Tensor | None, Entries], tf.Tensor]


@dataclasses.dataclass(frozen=True)
class Step:
    """A convolution, the norm after it, and the operations on single pixels that follow.

    Attributes:
        name: Name of the norm.
        source: The step whose result the convolution reads, or PHOTO.
        scale: The result has 1 / scale of the photo's height and width.
        halo: Pixels of the photo by which wrong values spread inward from the edge of a cut source.
        channels: Channels of the result.
        dtype: Dtype of the convolution's output.
        convolve: The convolution.
        finish: The operations on single pixels.
        adds: An earlier step of the same scale whose result `finish` reads.
        normed: Whether there is a norm.
    """

    name: str
    source: str
    scale: int
    halo: int
    channels: int
    dtype: tf.DType
    convolve: Convolve
    finish: Finish
    adds: str | None = None
    normed: bool = True


def of(net: transform_net.TransformNet) -> tuple[Step, ...]:
    """Lists the steps of a network, in the order in which it computes them."""
    found: dict[str, Step] = {}
    trunk, skips = net.compute_dtype, net.architecture.skips

    def scale(name: str) -> int:
        return 1 if name == PHOTO else found[name].scale

    def add(
        name: str,
        source: str,
        layer: layers.Conv | layers.UpsampleConv,
        finish: Finish,
        **others: Any,
    ) -> str:
        convolve: Convolve
        if isinstance(layer, layers.UpsampleConv):
            new_scale, convolve = scale(source) // 2, layer
        else:
            new_scale, convolve = scale(source) * layer.stride, lambda source, like: layer(source)
        found[name] = Step(
            name,
            source,
            scale=new_scale,
            halo=layer.reach * scale(source),
            channels=layer.kernel.shape[-1],
            finish=finish,
            **{"dtype": trunk, "convolve": convolve} | others,
        )
        return name

    def add_blocks(indices: range, last: str) -> str:
        for index in indices:
            name, block = f"residuals/{index}", net.residuals[index]
            inner = add(f"{name}/norm1", last, block.conv1, _active)
            last = add(f"{name}/norm2", inner, block.conv2, _sum, adds=last)
        return last

    def add_inner_blocks(indices: range, last: str) -> str:
        """Adds the blocks at half the trunk's size, between a low-pass filter and its inverse."""
        half = 2 * scale(last)
        reach = layers.LOW_PASS_REACH
        plain = Step(
            "halve",
            last,
            scale=half,
            halo=reach * scale(last),
            channels=found[last].channels,
            dtype=trunk,
            convolve=lambda source, like: layers.halve(source),
            finish=_unchanged,
            normed=False,
        )
        replace = functools.partial(dataclasses.replace, plain, halo=0)
        found["halve"] = plain
        inner = add_blocks(indices, "halve")
        found["change"] = replace(
            name="change",
            source=inner,
            convolve=lambda source, like: source,
            finish=lambda net, before, _: net - before,
            adds="halve",
        )
        name = transform_net.INNER_NORM
        found[name] = replace(
            name=name,
            source="change",
            scale=scale(last),
            halo=reach * half,
            convolve=layers.double,
            finish=_sum,
            adds=last,
            normed=True,
        )
        return name

    def enter(photo: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
        return net.enter(photo)

    def into_trunk(output: tf.Tensor, earlier: tf.Tensor | None, style: Entries) -> tf.Tensor:
        return tf.cast(tf.nn.relu(output), trunk)

    full = add("norm1", PHOTO, net.conv1, _active, convolve=enter, dtype=tf.float32)
    half = add("norm2", full, net.conv2, _active, dtype=tf.float32)
    last = add("norm3", half, net.conv3, into_trunk, dtype=tf.float32)
    inner = net.architecture.inner_blocks()
    last = add_blocks(range(inner.start), last)
    if inner:
        last = add_inner_blocks(inner, last)
    last = add_blocks(range(inner.stop, len(net.residuals)), last)
    earlier = (half, full) if skips else (None, None)
    last = add("norm4", last, net.upsample1, _with_skip("skip1/scale"), adds=earlier[0])
    last = add("norm5", last, net.upsample2, _with_skip("skip2/scale"), adds=earlier[1])
    has_norm = net.architecture.output_norm
    add("norm6", last, net.conv4, _picture, dtype=tf.float32, normed=has_norm)
    return tuple(found.values())


def _unchanged(output: tf.Tensor, earlier: tf.Tensor | None, style: Entries) -> tf.Tensor:
    return output


def _active(output: tf.Tensor, earlier: tf.Tensor | None, style: Entries) -> tf.Tensor:
    return tf.nn.relu(output)


def _sum(output: tf.Tensor, earlier: tf.Tensor | None, style: Entries) -> tf.Tensor:
    return earlier + output


def _with_skip(entry: str) -> Finish:
    def finish(output: tf.Tensor, earlier: tf.Tensor | None, style: Entries) -> tf.Tensor:
        net = tf.nn.relu(output)
        return net if earlier is None else layers.skip(net, earlier, style[entry])

    return finish


def _picture(output: tf.Tensor, earlier: tf.Tensor | None, style: Entries) -> tf.Tensor:
    return (tf.tanh(output) + 1.0) * 127.5
