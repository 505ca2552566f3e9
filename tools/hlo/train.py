"""Runs an exported training step with JAX for the configured number of steps.

    python tools/hlo/train.py build/step photos/

Needs JAX, NumPy and Pillow, and reads the files that `tools.hlo.export` wrote. The variables are
saved every ten minutes and at the end. Crops are cut and enlarged as in `fastnst train`, but in
another order, and large photos are not scaled down first. With `--minutes`, training ends on time,
and the schedule of the learning rate follows the clock instead of the steps.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import itertools
import json
import lzma
import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax._src.lib import xla_client
from jaxlib import _jax
from PIL import Image, ImageOps

# The names of `tools.hlo.export`.
STEP, VARIABLES, DESCRIPTION = "step.hlo.xz", "variables.npz", "step.json"
TRAINED, DONE = "trained.npz", "steps done"
_SAVE_SECONDS = 600.0
_WORKERS = 8
# The optimizer's count of steps, which the schedule of the learning rate follows.
_ITERATION = "/iteration"
# Batches that wait for the device, and steps that it may be behind.
_AHEAD = 32
_BEHIND = 16


def main(arguments: list[str] | None = None) -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder that tools.hlo.export has written")
    parser.add_argument("photos", type=Path, help="folder of photos")
    parser.add_argument("--minutes", type=float, help="time until the end, with compiling")
    options = parser.parse_args(arguments)
    deadline = time.perf_counter() + 60 * (options.minutes or math.inf)
    jax.config.update("jax_enable_x64", True)
    about = json.loads((options.folder / DESCRIPTION).read_text(encoding="utf-8"))
    with np.load(options.folder / VARIABLES) as file:
        values = [jax.device_put(file[name]) for name in file.files]
    for index, name in enumerate(about["constants"], len(about["variables"])):
        values[index] = values[index].astype(name.rpartition("/")[2])
    step = compile_step(options.folder / STEP)
    photos = read_photos(options.photos)
    print(f"{jax.devices()[0].device_kind}, {len(photos):,} photos", flush=True)

    def save(done: int) -> None:
        named = zip(about["variables"], values, strict=False)
        arrays: dict[str, Any] = {name: np.asarray(value) for name, value in named}
        broken = [name for name, array in arrays.items() if not np.isfinite(array).all()]
        if broken:
            raise SystemExit(f"NaN or infinite: {', '.join(broken[:3])}; nothing was saved")
        unfinished = options.folder / f"new-{TRAINED}"
        np.savez(unfinished, **arrays | {DONE: done})
        unfinished.replace(options.folder / TRAINED)

    begun = saved = time.perf_counter()
    running: list[jax.Array] = []
    metrics = len(about["metrics"])
    (clock,) = (i for i, name in enumerate(about["variables"]) if name.endswith(_ITERATION))
    limit = sys.maxsize if options.minutes else about["steps"]
    count = 0
    for batch in batches(photos, about, limit):
        if options.minutes:
            share = (time.perf_counter() - begun) / (deadline - begun)
            if share >= 1:
                break
            values[clock] = jax.device_put(np.int64(share * about["steps"]))
        inputs = [jax.device_put(batch), jax.device_put(np.int64(count)), *values]
        outputs = step.execute(inputs)
        for parameter, output in zip(about["changed"], outputs[metrics:], strict=True):
            values[parameter - 2] = output
        running.append(outputs[0])
        if len(running) > _BEHIND:
            jax.block_until_ready(running.pop(0))
        count += 1
        if count % 100 == 0 or count == about["steps"]:
            found = dict(zip(about["metrics"], map(float, outputs[:metrics]), strict=True))
            rate = count * about["batch"][0] / (time.perf_counter() - begun)
            print(f"step {count}/{about['steps']}  {found}  {rate:.0f} images/s", flush=True)
        if time.perf_counter() - saved > _SAVE_SECONDS:
            save(count)
            saved = time.perf_counter()
    save(count)
    return 0


def compile_step(path: Path) -> Any:
    """Compiles HLO for the first device."""
    device = jax.devices()[0]
    module = _jax.mlir.hlo_to_stablehlo(lzma.decompress(path.read_bytes()))
    return device.client.compile_and_load(
        module, _jax.DeviceList((device,)), xla_client.CompileOptions()
    )


def read_photos(folder: Path) -> list[np.ndarray]:
    """Reads all photos, uint8 RGB [H, W, 3] each."""

    def read(path: Path) -> np.ndarray | None:
        try:
            return np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))
        except (OSError, SyntaxError):
            print(f"{path}: no photo; skipped")
            return None

    paths = sorted(folder.iterdir())
    with concurrent.futures.ThreadPoolExecutor(_WORKERS) as pool:
        photos = [photo for photo in pool.map(read, paths) if photo is not None]
    if not photos:
        raise SystemExit(f"{folder}: no photos in this folder")
    return photos


def batches(photos: list[np.ndarray], about: dict[str, Any], steps: int) -> Iterator[np.ndarray]:
    """Yields a batch of random crops for each step, uint8 [B, H, W, 3]."""
    count, size = about["batch"][:2]

    def make(index: int) -> np.ndarray:
        random = np.random.default_rng([about["seed"], index])
        chosen = random.choice(len(photos), count, replace=count > len(photos))
        return np.stack([crop(photos[each], size, about["zoom"], random) for each in chosen])

    with concurrent.futures.ThreadPoolExecutor(_WORKERS) as pool:
        waiting = [pool.submit(make, index) for index in range(min(_AHEAD, steps))]
        for index in itertools.count(len(waiting)):
            if not waiting:
                return
            yield waiting.pop(0).result()
            if index < steps:
                waiting.append(pool.submit(make, index))


def crop(photo: np.ndarray, size: int, zoom: float, random: np.random.Generator) -> np.ndarray:
    """Cuts, flips and enlarges a random square, uint8 [size, size, 3]."""
    side = min(*photo.shape[:2], size)
    square = _cut(photo, side, random)
    if random.random() < 0.5:
        square = square[:, ::-1]
    factor = zoom ** max(1.5 * random.random() - 0.5, 0.0)
    square = _cut(square, round(side / factor), random)
    if len(square) != size:
        image = Image.fromarray(np.ascontiguousarray(square))
        square = np.asarray(image.resize((size, size), Image.Resampling.BILINEAR))
    return square


def _cut(picture: np.ndarray, side: int, random: np.random.Generator) -> np.ndarray:
    top, left = (random.integers(0, room - side + 1) for room in picture.shape[:2])
    return picture[top : top + side, left : left + side]


if __name__ == "__main__":
    sys.exit(main())
