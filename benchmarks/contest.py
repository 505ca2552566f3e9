"""Times contenders in turn, each in its own process, all with the same number of threads.

The speed of a machine drifts during a measurement. Turns are therefore short: in each round every
contender has one turn, and contenders are compared round by round.
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
# Minimum seconds per turn; a longer unit of work runs once.
_TURN = 0.5


@dataclasses.dataclass(frozen=True)
class Contender:
    """A contender, identified by name so that only its own process imports its libraries.

    Attributes:
        module: Its module, for example "benchmarks.ours".
        function: A function there that returns a function which does one unit of work.
        arguments: Arguments of `function`.
    """

    module: str
    function: str
    arguments: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Timing:
    """The measurements of one contender.

    Attributes:
        seconds: Seconds per unit of work, one number per round.
        footprint: MiB of the process with its libraries imported, before it builds anything.
        peak: Peak memory of the process in MiB.
    """

    seconds: tuple[float, ...]
    footprint: float
    peak: float

    @property
    def median(self) -> float:
        """The median of the rounds in seconds."""
        return statistics.median(self.seconds)

    @property
    def spread(self) -> float:
        """The interquartile range of the rounds in seconds."""
        return spread(self.seconds)


def spread(values: collections.abc.Sequence[float]) -> float:
    """Returns the interquartile range; 0 for a single value."""
    if len(values) < 2:
        return 0.0
    low, _, high = statistics.quantiles(values, method="inclusive")
    return high - low


def ratio(slower: Timing, faster: Timing) -> float:
    """Returns the median over the rounds of the ratio of their times."""
    pairs = zip(slower.seconds, faster.seconds, strict=True)
    return statistics.median(one / other for one, other in pairs)


def contest(
    contenders: collections.abc.Mapping[str, Contender], *, rounds: int, warm_up: int = 2
) -> dict[str, Timing]:
    """Runs the contenders in turn.

    Args:
        contenders: The contenders by name.
        rounds: Number of turns of each.
        warm_up: Number of unmeasured units of work of each before the first round.

    Returns:
        The timings by name, in the same order.
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
    """Returns the number of threads per contender: the available cores."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def photos(size: int, batch: int) -> Any:
    """Returns bundled photos cropped to squares: uint8 RGB [batch, size, size, 3]."""
    import numpy as np

    from fastnst import images, photo_files

    paths = photo_files.bundled()
    squares = []
    for index in range(batch):
        pixels = images.to_uint8(images.read(paths[index % len(paths)], size))
        squares.append(pixels[:size, :size])
    return np.stack(squares)


def parser(description: str | None) -> argparse.ArgumentParser:
    """Returns a parser with the option of all benchmarks, --toy."""
    made = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    made.add_argument("--toy", action="store_true", help="run at a tiny size, as a smoke test")
    return made


def table(head: collections.abc.Sequence[str], rows: collections.abc.Iterable[list[str]]) -> str:
    """Renders a Markdown table."""
    lines = [list(head), ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def finish(name: str, **values: Any) -> int:
    """Prints the last line of a benchmark: its results, versions and device as JSON."""
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
    """Converts timings for the last line."""
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
    """Runs a contender in its own process."""
    # If memory runs out, Linux kills this process rather than others of the user.
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
    """Returns the median seconds of the units of work in one turn.

    The median, because the first unit runs with caches that other contenders have filled.
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
    """Receives a contender's answer, after sending whether there is one more turn."""
    try:
        if more is not None:
            connection.send(more)
        answer = connection.recv()
    except (EOFError, ConnectionError):
        raise RuntimeError(f"{name}: its process ended, perhaps because memory ran out") from None
    if isinstance(answer, RuntimeError):
        raise RuntimeError(f"{name}: {answer}")
    return answer


def _peak() -> float:
    """Returns the peak memory of this process in MiB."""
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / (_MIB if sys.platform == "darwin" else 1024)


def _environment(number: int) -> dict[str, str]:
    return {
        # The peers run on the CPU, so fastnst must not use a GPU.
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
