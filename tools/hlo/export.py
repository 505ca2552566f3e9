"""Writes the training step of a configuration as HLO, with everything that it reads and changes.

    python -m tools.hlo.export conf/gallery.yml -o build/step --dataset photos/ --set batch_size=8

The recipe is that of a GPU, in bfloat16 and with crops of one size, unless --set says otherwise.
"""

from __future__ import annotations

import argparse
import json
import lzma
import math
import sys
import unittest.mock
from pathlib import Path

import numpy as np
import tensorflow as tf

# TensorFlow ships the message, but has no public name for it.
from tensorflow.compiler.xla.service import hlo_pb2

from fastnst import devices
from fastnst.data import feed
from fastnst.training.tasks import session, style_transfer

# The files of a step; `tools/hlo/train.py` reads the same names.
STEP, VARIABLES, DESCRIPTION = "step.hlo.xz", "variables.npz", "step.json"
# Constants from this many elements on become parameters: the loss network, and the style targets.
_LARGE = 1024


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
    graph = step.get_concrete_function(batch, count).graph
    of_handle = {id(variable.handle): variable for variable in graph.variables}
    captured = [of_handle[id(outer)] for outer, _ in graph.captures]
    module = hlo_pb2.HloModuleProto.FromString(
        step.experimental_get_compiler_ir(batch, count)(stage="hlo_serialized")
    )
    _speak_stablehlo(module)
    constants = _hoist_constants(module)

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


def _speak_stablehlo(module: hlo_pb2.HloModuleProto) -> None:
    """Replaces operations that do nothing, and that newer compilers do not read."""
    for computation in module.computations:
        for instruction in computation.instructions:
            if instruction.opcode == "set-dimension-size":
                # The size is a constant, and the one that the shape has.
                del instruction.operand_ids[1], instruction.dimensions[:]
                instruction.opcode = "reshape"
            elif instruction.opcode == "copy":
                instruction.opcode = "reshape"


def _hoist_constants(module: hlo_pb2.HloModuleProto) -> dict[str, np.ndarray]:
    """Turns large constants into parameters; equal ones become one.

    Returns:
        Their values by "number/dtype", in order; bfloat16 as float32, which holds it exactly.
    """
    (entry,) = (c for c in module.computations if c.id == module.entry_computation_id)
    found: dict[bytes, int] = {}
    constants: dict[str, np.ndarray] = {}
    # Ids of constants that are equal to an earlier one.
    twins: dict[int, int] = {}
    for instruction in entry.instructions:
        literal, shape = instruction.literal, instruction.shape
        if instruction.opcode != "constant" or math.prod(shape.dimensions) < _LARGE:
            continue
        if literal.f32s:
            dtype, value = "float32", np.array(literal.f32s, np.float32)
        elif literal.bf16s:
            half = np.frombuffer(literal.bf16s, tf.bfloat16.as_numpy_dtype)
            dtype, value = "bfloat16", half.astype(np.float32)
        else:
            continue
        first = found.setdefault(shape.SerializeToString() + value.tobytes(), instruction.id)
        if first != instruction.id:
            twins[instruction.id] = first
            continue
        constants[f"{len(constants)}/{dtype}"] = value.reshape(shape.dimensions)
        instruction.opcode = "parameter"
        instruction.parameter_number = len(entry.program_shape.parameters)
        instruction.ClearField("literal")
        for program_shape in (entry.program_shape, module.host_program_shape):
            program_shape.parameters.append(shape)
            program_shape.parameter_names.append(instruction.name)
    kept = [instruction for instruction in entry.instructions if instruction.id not in twins]
    for instruction in kept:
        operands = [twins.get(operand, operand) for operand in instruction.operand_ids]
        instruction.operand_ids[:] = operands
    entry_copy = [type(each).FromString(each.SerializeToString()) for each in kept]
    del entry.instructions[:]
    entry.instructions.extend(entry_copy)
    return constants


if __name__ == "__main__":
    sys.exit(main())
