"""Writes the training step of a configuration as HLO, with everything that it reads and changes.

    python -m tools.hlo.export conf/gallery.yml -o build/step --dataset photos/ --set batch_size=8

The recipe is that of a GPU, in bfloat16 and with crops of one size, unless --set says otherwise.
"""

from __future__ import annotations

import argparse
import json
import lzma
import sys
import unittest.mock
from pathlib import Path

import numpy as np
import tensorflow as tf

from fastnst import devices
from fastnst.data import feed
from fastnst.training.tasks import session, style_transfer
from tools.hlo import lowering

# The files of a step; `tools/hlo/train.py` reads the same names.
STEP, VARIABLES, DESCRIPTION = "step.hlo.xz", "variables.npz", "step.json"


def main(arguments: list[str] | None = None) -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(prog="tools.hlo.export", description=__doc__)
    parser.add_argument("conf", help="configuration to train")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of the step")
    parser.add_argument("--dataset", default="bundled", help="photos that will be trained on")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args(arguments)
    assignments = ["precision=mixed_bfloat16", "stages={}", *options.set]
    # Builds the graph and chooses the recipe as on a GPU.
    with unittest.mock.patch.object(devices, "has_gpu", lambda: True):
        settings = session.resolve(options.conf, assignments=assignments, dataset=options.dataset)
        run = session.open_session(settings, print)
        if run.start_step:
            raise SystemExit(f"{run.folder.path} has begun; choose another naming")
        export(run, options.output)
    return 0


def export(run: session.Session, folder: Path) -> None:
    """Writes the step of a run that has not begun, for its first crop size.

    Args:
        run: The run, whose folder gets its configuration and description.
        folder: Folder for the step, its variables and their description.
    """
    data = run.settings.data
    size = feed.size_at(data, run.start_step)[0]
    task = run.task
    names = {variable.ref(): name for variable, name in named_variables(run)}
    metrics: list[str] = []

    @tf.function(autograph=False, jit_compile=True)
    def step(batch: tf.Tensor, count: tf.Tensor) -> list[tf.Tensor]:
        found = task.step(batch, count)
        task.after_step(count)
        metrics[:] = [name for name in found if "/" not in name]
        return [found[name] for name in metrics]

    batch = tf.TensorSpec([data.batch_size, size, size, 3], tf.uint8)
    count = tf.TensorSpec([], tf.int64)
    module, captured, constants = lowering.lower(step, batch, count)

    folder.mkdir(parents=True, exist_ok=True)
    (folder / STEP).write_bytes(lzma.compress(module.SerializeToString()))
    arrays = [*(variable.numpy() for variable in captured), *constants.values()]
    np.savez(folder / VARIABLES, *arrays)
    # Parameters are the batch, the count, the variables in this order, and the constants.
    changed = {
        entry.output_shape_index[0]: entry.parameter_number
        for entry in module.input_output_alias.entries
    }
    description = {
        "conf": run.settings.to_yaml(),
        "batch": batch.shape.as_list(),
        "zoom": data.zoom,
        "seed": data.seed,
        "steps": run.last_step,
        "metrics": metrics,
        "variables": [names[variable.ref()] for variable in captured],
        "constants": list(constants),
        "changed": [changed[output] for output in sorted(changed)],
    }
    (folder / DESCRIPTION).write_text(json.dumps(description, indent=1), encoding="utf-8")
    print(f"{folder}: {data.batch_size} photos of {size} px a step, {run.last_step:,} steps")


def named_variables(run: session.Session) -> list[tuple[tf.Variable, str]]:
    """Lists every variable that a step of style transfer may change, with a name."""
    task = run.task
    assert isinstance(task, style_transfer.StyleTransfer)
    return [
        (variable, f"{part}/{name}")
        for part, variables in (
            ("net", task.net.named_variables()),
            ("average", task.average.named_variables()),
            ("optimizer", {each.path: each.value for each in task.kept()["optimizer"].variables}),
        )
        for name, variable in variables.items()
    ]


if __name__ == "__main__":
    sys.exit(main())
