"""Styles that were added to a trained model: a row each, in a file of its own.

The rows lie in the model's folder, in "learned". They fit the kernels that they were learned with
and no others, so each file names those kernels by their checksum.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
from pathlib import Path

import numpy as np

from fastnst import archives, errors, files
from fastnst.models import descriptions, store
from fastnst.models import model as model_module
from fastnst.nets import architectures

# No file of a row takes more bytes: rows have thousands of numbers.
_LARGEST = 2**24


def add(folder: Path, style: descriptions.Style, row: np.ndarray, net: model_module.Net) -> Path:
    """Writes the row of a style into a model's folder.

    Args:
        folder: The model's folder.
        style: Its name and painting.
        row: float32 [R].
        net: The network that it was learned with.

    Returns:
        The file.

    Raises:
        UserError: If it cannot be written.
    """
    buffer = io.BytesIO()
    np.savez(buffer, row=row, painting=np.array(style.painting), kernels=np.array(checksum(net)))
    path = folder / store.LEARNED / f"{style.name}{store.LEARNED_SUFFIX}"
    files.write(path, buffer.getvalue())
    return path


def with_learned(folder: Path, model: model_module.Model) -> model_module.Model:
    """Returns a model with the styles that were added to it, after its own.

    Styles that were learned for other kernels, because the model has been trained since, are listed
    as outdated.

    Raises:
        UserError: If a file is damaged.
    """
    found = store.learned_names(folder)
    if not found:
        return model
    kernels = checksum(model.net)
    rows, styles, outdated = [], [], []
    for name in found:
        path = folder / store.LEARNED / f"{name}{store.LEARNED_SUFFIX}"
        try:
            content = io.BytesIO(files.read(path))
            if (size := archives.unpacked_bytes(content)) > _LARGEST:
                raise ValueError(f"it would take {size:,} bytes")
            with np.load(content, allow_pickle=False) as arrays:
                fits = str(arrays["kernels"]) == kernels
                row, painting = arrays["row"], str(arrays["painting"])
            fits = fits and row.shape == (model.net.layout.size,)
            if fits and not np.isfinite(row).all():
                raise ValueError("its values are not finite")
        # Damaged archives raise errors of many types.
        except Exception as error:
            raise errors.UserError(
                f"{path}: cannot be read ({errors.reason(error)}); delete it, and learn the style "
                "again"
            ) from None
        if fits:
            rows.append(row)
            styles.append(descriptions.Style(name, painting))
        else:
            outdated.append(name)
    return model_module.extend(dataclasses.replace(model, outdated=tuple(outdated)), styles, rows)


def checksum(net: model_module.Net) -> str:
    """Returns the SHA-256 of a network's kernels as float16, as which they are shipped."""
    digest = hashlib.sha256()
    for name, tensor in sorted(net.tensors().items()):
        if name != architectures.TABLE:
            digest.update(name.encode())
            digest.update(tensor.astype(np.float16).tobytes())
    return digest.hexdigest()
