"""The choice of devices, dtype and compilation."""

from __future__ import annotations

import os
import types
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from fastnst import cluster as nodes_module
from fastnst import devices, errors


def processor_with(*features: str) -> Any:
    """Replaces `Path.read_text` on a CPU with these flags."""
    text = f"processor\t: 0\nflags\t\t: fpu sse2 {' '.join(features)} avx\nbugs\t\t:\n"
    return lambda path, **options: text


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])


def graphics_cards(monkeypatch: pytest.MonkeyPatch, *generations: tuple[int, int]) -> None:
    """Makes TensorFlow report GPUs of these compute capabilities."""
    cards = [types.SimpleNamespace(generation=generation) for generation in generations]
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: cards)
    monkeypatch.setattr(
        tf.config.experimental,
        "get_device_details",
        lambda card: {"compute_capability": card.generation, "device_name": "NVIDIA H200"},
    )


@pytest.mark.parametrize(
    ("precision", "dtype"),
    [("float32", tf.float32), ("mixed_bfloat16", tf.bfloat16), ("mixed_float16", tf.float16)],
)
def test_an_explicit_precision_is_used(precision: str, dtype: tf.DType) -> None:
    assert devices.compute_dtype(precision) == dtype


@pytest.mark.parametrize(
    ("features", "dtype"),
    [
        (("avx512_bf16",), tf.bfloat16),
        (("amx_bf16", "amx_tile"), tf.bfloat16),
        (("avx512f", "avx2"), tf.float32),
        (("not_avx512_bf16_really",), tf.float32),
    ],
)
@pytest.mark.usefixtures("no_gpu")
def test_auto_uses_bfloat16_on_cpus_that_are_fast_at_it(
    monkeypatch: pytest.MonkeyPatch, features: tuple[str, ...], dtype: tf.DType
) -> None:
    monkeypatch.setattr(Path, "read_text", processor_with(*features))
    assert devices.compute_dtype("auto") == dtype


@pytest.mark.usefixtures("no_gpu")
def test_auto_uses_float32_on_unknown_cpus(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(path: Path, **options: str) -> str:
        raise FileNotFoundError(path)

    monkeypatch.setattr(Path, "read_text", refuse)
    assert devices.compute_dtype("auto") == tf.float32


def test_auto_uses_bfloat16_if_all_gpus_support_it(monkeypatch: pytest.MonkeyPatch) -> None:
    graphics_cards(monkeypatch, (9, 0), (8, 0))
    assert devices.compute_dtype("auto") == tf.bfloat16
    graphics_cards(monkeypatch, (9, 0), (7, 5))
    assert devices.compute_dtype("auto") == tf.float32


def test_xla_follows_its_setting_and_auto_means_one_gpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for cards in ((), ((9, 0),)):
        graphics_cards(monkeypatch, *cards)
        for replicas in (1, 2):
            assert devices.use_xla("on", replicas)
            assert not devices.use_xla("off", replicas)
            assert devices.use_xla("auto", replicas) == (bool(cards) and replicas == 1)


def test_the_device_has_a_name_for_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    graphics_cards(monkeypatch, (9, 0))
    assert devices.describe() == "NVIDIA H200"
    graphics_cards(monkeypatch, (9, 0), (9, 0))
    assert devices.describe() == "2 x NVIDIA H200"
    graphics_cards(monkeypatch)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 3}, raising=False)
    assert devices.describe() in ("2 CPU cores", f"{os.cpu_count()} CPU cores")
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3}, raising=False)
    assert devices.describe() in ("1 CPU core", f"{os.cpu_count()} CPU cores")


@pytest.mark.usefixtures("no_gpu")
def test_without_gpus_the_strategy_is_the_default_one() -> None:
    assert devices.make_strategy(4) is tf.distribute.get_strategy()


