"""Imports networks of other projects as models.

One module per project translates its weights into a list of layers, of which the rest of fastnst
computes, exports and measures any. To add a project, write a module with `NAME`, `MARK`,
`recognizes` and `translate`, and name it in `PROJECTS`.
"""

from __future__ import annotations

import collections.abc
import functools
from pathlib import Path

import numpy as np
import tensorflow as tf

from fastnst import errors
from fastnst.importing import builder, lengstrom, onnx_graph, original, pytorch_examples, reading
from fastnst.models import model as model_module

PROJECTS = (original, lengstrom, pytorch_examples)
# Height and width of the photos with which a network is tried.
_SIDE = 64


def is_foreign(path: Path) -> bool:
    """Returns whether a file is a network of another project, judging by its name and tensors."""
    if path.suffix.lower() in (*reading.SUFFIXES, ".onnx"):
        return path.is_file()
    names = reading.names(path)
    return any(project.MARK in names for project in PROJECTS)


def read(path: Path, name: str, pixels: str = "auto") -> model_module.Model:
    """Reads a network of another project.

    Args:
        path: A TensorFlow checkpoint, .npz, .pth, .safetensors or .onnx file.
        name: Name of its style.
        pixels: For ONNX files, one of `onnx_graph.PIXELS`: how the network takes its colors.

    Raises:
        UserError: If the file cannot be read, or holds no network that is known.
    """
    if path.suffix.lower() == ".onnx":
        return _checked(path, functools.partial(onnx_graph.translate, path, pixels), name)
    if pixels != "auto":
        raise errors.UserError("--pixels: is for ONNX files; leave it out")
    tensors = reading.tensors(path)
    for project in PROJECTS:
        if project.recognizes(tensors):
            return _checked(path, functools.partial(project.translate, tensors), name)
    known = "; ".join(project.NAME for project in PROJECTS)
    some = ", ".join(list(tensors)[:3])
    raise errors.UserError(
        f"{path}: holds no network that is known (its tensors: {some}, ...); known are {known}, "
        "and ONNX files"
    )


def _checked(
    path: Path, translate: collections.abc.Callable[[], builder.Builder], name: str
) -> model_module.Model:
    """Translates a network, and checks that it computes pictures.

    Raises:
        UserError: If weights are missing, or do not fit each other.
    """
    try:
        model = translate().model(name)
        model.description.check()
        for each, tensor in model.net.tensors().items():
            if not np.isfinite(tensor).all():
                raise errors.UserError(f"{path}: {each} contains values that are not finite")
        photo = tf.TensorSpec([1, _SIDE, _SIDE, 3])
        tf.function(model.net, autograph=False).get_concrete_function(photo)
    except errors.UserError:
        raise
    # Of weights that are missing or have other shapes.
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        MemoryError,
        TypeError,
        ValueError,
        tf.errors.OpError,
    ) as error:
        raise errors.UserError(
            f"{path}: the network cannot be computed ({errors.reason(error)})"
        ) from None
    return model
