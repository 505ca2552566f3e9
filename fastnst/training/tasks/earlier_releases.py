"""Restores checkpoints of style transfer that an earlier release wrote.

That release stored each scale and shift in a variable of its own; today one table holds them all.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import tensorflow as tf

from fastnst import checkpoint_file
from fastnst.nets import architectures, rows

_VALUE, _SLASH = checkpoint_file.VALUE, checkpoint_file.SLASH


def restore(path: str, kept: dict[str, Any], layout: rows.Layout) -> bool:
    """Restores networks, optimizer and loss scale from a checkpoint of the earlier release.

    Args:
        path: The checkpoint.
        kept: The result of `StyleTransfer.kept`, whose variables are assigned.
        layout: Order of the scales and shifts in the table.

    Returns:
        Whether the checkpoint is from that release; if not, nothing is changed.

    Raises:
        ValueError: If its network has another architecture.
    """
    reader = tf.train.load_checkpoint(path)
    shapes = reader.get_variable_to_shape_map()
    own_scale = f"net/norm1{_SLASH}scale{_VALUE}"
    if f"net/{architectures.TABLE}{_VALUE}" in shapes or own_scale not in shapes:
        return False

    def read(key: str) -> np.ndarray:
        return reader.get_tensor(f"{key}{_VALUE}")

    names = sorted(
        (
            key.removeprefix("net/").removesuffix(_VALUE).replace(_SLASH, "/")
            for key in shapes
            if key.startswith("net/")
        ),
        key=_natural,
    )
    kernels = kept["net"].keys() - {architectures.TABLE}
    if unmatched := {entry.name for entry in layout.entries} ^ kernels ^ set(names):
        raise ValueError(f"only one of the two networks has {min(unmatched)}")
    for which in ("net", "average"):
        values = {name: read(f"{which}/{name.replace('/', _SLASH)}") for name in names}
        for name, variable in kept[which].items():
            _assign(variable, values, name, layout)
    optimizer = kept["optimizer"]
    # Its variables were numbered from 1, two moments for each weight, in the order of the names.
    for offset, moments in enumerate((optimizer._momentums, optimizer._velocities)):
        values = {
            name: read(f"optimizer/_variables/{1 + 2 * index + offset}")
            for index, name in enumerate(names)
        }
        for (name, _), moment in zip(
            sorted(kept["net"].items(), key=lambda item: _index(optimizer, item[1])),
            moments,
            strict=True,
        ):
            _assign(moment, values, name, layout)
    optimizer.iterations.assign(read("optimizer/_iterations"))
    kept["loss_scale"].assign(read("loss_scale"))
    return True


def _assign(variable: Any, values: dict[str, np.ndarray], name: str, layout: rows.Layout) -> None:
    if name == architectures.TABLE:
        variable.assign(layout.pack(values)[np.newaxis])
    else:
        variable.assign(values[name])


def _index(optimizer: tf.keras.optimizers.Optimizer, variable: tf.Variable) -> int:
    return optimizer._get_variable_index(variable)


def _natural(name: str) -> list[Any]:
    """Returns a sort key that puts residuals/10 after residuals/9, as in the network."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]
