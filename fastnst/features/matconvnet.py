"""Reads the VGG networks that MatConvNet publishes as .mat files.

The files of vlfeat.org contain "layers", a cell of structs in order of computation (43 for VGG19:
conv1_1, relu1_1, conv1_2, ... pool5, fc6, ... prob), and the mean image. Up to beta 16, that is
`normalization.averageImage` of 224 x 224 pixels; later it is `meta.normalization.averageImage`,
which may be just the mean color. Kernels are stored as [width, height, in, out].
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from fastnst import errors, files
from fastnst.features import vgg

_URL = "https://www.vlfeat.org/matconvnet/models"
# MD5 of the published files by name: the current one, and that of beta 16, if it differs.
PUBLISHED = {
    "imagenet-vgg-verydeep-16.mat": ("f72d927587ca4c97fbd165ec9cb9997f",),
    "imagenet-vgg-verydeep-19.mat": (
        "106118b7cf60435e6d8e04f6a6dc3657",
        "8ee3263992981a1d26e73b3ca028a123",
    ),
}
# Size of the current files in bytes, as far as it is documented.
_SIZES = {"imagenet-vgg-verydeep-19.mat": 534_904_783}
_CHUNK = 2**20
# How SciPy reads a file.
_OPTIONS: dict[str, Any] = {
    "simplify_cells": True,
    "appendmat": False,
    "variable_names": ["layers", "meta", "normalization"],
}
# Reads a file in a process that imports modules from where this one does.
_READER = """
import sys
path, options, *sys.path[:] = sys.argv[1:]
import json
from scipy import io
io.loadmat(path, **json.loads(options))
"""


def read(path: str | Path, model: str = "vgg_19") -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Reads the convolutions and the mean color.

    Args:
        path: The file.
        model: The expected network, "vgg_19" or "vgg_16".

    Returns:
        Slim's variables by name, float32, with kernels [height, width, in, out], as returned by
        `loss_network.load_weights`; and the mean color, float32 RGB [3] in [0, 255].

    Raises:
        UserError: If the file does not exist or is not such a network, SciPy is missing, or the
            file has the name of a published one but not its content.
    """
    content = _load(Path(path))
    try:
        mean = _mean(content)
        convolutions = _convolutions(content["layers"], len(vgg.MODELS[model]))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        raise errors.UserError(
            f"{path}: not a MatConvNet network; use imagenet-vgg-verydeep-19.mat, for example"
        ) from None
    known = vgg.layers_of(model)
    # A file may end early, but its layers must match the first ones of the model.
    if not convolutions or tuple(convolutions) != known[: len(convolutions)]:
        count = f"{len(convolutions)} convolutions, whose blocks do not match {model}"
        raise errors.UserError(
            f"{path}: contains {count}; set --loss_model to {' or '.join(vgg.MODELS)}"
        )
    weights = {}
    sizes = [channels for repeats, channels in vgg.MODELS[model] for _ in range(repeats)]
    for inputs, outputs, layer in zip([3, *sizes], sizes, convolutions, strict=False):
        kernels, biases = convolutions[layer]
        if kernels.shape != (3, 3, inputs, outputs) or biases.size != outputs:
            raise errors.UserError(
                f"{path}: the kernels of {layer} have shape {kernels.shape}, but should have "
                f"{(3, 3, inputs, outputs)} with {outputs} biases; use another file"
            )
        # MATLAB is column-major: width precedes height.
        weights_name, biases_name = vgg.variables(model, layer)
        weights[weights_name] = kernels.transpose(1, 0, 2, 3)
        weights[biases_name] = biases
    return weights, mean


def _load(path: Path) -> dict[str, Any]:
    try:
        from scipy import io
    except ImportError:
        raise errors.UserError(f"{path}: .mat files need SciPy; run `pip install scipy`") from None
    if not path.is_file():
        raise errors.UserError(
            f"{path}: no such file; download imagenet-vgg-verydeep-19.mat from "
            "https://www.vlfeat.org/matconvnet/pretrained/"
        )
    if not _is_published(path):
        _check_in_another_process(path)
    try:
        return io.loadmat(path, **_OPTIONS)
    # Damaged files make SciPy raise exceptions of many types.
    except Exception as error:
        raise errors.UserError(
            f"{path}: not a readable .mat file ({errors.reason(error)})"
        ) from None


def _check_in_another_process(path: Path) -> None:
    """Raises a UserError if a file ends the process that reads it.

    SciPy reads .mat files in C, and some damaged ones crash it (SIGSEGV in 1.17.1, where a cell or
    a field has no content).
    """
    options = json.dumps(_OPTIONS)
    command = [sys.executable, "-c", _READER, str(path.absolute()), options, *sys.path]
    code = subprocess.run(command, capture_output=True, check=False).returncode
    # 0: read. 1: SciPy raised an exception, which is raised here once more.
    if code not in (0, 1):
        raise errors.UserError(
            f"{path}: not a readable .mat file (SciPy crashes when it reads it); download it again"
        )


def _is_published(path: Path) -> bool:
    """Returns whether a file is a published one, by its name and content.

    Raises:
        UserError: If it has the name of a published one, but another content. A download that ended
            early may be readable, but lacks layers.
    """
    expected = PUBLISHED.get(path.name)
    if expected is None:
        return False
    digest = hashlib.md5(usedforsecurity=False)
    try:
        with files.opened(path) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise errors.UserError(f"{path}: cannot be read ({error.strerror})") from None
    found = digest.hexdigest()
    if found in expected:
        return True
    size = f"{_SIZES[path.name]:,} bytes and " if path.name in _SIZES else ""
    raise errors.UserError(
        f"{path}: has {path.stat().st_size:,} bytes and the MD5 checksum {found}, but the "
        f"published file has {size}{expected[0]}; download it again from {_URL}/{path.name}, or "
        "rename it if it is a network of your own"
    )


def _mean(content: dict[str, Any]) -> np.ndarray:
    holder = content.get("meta", content)
    image = np.asarray(holder["normalization"]["averageImage"], np.float32)
    return image.reshape(-1, 3).mean(axis=0)


def _convolutions(layers: Any, blocks: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Returns kernels and biases by layer, identified by position: blocks end with a pooling."""
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    block, index = 1, 0
    for layer in layers:
        if layer["type"] == "pool":
            block, index = block + 1, 0
        # The fully connected layers after the last pooling are stored as convolutions, too.
        elif layer["type"] == "conv" and block <= blocks:
            index += 1
            kernels, biases = layer["weights"]
            found[f"relu{block}_{index}"] = (
                np.asarray(kernels, np.float32),
                np.asarray(biases, np.float32).reshape(-1),
            )
    return found
