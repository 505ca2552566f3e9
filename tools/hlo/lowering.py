"""Lowers functions of TensorFlow to HLO, XLA's language, for machines without TensorFlow."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import tensorflow as tf

# TensorFlow ships the message, but has no public name for it.
from tensorflow.compiler.xla.service import hlo_pb2

# Constants from this many elements on become parameters: weights, and style targets.
_LARGE = 1024


def lower(
    function: Any, *arguments: tf.TensorSpec
) -> tuple[hlo_pb2.HloModuleProto, list[tf.Variable], dict[str, np.ndarray]]:
    """Lowers a function that TensorFlow compiles with XLA.

    Args:
        function: A `tf.function` with `jit_compile=True`.
        *arguments: Shapes and dtypes of its arguments.

    Returns:
        The module, whose parameters are the arguments, the variables that the function reads or
        changes, and its large constants; then these variables, and the constants' values by
        "number/dtype", in order. Those of bfloat16 are float32, which holds them exactly.
    """
    graph = function.get_concrete_function(*arguments).graph
    of_handle = {id(variable.handle): variable for variable in graph.variables}
    captured = [of_handle[id(outer)] for outer, _ in graph.captures]
    module = hlo_pb2.HloModuleProto.FromString(
        function.experimental_get_compiler_ir(*arguments)(stage="hlo_serialized")
    )
    _speak_stablehlo(module)
    return module, captured, _hoist_constants(module)


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
    """Turns large constants into parameters; equal ones become one. Returns their values."""
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
