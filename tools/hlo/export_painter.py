"""Writes how a network stylizes photos as HLO, so that JAX can time it on a GPU.

    python -m tools.hlo.export_painter gallery gallery-lite -o build/painters    # TensorFlow
    python -m benchmarks.gpu build/painters                                      # JAX, PyTorch

It writes one pass of the first style, for photos of several sizes, in float32 and bfloat16.
"""

from __future__ import annotations

import argparse
import json
import lzma
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from fastnst.models import restore, store
from tools.hlo import lowering

# Batch, height and width of the photos.
_SHAPES = ((1, 512, 512), (1, 1080, 1920), (16, 512, 512))
_DTYPES = (tf.float32, tf.bfloat16)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(prog="tools.hlo.export_painter", description=__doc__)
    parser.add_argument("model", nargs="+", help="name or path of a run")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of the painters")
    options = parser.parse_args(arguments)
    for name in options.model:
        for dtype in _DTYPES:
            for shape in _SHAPES:
                export(name, dtype, shape, options.output)
    return 0


def export(name: str, dtype: tf.DType, shape: tuple[int, int, int], folder: Path) -> None:
    """Writes one pass of a network's first style, from uint8 to uint8.

    Args:
        name: Name or path of a run.
        dtype: Dtype of its convolutions.
        shape: Batch, height and width of the photos.
        folder: Folder for "NAME-DTYPE-BxHxW.hlo.xz", with ".npz" and ".json" beside it.
    """
    reference = store.find(name)
    net = restore.load(reference, dtype, fused_norms=False).net

    @tf.function(autograph=False, jit_compile=True)
    def stylize(photos: tf.Tensor) -> tf.Tensor:
        stylized = net(tf.cast(photos, tf.float32), net.table[0])
        return tf.cast(tf.round(tf.clip_by_value(stylized, 0.0, 255.0)), tf.uint8)

    module, captured, constants = lowering.lower(stylize, tf.TensorSpec([*shape, 3], tf.uint8))
    folder.mkdir(parents=True, exist_ok=True)
    title = f"{reference.folder.name}-{dtype.name}-{'x'.join(map(str, shape))}"
    (folder / f"{title}.hlo.xz").write_bytes(lzma.compress(module.SerializeToString()))
    np.savez(folder / f"{title}.npz", *(each.numpy() for each in captured), *constants.values())
    dtypes = [each.dtype.name for each in captured]
    dtypes += [constant.rpartition("/")[2] for constant in constants]
    about = {"shape": [*shape, 3], "dtypes": dtypes}
    (folder / f"{title}.json").write_text(json.dumps(about), encoding="utf-8")
    print(folder / title)


if __name__ == "__main__":
    sys.exit(main())
