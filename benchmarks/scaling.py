"""How does training scale with the processes that share it?

    python -m benchmarks.scaling

Measures the training step of one process that has all cores, and of two processes that have half
of them each, at the same global batch; and what of it the exchange of gradients takes. From that,
a model on paper tells how GPUs would scale.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import contest

# The smallest network, whose steps are many and short.
TINY = {
    "width": 4,
    "residual_blocks": 0,
    "scales": 1,
    "steady": 0.0,
    "wallpaper": 0.0,
    "content_layers": ["relu1_1"],
    "style_layers": ["relu1_1"],
}
# The model on paper: seconds of a step on one GPU, gigabytes per second between two GPUs, and
# seconds until the first byte. docs/scaling.md says where they come from.
GPU_STEP, LINKS = 5 / 354, {"NVLink": (200.0, 10e-6), "100 Gbit/s Ethernet": (10.0, 50e-6)}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark."""
    parser = contest.parser(__doc__)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--steps", type=int, default=8, help="measured after the first two")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.worker:
        return _work(json.loads(arguments.worker))
    if arguments.toy:
        arguments.size, arguments.steps = 32, 2
    case = {"size": arguments.size, "batch": arguments.batch, "steps": arguments.steps}
    case["tiny"] = arguments.toy
    alone, (chief, _) = _measure(1, case)[0], _measure(2, case)
    rows = [
        [
            name,
            f"{arguments.batch / found['step']:.2f}",
            f"{found['step']:.3f}",
            f"{found['exchange']:.4f}",
        ]
        for name, found in (("1 process", alone), ("2 processes", chief))
    ]
    head = [f"{arguments.size} px, batch {arguments.batch}", "images/s", "s/step", "of it exchange"]
    print(f"\n{contest.table(head, rows)}", flush=True)
    paper = {name: _on_paper(chief["bytes"], *link) for name, link in LINKS.items()}
    head = ["on paper", *(f"{gpus} GPUs" for gpus in next(iter(paper.values())))]
    rows = [[name, *(f"{share:.0%}" for share in found.values())] for name, found in paper.items()]
    print(f"\n{contest.table(head, rows)}", flush=True)
    return contest.finish(
        "scaling",
        speedup=round(alone["step"] / chief["step"], 3),
        alone=alone,
        two=chief,
        paper=paper,
    )


def _on_paper(size: float, gigabytes: float, latency: float) -> dict[int, float]:
    """Returns the efficiency of GPUs that exchange `size` bytes a step, in a ring, after the step.

    A ring of n sends 2 (n - 1) / n of the message over each link, in 2 (n - 1) turns
    (Patarasuk and Yuan 2009).
    """
    found = {}
    for gpus in (8, 64):
        turns = 2 * (gpus - 1)
        exchange = turns / gpus * size / (1e9 * gigabytes) + turns * latency
        found[gpus] = round(GPU_STEP / (GPU_STEP + exchange), 4)
    return found


def _measure(workers: int, case: dict[str, Any]) -> list[dict[str, float]]:
    """Runs a case in processes that share the cores."""
    from fastnst import cluster
    from fastnst.cli import launch

    started = []
    for node in cluster.local(workers):
        environment = {**os.environ, cluster.VARIABLE: node.to_json()}
        with launch.on_cores_of(node):
            started.append(_start(case, environment))
    return [_result(process) for process in started]


def _start(case: dict[str, Any], environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.scaling", "--worker", json.dumps(case)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )


def _result(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, _ = process.communicate()
    if process.returncode:
        raise SystemExit(process.returncode)
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


def _work(case: dict[str, Any]) -> int:
    """Measures in a process of its own, and prints the result."""
    from fastnst.cli import terminal

    terminal.import_tensorflow()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(_time(case, folder)), flush=True)
    return 0


def _open(folder: str, **keys: Any) -> Any:
    from fastnst import config
    from fastnst.training.tasks import session

    settings = config.load(
        "conf/candy.yml",
        model_path=folder,
        style_weight=8.0,
        start_from=None,
        max_steps=1_000_000,
        recipe="cpu",
        **keys,
    )
    return session.open_session(settings, lambda line: None)


def _time(case: dict[str, Any], folder: str) -> dict[str, float]:
    """Times steps on photos that are read as in training, and the exchange of the gradients."""
    import numpy as np
    import tensorflow as tf

    tiny = TINY if case["tiny"] else {}
    run = _open(folder, image_size=case["size"], stages={}, batch_size=case["batch"], **tiny)
    step, strategy = run.engine.compile_step(), run.engine.strategy
    batches = run.feed(0, 0, lambda line: None)
    gradients = [tf.zeros(variable.shape) for variable in run.task.variables]

    @tf.function(autograph=False)
    def exchange() -> tf.Tensor:
        def summed() -> tf.Tensor:
            context = tf.distribute.get_replica_context()
            return context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)[0]

        return strategy.run(summed)

    times: dict[str, list[float]] = {"step": [], "exchange": []}
    for _ in range(case["steps"] + 2):
        begin = time.perf_counter()
        float(step(next(batches)[0])["total"])
        times["step"].append(time.perf_counter() - begin)
    for _ in range(case["steps"] + 2):
        begin = time.perf_counter()
        strategy.experimental_local_results(exchange())[0].numpy()
        times["exchange"].append(time.perf_counter() - begin)
    found = {name: round(float(np.median(each[2:])), 5) for name, each in times.items()}
    return {**found, "bytes": sum(4 * int(np.prod(each.shape)) for each in gradients)}


def train_tiny(steps: int, action: Callable[[Any], None]) -> None:
    """Trains the smallest network for many steps, with validations, checkpoints and logs.

    Args:
        steps: Number of steps.
        action: Receives the events.
    """
    with tempfile.TemporaryDirectory() as folder:
        run = _open(
            folder,
            image_size=32,
            stages={},
            batch_size=1,
            validation=str(_small_photos(Path(folder))),
            preview_every=max(steps // 10, 1),
            checkpoint_every=max(steps // 10, 1),
            **TINY,
        )
        run.train([action], lambda: int(run.engine.state.step) >= steps)


def _small_photos(folder: Path) -> Path:
    from PIL import Image

    (folder / "validation").mkdir()
    Image.fromarray(contest.photos(48, 1)[0]).save(folder / "validation" / "noise.png")
    return folder / "validation"


if __name__ == "__main__":
    sys.exit(main())
