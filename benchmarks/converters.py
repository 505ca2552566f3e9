"""How do our ONNX files compare with those that tf2onnx makes of our SavedModels?

    pip install -e ".[onnx]"
    python -m benchmarks.converters --tf2onnx PYTHON

PYTHON has TensorFlow and tf2onnx, for example in an environment of its own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import contest

# Pictures are compared at this size, one and three at a time.
_COMPARED = (3, 150, 213, 3)
_OURS, _THEIRS = "fastnst", "tf2onnx"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark."""
    parser = contest.parser(__doc__)
    parser.add_argument("--tf2onnx", default=sys.executable, metavar="PYTHON", help="has tf2onnx")
    parser.add_argument("--models", default="candy,gallery", help="(default: %(default)s)")
    parser.add_argument("--sizes", default="256,512,1024", help="(default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each (default: 7)")
    arguments = parser.parse_args(argv)
    sizes = [int(size) for size in arguments.sizes.split(",")]
    if arguments.toy:
        sizes, arguments.rounds = [32], 1
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.models.split(","):
            files = _files(name, Path(folder) / name, arguments.tf2onnx)
            found[name] = {of: _figures(name, path) for of, path in files.items()}
            for size in sizes:
                contenders = {}
                for of, path in files.items():
                    given = {"path": str(path), "size": size}
                    contenders[of] = contest.Contender(__name__, "make_painter", given)
                timings = contest.contest(contenders, rounds=arguments.rounds)
                for of, timing in timings.items():
                    found[name][of][f"ms at {size} px"] = 1000 * timing.median
    heads = ["model", "by", *next(iter(next(iter(found.values())).values()))]
    rows = [
        [name, of, *(_text(value) for value in row.values())]
        for name, by in found.items()
        for of, row in by.items()
    ]
    print(contest.table(heads, rows))
    return contest.finish("converters", figures=found)


def _files(name: str, folder: Path, python: str) -> dict[str, Path]:
    """Writes the network by our exporter and by tf2onnx."""
    from fastnst import export
    from fastnst.export import onnx_file, saved_model

    model, several = _model(name)
    saved, ours, theirs = (folder / kind for kind in ("saved", "ours", "tf2onnx.onnx"))
    for made in (saved, ours):
        made.mkdir(parents=True)
    options = export.Options("float32", metadata="{}")
    onnx_file.write(model, ours, options)
    saved_model.write(model, saved, options)
    signature = "serving_styles" if several else "serving_default"
    command = [python, "-m", "tf2onnx.convert", "--saved-model", str(saved), "--opset", "17"]
    command += ["--signature_def", signature, "--output", str(theirs)]
    converted = subprocess.run(command, capture_output=True, text=True, check=False)
    if converted.returncode:
        raise RuntimeError(f"tf2onnx has failed:\n{converted.stderr[-2000:]}")
    return {_OURS: ours / onnx_file.FILE, _THEIRS: theirs}


def _model(name: str) -> tuple[Any, bool]:
    """Returns a model, and whether it has several styles."""
    from fastnst.models import model as model_module
    from fastnst.models import restore, store

    reference = store.find(name)
    restored = restore.load(reference)
    if reference.style:
        restored = model_module.only(restored, reference.style)
    return restored, len(restored.description.styles) > 1


def _figures(name: str, path: Path) -> dict[str, float]:
    """Measures a file, and the differences of its pictures from the network's, in levels."""
    import onnx
    import tensorflow as tf

    from fastnst import images

    model, _ = _model(name)
    nodes = onnx.load(path).graph.node
    batch, height, width, _ = _COMPARED
    photos = contest.photos(max(height, width), batch)[:, :height, :width].astype(np.float32)
    differences = []
    paint = _session(path)
    for part in (photos[:1], photos):
        expected = images.to_uint8(model.net(tf.constant(part)).numpy())
        differences.append(np.abs(paint(part).astype(int) - expected).max())
    return {
        "MB": path.stat().st_size / 1e6,
        "nodes": len(nodes),
        "kinds of nodes": len({node.op_type for node in nodes}),
        "largest difference, one photo": int(differences[0]),
        "three photos": int(differences[1]),
    }


def make_painter(path: str, size: int) -> Callable[[], object]:
    """Returns a function that stylizes a photo with ONNX Runtime."""
    paint, photo = _session(Path(path)), contest.photos(size, 1).astype(np.float32)
    return lambda: paint(photo)


def _session(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = contest.threads()
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    # The first style, at full strength.
    further = {
        given.name: np.eye(1, *given.shape, dtype=np.float32)[0]
        for given in session.get_inputs()
        if given.name != "images"
    }
    return lambda photos: session.run(None, {"images": photos, **further})[0]


def _text(value: float) -> str:
    if isinstance(value, int) or value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}"


if __name__ == "__main__":
    sys.exit(main())