@pytest.mark.parametrize(
    ("gpus", "batch_size", "taken"),
    [(1, 4, [0]), (2, 4, [0, 1]), (2, 1, [0]), (2, 3, [0]), (4, 6, [0, 1]), (3, 6, [0, 1, 2])],
)
def test_as_many_gpus_are_used_as_can_share_a_batch_evenly(
    monkeypatch: pytest.MonkeyPatch, gpus: int, batch_size: int, taken: list[int]
) -> None:
    logical = [types.SimpleNamespace(name=f"GPU:{number}") for number in range(gpus)]
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: logical)
    # Strategies cannot be created without real devices.
    monkeypatch.setattr(tf.distribute, "OneDeviceStrategy", lambda name: [name])
    monkeypatch.setattr(tf.distribute, "MirroredStrategy", list)
    assert devices.make_strategy(batch_size) == [f"GPU:{number}" for number in taken]
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: logical)
    assert devices.make_strategy(batch_size, count=1) == ["GPU:0"]


def cluster(task_type: str | None, task_id: int = 0) -> Any:
    """Stands for the strategy of one process of several; the others never wish."""
    resolver = types.SimpleNamespace(task_type=task_type, task_id=task_id)
    return types.SimpleNamespace(
        cluster_resolver=resolver,
        run=lambda function: function(),
        reduce=lambda how, value, axis: value + 0.0,
    )


def test_a_single_process_is_its_own_chief_and_does_as_it_wishes() -> None:
    for strategy in (tf.distribute.get_strategy(), tf.distribute.OneDeviceStrategy("CPU:0")):
        assert devices.is_chief(strategy)
        assert devices.agree(strategy, True) is True
        assert devices.agree(strategy, False) is False


def test_the_first_of_several_processes_is_the_chief() -> None:
    assert [devices.is_chief(cluster("worker", index)) for index in range(3)] == [
        True,
        False,
        False,
    ]


def test_several_processes_add_up_their_wishes() -> None:
    assert devices.agree(cluster("worker"), True) is True
    assert devices.agree(cluster("worker"), False) is False
    other = cluster("worker")
    other.reduce = lambda how, value, axis: value + 1.0
    assert devices.agree(other, False) is True
    # A resolver of a single process, such as that of a TPU at hand.
    assert devices.agree(cluster(None), True) is True and devices.is_chief(cluster(None))


def test_a_gpu_is_found_if_tensorflow_sees_one(monkeypatch: pytest.MonkeyPatch) -> None:
    graphics_cards(monkeypatch)
    assert not devices.has_gpu()
    graphics_cards(monkeypatch, (9, 0))
    assert devices.has_gpu()


@pytest.mark.parametrize(
    ("choice", "gpu", "exactly"),
    [
        ("auto", False, False),
        ("auto", True, False),
        ("on", True, True),
        ("off", False, False),
    ],
)
def test_only_on_asks_tensorflow_for_exact_computations(
    monkeypatch: pytest.MonkeyPatch, choice: str, gpu: bool, exactly: bool
) -> None:
    asked: list[bool] = []
    # The setting cannot be taken back within a process.
    enable = "enable_op_determinism"
    monkeypatch.setattr(devices.tf.config.experimental, enable, lambda: asked.append(True))
    monkeypatch.setattr(devices, "has_gpu", lambda: gpu)
    devices.compute_exactly(choice)
    assert asked == [True] * exactly


@pytest.mark.usefixtures("no_gpu")
def test_more_gpus_than_there_are_cannot_be_set() -> None:
    with pytest.raises(errors.UserError, match=r"^devices: 2 are set, but TensorFlow finds 0 GPUs"):
        devices.make_strategy(4, count=2)


def test_a_batch_that_workers_cannot_share_is_refused_before_the_others_are_waited_for() -> None:
    nodes = nodes_module.Cluster(("one:1", "two:2", "three:3"), 0)
    with pytest.raises(errors.UserError, match=r"^batch_size: 4 photos cannot be split"):
        devices.make_strategy(4, nodes=nodes)
