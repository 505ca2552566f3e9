"""Chooses the devices, the compute dtype and the compilation of a run."""

from __future__ import annotations

import collections.abc
import functools
import itertools
import math
import os
from pathlib import Path

import tensorflow as tf
from tensorflow.python.eager import context

from fastnst import cluster, errors, formatting

# Milliseconds to wait for another process at a time; between them, Ctrl-C is noticed.
_PATIENCE = 1000
# Numbers the calls of `exchange`, which are the same in all processes of a cluster.
_EXCHANGES = itertools.count()
# CPU flags, as named by Linux, with which bfloat16 multiplies faster than float32.
_FAST_BFLOAT16 = frozenset({"avx512_bf16", "amx_bf16"})


def make_strategy(
    batch_size: int, *, count: int | str = "auto", nodes: cluster.Cluster | None = None
) -> tf.distribute.Strategy:
    """Returns the distribution strategy of a run.

    This is a MirroredStrategy over as many GPUs as can share a batch evenly. On one GPU it is a
    OneDeviceStrategy, which copies batches to the GPU in advance. Without GPUs it is the no-op
    strategy, so that all runs use the same code. In a cluster it is a MultiWorkerMirroredStrategy,
    which begins once all processes have been started.

    Args:
        batch_size: Global batch size, over all devices of all processes.
        count: Number of GPUs to use in this process, or "auto" for all.
        nodes: The cluster that this process belongs to, if any; then nothing of TensorFlow may have
            been used before.

    Raises:
        UserError: If there are fewer GPUs, or if the processes cannot share a batch evenly.
    """
    limit = None if isinstance(count, str) else count
    found = len(tf.config.list_physical_devices("GPU"))
    if limit is not None and limit > found:
        raise errors.UserError(
            f"devices: {limit} are set, but TensorFlow finds {found} GPUs; set devices: auto"
        )
    if nodes:
        _check_shares(batch_size, len(nodes.addresses), "workers")
        strategy = _of_cluster(nodes, limit)
        _check_shares(batch_size, strategy.num_replicas_in_sync, "devices of the cluster")
        return strategy
    gpus = [device.name for device in tf.config.list_logical_devices("GPU")][:limit]
    if not gpus:
        return tf.distribute.get_strategy()
    sharing = gpus[: math.gcd(batch_size, len(gpus))]
    if len(sharing) > 1:
        return tf.distribute.MirroredStrategy(sharing)
    return tf.distribute.OneDeviceStrategy(sharing[0])


# A process joins its cluster once.
@functools.cache
def _of_cluster(nodes: cluster.Cluster, limit: int | None) -> tf.distribute.Strategy:
    gpus = tf.config.list_physical_devices("GPU")[:limit]
    tf.config.set_visible_devices(gpus, "GPU")
    options = tf.distribute.experimental
    kinds = options.CommunicationImplementation
    # TensorFlow's own choices, but for the time after which a silent process counts as lost: one on
    # a busy machine may be silent for longer than the default, 10 seconds. No public function sets
    # it.
    context.context().configure_coordination_service(
        "standalone",
        service_leader="/job:worker/replica:0/task:0",
        heartbeat_timeout_in_ms=round(1000 * cluster.SILENCE),
    )
    coordination = context.context().coordination_service
    coordination.coordinated_job_list.add(name="worker", num_tasks=len(nodes.addresses))
    try:
        strategy = tf.distribute.MultiWorkerMirroredStrategy(
            tf.distribute.cluster_resolver.SimpleClusterResolver(
                tf.train.ClusterSpec({"worker": nodes.addresses}),
                task_type="worker",
                task_id=nodes.index,
                rpc_layer="grpc",
            ),
            options.CommunicationOptions(implementation=kinds.NCCL if gpus else kinds.RING),
        )
    except tf.errors.OpError as error:
        raise errors.UserError(
            f"{cluster.VARIABLE}: the worker at {nodes.addresses[nodes.index]} cannot join the "
            f"others ({errors.reason(error)}); start all of them at about the same time, and "
            "check that they reach each other"
        ) from None
    # All batches are whole. Asking the others whether theirs are would exchange messages in the
    # thread that reads the photos, amid those of the training.
    strategy.extended.experimental_enable_get_next_as_optional = False
    return strategy


