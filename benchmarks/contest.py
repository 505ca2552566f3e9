"""Times contenders in turn, each in a process of its own, all with the same number of threads.

Machines get faster and slower while one measures. So nobody runs for long: one round is one turn
of every contender, and contenders are compared round by round.
"""

from __future__ import annotations

import argparse
import collections.abc
import contextlib
import dataclasses
import importlib
import importlib.metadata
import json
import multiprocessing
import multiprocessing.connection
import os
import platform
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import tqdm

_PACKAGES = ("tensorflow", "torch", "onnxruntime", "numpy")
_MIB = 2**20
# Seconds that a turn lasts, at least: a unit of work of a second is done once.
_TURN = 0.5


@dataclasses.dataclass(frozen=True)
class Contender:
    """Who works, told by name, so that only its own process imports what it needs.

    Attributes:
        module: Where it is, for example "benchmarks.ours".
        function: Builds it, and returns what does one unit of its work.
        arguments: Of that function.
    """

    module: str
    function: str
    arguments: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Timing:
    """What one contender took.

    Attributes:
        seconds: For a unit of work, one number a round.
        footprint: MiB of the process before it built anything, with its libraries imported.
        peak: MiB, at the highest.
    """

    seconds: tuple[float, ...]
    footprint: float
    peak: float

    @property
    def median(self) -> float:
        """Seconds, the middle of the rounds."""
        return statistics.median(self.seconds)

    @property
    def spread(self) -> float:
        """Seconds between the lower and the upper quartile of the rounds."""
        return spread(self.seconds)


def spread(values: collections.abc.Sequence[float]) -> float:
    """Distance between the lower and the upper quartile; 0 of a single value."""
    if len(values) < 2:
        return 0.0
    low, _, high = statistics.quantiles(values, method="inclusive")
    return high - low


def ratio(slower: Timing, faster: Timing) -> float:
    """How many times as long one took as the other: the median over the rounds."""
    pairs = zip(slower.seconds, faster.seconds, strict=True)
    return statistics.median(one / other for one, other in pairs)


def contest(
    contenders: collections.abc.Mapping[str, Contender], *, rounds: int, warm_up: int = 2
) -> dict[str, Timing]:
    """Lets contenders work in turn.

    Args:
        contenders: By name.
        rounds: Turns of each.
        warm_up: Turns of each before, which are not counted.

    Returns:
        By name, in the same order.
    """
    os.environ.update(_environment(threads()))
    context = multiprocessing.get_context("spawn")
    workers = {}
    total = len(contenders) * (rounds + 1)
    with tqdm.tqdm(total=total, unit=" turns", disable=None, leave=False) as bar:
        try:
            for name, contender in contenders.items():
                here, there = context.Pipe()
                process = context.Process(target=_serve, args=(there, contender, warm_up))
                process.start()
                there.close()
                workers[name] = (process, here)
                _answer(name, here)
                bar.update()
            taken: dict[str, list[float]] = {name: [] for name in contenders}
            for _ in range(rounds):
                for name, (_, connection) in workers.items():
                    taken[name].append(_answer(name, connection, more=True))
                    bar.update()
            results = {}
            for name, (_, connection) in workers.items():
                peaks = _answer(name, connection, more=False)
                results[name] = Timing(tuple(taken[name]), *peaks)
            return results
        finally:
            for process, _ in workers.values():
                process.kill()
                process.join()


def threads() -> int:
    """How many threads each contender may use: the cores there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def photos(size: int, batch: int) -> Any:
    """Bundled photos, cut to squares: uint8 RGB [batch, size, size, 3]."""
    import numpy as np

    from fastnst import images

    folder = Path(__file__).resolve().parent.parent / "img" / "photos"
    paths = sorted(folder.glob("*.jpg"))
    squares = []
    for index in range(batch):
        pixels = images.to_uint8(images.read(paths[index % len(paths)], size))
        squares.append(pixels[:size, :size])
    return np.stack(squares)


def parser(description: str | None) -> argparse.ArgumentParser:
    """A parser with what all benchmarks take: --toy."""
    made = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    made.add_argument("--toy", action="store_true", help="at a tiny size: shows that it runs")
    return made


def table(head: collections.abc.Sequence[str], rows: collections.abc.Iterable[list[str]]) -> str:
    """Lays out a table in Markdown."""
    lines = [list(head), ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def finish(name: str, **values: Any) -> int:
    """Prints the last line of a benchmark, JSON: what was measured, with what, where."""
    installed = {}
    for package in _PACKAGES:
        try:
            installed[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    context = {
        "benchmark": name,
        "versions": {"python": platform.python_version(), **installed},
        "device": _device(),
        "threads": threads(),
    }
    print(json.dumps(context | values), flush=True)
    return 0


def as_json(timings: collections.abc.Mapping[str, Timing]) -> dict[str, dict[str, float]]:
    """Timings for the last line."""
    return {
        name: {
            "median_s": round(timing.median, 5),
            "spread_s": round(timing.spread, 5),
            "peak_mib": round(timing.peak),
            "footprint_mib": round(timing.footprint),
        }
        for name, timing in timings.items()
    }


def _serve(
    connection: multiprocessing.connection.Connection, contender: Contender, warm_up: int
) -> None:
    """A contender's process."""
    # Where memory ends, Linux ends this process, and not what else its user has running.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="utf-8")
    try:
        module = importlib.import_module(contender.module)
        footprint = _peak()
        work = getattr(module, contender.function)(**contender.arguments)
        for _ in range(warm_up):
            work()
        connection.send(True)
        while connection.recv():
            connection.send(_turn(work))
        connection.send((footprint, _peak()))
    except Exception as error:
        connection.send(error if isinstance(error, RuntimeError) else RuntimeError(repr(error)))


def _turn(work: collections.abc.Callable[[], object]) -> float:
    """Seconds of a unit of work: the median of as many as fill the turn.

    The first comes upon caches that others have filled.
    """
    taken: list[float] = []
    while sum(taken) < _TURN:
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def _answer(
    name: str, connection: multiprocessing.connection.Connection, more: bool | None = None
) -> Any:
    """What a contender says, once it has been told whether there is one more turn."""
    try:
        if more is not None:
            connection.send(more)
        answer = connection.recv()
    except (EOFError, ConnectionError):
        raise RuntimeError(f"{name}: its process ended, perhaps for lack of memory") from None
    if isinstance(answer, RuntimeError):
        raise RuntimeError(f"{name}: {answer}")
    return answer


def _peak() -> float:
    """The most memory that this process ever had, in MiB."""
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / (_MIB if sys.platform == "darwin" else 1024)


def _environment(number: int) -> dict[str, str]:
    return {
        # The peers are set up for a processor. On a GPU we would be compared with that.
        "CUDA_VISIBLE_DEVICES": "-1",
        "OMP_NUM_THREADS": str(number),
        "TF_NUM_INTRAOP_THREADS": str(number),
        "TF_NUM_INTEROP_THREADS": str(number),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


def _device() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
