"""Stylizes with ONNX Runtime, which starts in a tenth of the time of TensorFlow.

A model is written as an ONNX file into the cache once, and again when its weights have changed.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import hashlib
import importlib.util
import io
import json
import math
import os
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

from fastnst import controls as controls_module
from fastnst import errors, files, formats, version
from fastnst.controls import blends, rendering
from fastnst.models import store, stylizer

# More pixels in all passes of the strokes are stylized sooner by TensorFlow, even with its start:
# on two cores, about twenty photos of 512 x 512 pixels.
MOST_PIXELS = 5_000_000
# Photos of more pixels are left to TensorFlow, which can paint in tiles: a megapixel takes 700 MB.
LARGEST = 2_000_000
_MISSING = 'needs onnx and onnxruntime; run: pip install "fastnst[onnx]"'
# The files on which a network depends, relative to its folder.
_SOURCES = (f"{store.WEIGHTS}.*", "model.json", "config.yml", "checkpoints/**/*", "learned/*")


def is_network(reference: store.Reference) -> bool:
    """Returns whether a model is a network, and not a SavedModel."""
    return not (reference.path / store.SAVED_MODEL).exists()


def suits(
    reference: store.Reference,
    photos: collections.abc.Iterable[Path | bytes],
    controls: controls_module.Controls,
    size: int | None = None,
) -> bool:
    """Returns whether photos are stylized sooner with ONNX Runtime than with TensorFlow.

    Args:
        reference: The model.
        photos: The photos' files, or their contents.
        controls: The choices.
        size: Shorter side to scale the photos to first; None keeps their size.
    """
    if not _installed("onnxruntime"):
        return False
    if not (_installed("onnx") or path(reference).is_file()):
        return False
    pixels = 0
    for photo in photos:
        passes = _passes(photo, controls, size)
        pixels += sum(passes) * max(1, len(controls.masked_styles))
        if pixels > MOST_PIXELS or max(passes, default=0) > LARGEST:
            return False
    return True


def load(name: str | Path | store.Reference, **defaults: Any) -> stylizer.Stylizer:
    """Loads a model to stylize with, and writes it into the cache if it is not there.

    Args:
        name: As in `loading.load`, but no SavedModel.
        **defaults: The attributes of `fastnst.controls.Controls`, as in `loading.load`.

    Raises:
        UserError: If the model or a choice is not available, or packages are missing.
    """
    reference = name if isinstance(name, store.Reference) else store.find(name)
    if not _installed("onnxruntime"):
        raise errors.UserError(_MISSING)
    try:
        session = _open(write(reference))
    # ONNX Runtime has no common type of errors.
    except errors.UserError:
        raise
    except Exception:
        # The file in the cache is damaged.
        path(reference).unlink(missing_ok=True)
        session = _open(write(reference))
    facts = json.loads(session.get_modelmeta().custom_metadata_map["fastnst"])
    names = tuple(style["name"] for style in facts["styles"])
    inputs = {each.name for each in session.get_inputs()}

    def check(style: str | None, strength: float | None) -> list[float]:
        if strength is not None:
            blends.check_strength(strength, identity="strength" in inputs)
        return blends.parse(style, names)

    def paint(photos: np.ndarray, style: str | None, strength: float | None) -> np.ndarray:
        chosen = {
            "style": np.array(check(style, strength), np.float32),
            "strength": np.array([1.0 if strength is None else strength], np.float32),
        }
        given = {name: chosen[name] for name in inputs - {"images"}}
        # One at a time, because all layers of a photo are in memory.
        batches = (photo[np.newaxis].astype(np.float32) for photo in photos)
        try:
            pictures = [session.run(None, given | {"images": batch})[0] for batch in batches]
        except Exception as error:
            if "alloc" in str(error):
                raise MemoryError(str(error)) from None
            raise
        return np.concatenate(pictures)

    return stylizer.Stylizer(
        paint,
        reference.name,
        names,
        stylizer.checked(check, reference.style, facts["grain"], defaults),
        first=reference.style,
        check=check,
    )


def write(reference: store.Reference) -> Path:
    """Writes a model into the cache, unless it is there already.

    Returns:
        The ONNX file.

    Raises:
        UserError: If packages are missing, or the model is damaged.
    """
    target = path(reference)
    if target.is_file():
        return target
    if not (_installed("onnx") and _installed("onnxruntime")):
        raise errors.UserError(_MISSING)
    from fastnst import export
    from fastnst.export import onnx_file
    from fastnst.models import restore

    restored = restore.load(reference)
    options = export.Options("float32")
    metadata = export.describe(restored, reference.folder.name, "onnx", options)
    options = dataclasses.replace(options, metadata=metadata)
    # The controls work with pictures that are not rounded yet.
    files.write(target, onnx_file.encode(restored, options, rounded=False))
    for outdated in target.parent.glob(f"{_place(reference)}-*"):
        if outdated != target:
            outdated.unlink(missing_ok=True)
    return target


def path(reference: store.Reference) -> Path:
    """Returns the path of a model in the cache, which depends on the state of its files."""
    folder = reference.folder
    sources = sorted(each for pattern in _SOURCES for each in folder.glob(pattern))
    digest = hashlib.sha256(f"{version.VERSION} {files.state(sources)}".encode())
    return files.cache() / "onnx" / f"{_place(reference)}-{digest.hexdigest()[:16]}.onnx"


def _open(file: Path) -> Any:
    """Returns an `onnxruntime.InferenceSession`."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # An arena would keep the memory of a photo for the next one, which may have another size.
    options.enable_cpu_mem_arena = False
    # Sizes are read at once, so that they do not keep layers alive: a third less memory.
    options.execution_order = onnxruntime.ExecutionOrder.PRIORITY_BASED
    # The last level, another layout in memory, is a twentieth faster, but takes 20 MiB more.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    # Fatal errors only; others are raised as well.
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def _place(reference: store.Reference) -> str:
    """Returns a name for the path of a model."""
    place = reference.path.resolve()
    name = re.sub(r"[^A-Za-z0-9._-]", "_", place.name)[:100]
    return f"{name}-{hashlib.sha256(os.fsencode(place)).hexdigest()[:8]}"


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _passes(photo: Path | bytes, controls: controls_module.Controls, size: int | None) -> list[int]:
    """Returns the pixels of each pass of the strokes; none if the photo cannot be read."""
    try:
        with io.BytesIO(photo) if isinstance(photo, bytes) else files.opened(photo) as file:
            # Nothing is decoded, so the limit of pixels is that of reading the photo.
            width, height = formats.open_image(file, "", max_pixels=sys.maxsize).size
    except (OSError, errors.UserError):
        # Reading the photo reports them.
        return []
    scale = 1.0 if size is None else size / max(min(width, height), 1)
    sizes = rendering.sizes(round(scale * height), round(scale * width), controls)
    return list(map(math.prod, sizes))