def _check_shares(batch_size: int, sharing: int, who: str) -> None:
    if batch_size % sharing:
        raise errors.UserError(
            f"batch_size: {batch_size} photos cannot be split evenly among {sharing} {who}; set a "
            f"multiple of {sharing}"
        )


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Returns whether this process is the one that writes, of those that share a strategy."""
    return _alone(strategy) or strategy.cluster_resolver.task_id == 0


def agree(strategy: tf.distribute.Strategy, wish: bool) -> bool:
    """Returns whether any process that shares the strategy wishes so, the same in all of them.

    All processes must call this together: one that stopped alone would leave the others waiting
    for its gradients.
    """
    if _alone(strategy):
        return wish
    local = tf.constant(float(wish))
    wishes = strategy.run(lambda: tf.identity(local))
    return bool(strategy.reduce(tf.distribute.ReduceOp.SUM, wishes, axis=None) > 0)


def exchange(strategy: tf.distribute.Strategy, text: str) -> dict[int, str]:
    """Exchanges a text between the chief and the other processes that share the strategy.

    All processes must call this together, but may end right after it: whoever has received a text
    does not depend on its sender any more.

    Args:
        strategy: The strategy.
        text: The text of this process.

    Returns:
        In the chief, the texts of the others by their index; in the others, the chief's, whose
        index is 0. Empty if no other process shares the strategy.
    """
    if _alone(strategy):
        return {}
    name = f"fastnst/exchange/{next(_EXCHANGES)}"
    own = strategy.cluster_resolver.task_id
    count = strategy.cluster_resolver.cluster_spec().num_tasks("worker")
    send = functools.partial(context.context().set_config_key_value, f"{name}/{own}", text)
    # The texts are kept by the chief, which may end when it has all of them; the others therefore
    # receive before they send.
    if own:
        received = {0: _receive(f"{name}/0")}
        send()
        return received
    send()
    return {index: _receive(f"{name}/{index}") for index in range(1, count)}


def _receive(name: str) -> str:
    while True:
        try:
            return str(context.context().get_config_key_value(name, _PATIENCE))
        except tf.errors.DeadlineExceededError:
            continue


def share(
    strategy: tf.distribute.Strategy, variables: collections.abc.Iterable[tf.Variable]
) -> None:
    """Gives the variables the values of the chief, in every process that shares the strategy.

    So only the chief needs to see the files that the values come from. All processes must call this
    together.
    """
    if _alone(strategy):
        return
    variables = list(variables)

    def of_chief() -> list[tf.Tensor]:
        context = tf.distribute.get_replica_context()
        sends = tf.equal(context.replica_id_in_sync_group, 0)
        # A sum of which all terms but one are 0.
        terms = [
            tf.where(sends, value, tf.zeros_like(value)) for value in map(tf.identity, variables)
        ]
        # One by one, because all variables that are sent at once must have the same dtype.
        return [context.all_reduce(tf.distribute.ReduceOp.SUM, term) for term in terms]

    received = tf.function(lambda: strategy.run(of_chief), autograph=False)()
    for variable, value in zip(variables, received, strict=True):
        variable.assign(strategy.experimental_local_results(value)[0])


def _alone(strategy: tf.distribute.Strategy) -> bool:
    cluster_of = strategy.cluster_resolver
    return cluster_of is None or cluster_of.task_type is None


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
        choice: "on", "off" or "auto". CPUs compute exactly in any case. "on" makes GPUs do so too,
            for all computations of this process, and lets TensorFlow decode photos one at a time.
    """
    if choice == "on":
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
        return formatting.count(cores or 1, "CPU core")
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
