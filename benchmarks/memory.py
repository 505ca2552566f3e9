"""Does memory stay flat over thousands of photos of hundreds of sizes, and of training steps?

    python -m benchmarks.memory
    python -m benchmarks.memory --only training

Each contestant runs in a process of its own. `eval` and `SavedModel` stylize the same photos, as
the command and as an app that uses an export; `loading` loads the model anew for each photo;
`optimizing` minimizes an objective of its own for each photo; and `training` takes many tiny steps.
Memory is read after shares of the photos or steps.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import contest

ROOT = Path(__file__).resolve().parent.parent
# Shares of the photos or steps after which memory is read. Before the first, caches fill.
_MARKS = (0.25, 0.5, 0.75, 1.0)

# Draws a photo of one of many sizes: the same ones for every contestant.
_PHOTO = """
import sys
import numpy as np
import psutil

name, count, sizes, side = sys.argv[1], *map(int, sys.argv[2:5])
marks = {round(float(mark) * count) for mark in sys.argv[5:]}
random = np.random.default_rng(0)
shapes = random.integers(side // 2, side + 1, (sizes, 2))

def draw(index):
    height, width = shapes[index % sizes]
    return random.integers(0, 256, (height, width, 3), np.uint8)

def report(index):
    if index + 1 in marks:
        print(index + 1, psutil.Process().memory_info().rss, flush=True)

"""
_CONTESTANTS = {
    "eval": """
import fastnst
from fastnst import images
from fastnst.painting import photos

model = fastnst.load(name)
for index in range(count):
    data = images.encode(images.Picture(draw(index)), "PNG")
    photos.paint_bytes(model, data)
    report(index)
""",
    "SavedModel": """
import tensorflow as tf

paint = tf.saved_model.load(name).signatures["serving_uint8"]
for index in range(count):
    paint(images=tf.constant(draw(index)[np.newaxis]))["stylized"].numpy()
    report(index)
""",
    "loading": """
import gc
import fastnst

for index in range(count):
    # Of one size: each new size takes some memory of its own, which `eval` shows.
    fastnst.load(name)(draw(0))
    # Graphs refer to themselves, so Python would free them later.
    gc.collect()
    report(index)
""",
    "optimizing": """
import gc
from fastnst import files
from fastnst.features import loss_network
from fastnst.losses import perceptual
from fastnst.pixels import descent

layers = {"relu1_2": 1.0, "relu2_2": 1.0, "relu3_3": 1.0, "relu4_3": 1.0}
weights = perceptual.Weights(1.0, 1.0, 1.0, {"relu3_3": 1.0}, layers)
vgg = loss_network.load_weights(files.find("pretrained/vgg_16.ckpt"))
network = loss_network.LossNetwork(vgg, list(layers))
for index in range(count):
    photo = draw(0).astype(np.float32)
    objective = perceptual.PerceptualLoss(network, photo, weights)
    descent.minimize(objective.towards(photo), photo, 2)
    gc.collect()
    report(index)
""",
    "training": """
from benchmarks import scaling
from fastnst import events

def watch(event):
    if isinstance(event, events.Step):
        report(event.step - 1)

scaling.train_tiny(count, watch)
""",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark."""
    parser = contest.parser(__doc__)
    parser.add_argument("--model", default="gallery-lite", help="the model")
    parser.add_argument("--photos", type=int, default=2000, help="photos for each (default: 2000)")
    parser.add_argument("--sizes", type=int, default=500, help="different sizes (default: 500)")
    parser.add_argument("--side", type=int, default=256, help="longest side (default: 256)")
    parser.add_argument("--loads", type=int, default=40, help="loads, or objectives (default: 40)")
    parser.add_argument("--steps", type=int, default=5000, help="steps to train (default: 5000)")
    parser.add_argument("--only", choices=[*_CONTESTANTS], help="run one contestant only")
    arguments = parser.parse_args(argv)
    if arguments.toy:
        arguments.photos, arguments.sizes, arguments.side = 8, 4, 40
        arguments.loads, arguments.steps = 4, 20
    counts = {
        "loading": arguments.loads,
        "optimizing": arguments.loads,
        "training": arguments.steps,
    }
    contestants = {
        name: program for name, program in _CONTESTANTS.items() if arguments.only in (None, name)
    }
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        exported = Path(folder, "exported")
        if "SavedModel" in contestants:
            command = [sys.executable, "-m", "fastnst", "export", "--quiet", "-o", str(exported)]
            subprocess.run([*command, "--model", arguments.model], cwd=ROOT, check=True)
        for name, program in contestants.items():
            loaded = exported if name == "SavedModel" else arguments.model
            count = counts.get(name, arguments.photos)
            found[name] = _measure(program, str(loaded), count, arguments)
            print(_row(name, found[name]), flush=True)
    return contest.finish("memory", **found)


def _measure(program: str, model: str, times: int, arguments: Any) -> dict[str, Any]:
    """Runs a contestant; returns its memory in MiB by the photos or steps so far, and its time."""
    numbers = (times, arguments.sizes, arguments.side, *_MARKS)
    start = time.monotonic()
    printed = subprocess.run(
        [sys.executable, "-c", _PHOTO + program, model, *map(str, numbers)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    lines = (line.split() for line in printed.splitlines())
    memory = {int(count): round(int(taken) / 2**20) for count, taken in lines}
    return {"mib": memory, "seconds": round(time.monotonic() - start)}


def _row(name: str, measured: dict[str, Any]) -> str:
    """A line of the table in Markdown."""
    shown = " | ".join(f"{mib:,} MiB" for mib in measured["mib"].values())
    return f"| {name} | {shown} |"


if __name__ == "__main__":
    sys.exit(main())
