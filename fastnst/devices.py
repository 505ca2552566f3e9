"""Chooses the devices, the compute dtype and the compilation of a run."""

from __future__ import annotations

import math
import os
from pathlib import Path

import tensorflow as tf

# CPU flags, as named by Linux, with which bfloat16 multiplies faster than float32.
_FAST_BFLOAT16 = frozenset({"avx512_bf16", "amx_bf16"})


def make_strategy(batch_size: int) -> tf.distribute.Strategy:
    """Returns the distribution strategy of a run.

    This is a MirroredStrategy over as many GPUs as can share a batch evenly. On one GPU it is a
    OneDeviceStrategy, which copies batches to the GPU in advance. Without GPUs it is the no-op
    strategy, so that all runs use the same code.

    Args:
        batch_size: Global batch size, over all devices.
    """
    gpus = [device.name for device in tf.config.list_logical_devices("GPU")]
    if not gpus:
        return tf.distribute.get_strategy()
    sharing = gpus[: math.gcd(batch_size, len(gpus))]
    if len(sharing) > 1:
        return tf.distribute.MirroredStrategy(sharing)
    return tf.distribute.OneDeviceStrategy(sharing[0])


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Returns whether this process is the one that writes, of those that share a strategy."""
    cluster = strategy.cluster_resolver
    if cluster is None or cluster.task_type is None:
        return True
    # Without a chief of its own, a cluster's first worker is the chief.
    chief = "chief" if "chief" in cluster.cluster_spec().jobs else "worker"
    return cluster.task_type == chief and not cluster.task_id


def agree(strategy: tf.distribute.Strategy, wish: bool) -> bool:
    """Returns whether any process that shares the strategy wishes so, the same in all of them.

    All processes must call this together: one that stopped alone would leave the others waiting
    for its gradients.
    """
    cluster = strategy.cluster_resolver
    if cluster is None or cluster.task_type is None:
        return wish
    local = tf.constant(float(wish))
    wishes = strategy.run(lambda: tf.identity(local))
    return bool(strategy.reduce(tf.distribute.ReduceOp.SUM, wishes, axis=None) > 0)


def has_gpu() -> bool:
    """Returns whether TensorFlow sees a GPU."""
    return bool(tf.config.list_physical_devices("GPU"))


def compute_dtype(precision: str) -> tf.DType:
    """Returns the dtype in which convolutions are computed.

    Args:
        precision: "float32", "mixed_bfloat16", "mixed_float16", or "auto" for bfloat16 on devices
            where it is fast and float32 on others.
    """
    if precision == "auto":
        return tf.bfloat16 if _bfloat16_is_fast() else tf.float32
    return tf.dtypes.as_dtype(precision.removeprefix("mixed_"))


def compute_exactly(choice: str) -> None:
    """Lets equal computations of this process give equal results, bit for bit, from here on.

    On the same machine, that is: sums are split by the number of cores.

    Args:
        choice: "on", "off" or "auto", which is on without GPUs. TensorFlow then also decodes photos
            one at a time, ahead of the step.
    """
    if choice == "on" or (choice == "auto" and not has_gpu()):
        tf.config.experimental.enable_op_determinism()


def use_xla(choice: str, replicas: int) -> bool:
    """Returns whether to compile the training step with XLA.

    Args:
        choice: "on", "off" or "auto". "auto" compiles on a single GPU, where XLA fuses operations
            limited by memory bandwidth. It does not compile on several GPUs, because the gradient
            exchange within a compiled step is untested.
        replicas: Number of devices that share a batch.
    """
    alone_on_gpu = replicas == 1 and has_gpu()
    return choice == "on" or (choice == "auto" and alone_on_gpu)


def describe() -> str:
    """Returns the device's name for the log, for example "2 CPU cores" or "NVIDIA H200"."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        linux = hasattr(os, "sched_getaffinity")
        cores = len(os.sched_getaffinity(0)) if linux else os.cpu_count()
        return f"{cores} CPU core{'' if cores == 1 else 's'}"
    name = tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")
    return f"{len(gpus)} x {name}" if len(gpus) > 1 else str(name)


def _bfloat16_is_fast() -> bool:
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
        return all(detail.get("compute_capability", (0, 0)) >= (8, 0) for detail in details)
    try:
        flags = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    except OSError:
        return False
    return bool(flags & _FAST_BFLOAT16)
