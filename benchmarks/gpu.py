"""How long does stylizing take on a GPU, beside PyTorch? Needs JAX, and no TensorFlow.

    python -m tools.hlo.export_painter gallery gallery-lite -o build/painters    # TensorFlow
    python -m benchmarks.gpu build/painters                                      # JAX, PyTorch

Photos and stylized photos stay on the GPU. XLA compiles the networks of fastnst; PyTorch runs that
of the paper, with the same number of channels.
"""

from __future__ import annotations

import argparse
import collections.abc
import json
import math
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
import torch

from benchmarks import contest, peers
from tools.hlo import train

# Turns of each contender, and runs per turn.
_TURNS, _RUNS = 7, 10
Contender = collections.abc.Callable[[], object]


def main(arguments: list[str] | None = None) -> int:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(prog="benchmarks.gpu", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of the painters")
    parser.add_argument("--turns", type=int, default=_TURNS, help="turns of each contender")
    options = parser.parse_args(arguments)
    by_shape: dict[tuple[int, ...], dict[str, Contender]] = {}
    for path in sorted(options.folder.glob("*.json")):
        about = json.loads(path.read_text(encoding="utf-8"))
        name = path.stem.rpartition("-")[0]
        shape = tuple(about["shape"])
        by_shape.setdefault(shape, {})[name] = _exported(path.with_suffix(""), about)
    print(f"{jax.devices()[0].device_kind}, {torch.__version__}, JAX {jax.__version__}")
    for shape, contenders in sorted(by_shape.items(), key=lambda item: math.prod(item[0])):
        _compare(shape, contenders | _of_pytorch(shape), options.turns)
    return 0


def _compare(shape: tuple[int, ...], contenders: dict[str, Contender], turns: int) -> None:
    """Prints a table of the milliseconds per photo."""
    seconds: dict[str, list[float]] = {}
    for name, stylize in contenders.items():
        begun = time.perf_counter()
        try:
            stylize()
        # Whatever PyTorch's compiler lacks on this machine.
        except Exception as error:
            print(f"{name}: {type(error).__name__}: {error}"[:300], flush=True)
            continue
        print(f"{name}: first run {time.perf_counter() - begun:.1f} s", flush=True)
        seconds[name] = []
    for _ in range(turns):
        for name, times in seconds.items():
            begun = time.perf_counter()
            for _ in range(_RUNS):
                contenders[name]()
            times.append((time.perf_counter() - begun) / _RUNS / shape[0])
    rows = [
        [name, f"{statistics.median(times) * 1000:.2f}", f"{1 / statistics.median(times):,.0f}"]
        for name, times in seconds.items()
    ]
    title = " x ".join(map(str, shape[:3]))
    print(contest.table([title, "ms per photo", "photos/s"], rows), flush=True)


def _exported(path: Path, about: dict[str, Any]) -> Contender:
    """Returns a function that stylizes random photos, and waits for the device."""
    program = train.compile_step(path.with_name(f"{path.name}.hlo.xz"))
    with np.load(path.with_name(f"{path.name}.npz")) as file:
        arrays = [file[name] for name in file.files]
    weights = [
        jax.device_put(array).astype(dtype)
        for array, dtype in zip(arrays, about["dtypes"], strict=True)
    ]
    photos = np.random.default_rng(0).integers(0, 256, about["shape"], np.uint8)
    inputs = [jax.device_put(photos), *weights]
    return lambda: jax.block_until_ready(program.execute(inputs))


def _of_pytorch(shape: tuple[int, ...]) -> dict[str, Contender]:
    """Returns the contenders of PyTorch: as published, tuned, and compiled too."""
    if not torch.cuda.is_available():
        return {}
    photos = torch.from_numpy(np.random.default_rng(0).integers(0, 256, shape, np.uint8)).cuda()

    def contender(*, tuned: bool, compiled: bool) -> Contender:
        stylize = peers.stylizer(photos, tuned=tuned, compiled=compiled)

        def stylize_and_wait() -> None:
            stylize()
            torch.cuda.synchronize()

        return stylize_and_wait

    return {
        "PyTorch, as published": contender(tuned=False, compiled=False),
        "PyTorch, tuned": contender(tuned=True, compiled=False),
        "PyTorch, tuned and compiled": contender(tuned=True, compiled=True),
    }


if __name__ == "__main__":
    sys.exit(main())
