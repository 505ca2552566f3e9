"""How many photos a second does the service stylize, and does its memory stay flat?

    pip install -e ".[serve]"
    python -m benchmarks.serve

Starts `fastnst serve`, and sends JPEGs from 1, 8 and 32 clients, in turn with the bare stylizer,
which paints the same photos in a process of its own. Then follows the memory of a service that
receives many photos.
"""

from __future__ import annotations

import collections
import collections.abc
import contextlib
import http.client
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from pathlib import Path
from typing import Any

import psutil

from benchmarks import contest

ROOT = Path(__file__).resolve().parent.parent
_CLIENTS = (1, 8, 32)
# Clients, and the numbers of requests after which memory is read, while it is followed.
_LONG_CLIENTS, _MARKS = 8, (200, 1000, 2000)
_BARE = "bare stylizer"
_MIB = 2**20


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark."""
    parser = contest.parser(__doc__)
    parser.add_argument("--model", default="gallery", help="the model (default: gallery)")
    parser.add_argument("--size", type=int, default=512, help="side of the photos (default: 512)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each (default: 5)")
    parser.add_argument(
        "--long-model", default="gallery-lite", help="followed in memory (default: gallery-lite)"
    )
    parser.add_argument(
        "--long-size", type=int, default=256, help="side of its photos (default: 256)"
    )
    parser.add_argument("--only", choices=("load", "memory"), help="measure only this")
    arguments = parser.parse_args(argv)
    clients: tuple[int, ...] = _CLIENTS
    marks: tuple[int, ...] = _MARKS
    rounds = arguments.rounds
    if arguments.toy:
        clients, marks, rounds = (1, 2), (2, 4), 1
        arguments.size = arguments.long_size = 32
    found: dict[str, Any] = {}
    if arguments.only != "memory":
        found["load"] = _load(arguments.model, arguments.size, clients, rounds)
        print(f"{_load_table(found['load'])}\n", flush=True)
    if arguments.only != "load":
        found["memory_mib"] = {
            name: _memory(arguments.long_model, sizes, marks)
            for name, sizes in _long_sizes(arguments.long_size).items()
        }
        print(_memory_table(found["memory_mib"], marks), flush=True)
    return contest.finish("serve", **found)


@contextlib.contextmanager
def _service(model: str) -> Iterator[tuple[psutil.Process, str]]:
    """Runs a service of a model; yields its process and its address."""
    command = [sys.executable, "-m", "fastnst", "serve", "--model", model, "--port", "0", "--quiet"]
    hidden = {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | hidden, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        address = process.stdout.readline().strip()
        if not address:
            raise RuntimeError(f"{' '.join(command)}: has ended")
        yield psutil.Process(process.pid), address
    finally:
        process.terminate()
        process.communicate()


def _load(
    model: str, size: int, clients: Sequence[int], rounds: int
) -> dict[str, dict[str, float]]:
    """Measures photos per second of the bare stylizer and of the service with so many clients."""
    # As many photos a turn as divide evenly among all clients.
    count = max(clients)
    with tempfile.TemporaryDirectory() as folder, _service(model) as (_, address):
        shared = {"size": size, "count": count}
        bare = contest.Contender(__name__, "make_bare", {"model": model, **shared})
        contenders = {_BARE: bare}
        for number in clients:
            log = str(Path(folder) / str(number))
            given = {"address": address, "clients": number, "log": log, **shared}
            contenders[_clients(number)] = contest.Contender(__name__, "make_clients", given)
        timings = contest.contest(contenders, rounds=rounds, warm_up=1)
        found = {}
        for name, timing in timings.items():
            found[name] = {
                "photos_per_second": count / timing.median,
                "relative": contest.ratio(timings[_BARE], timing),
            }
        for number in clients:
            lines = (Path(folder) / str(number)).read_text(encoding="utf-8").splitlines()
            # The first turn warms up.
            found[_clients(number)] |= _latencies(lines[count:])
    return found


def _latencies(lines: Sequence[str]) -> dict[str, float]:
    """Summarizes requests, a status and its seconds a line."""
    statuses = [line.split()[0] for line in lines]
    seconds = [float(line.split()[1]) for line in lines if line.startswith("200 ")]
    twentieths = statistics.quantiles(seconds, n=20, method="inclusive")
    return {
        "median_s": statistics.median(seconds),
        "percentile_95_s": twentieths[-1],
        "refused": 1.0 - statuses.count("200") / len(statuses),
    }


def _memory(model: str, sizes: Sequence[tuple[int, int]], marks: Sequence[int]) -> dict[int, float]:
    """Returns the resident MiB of a service after so many requests."""
    found = {}
    with _service(model) as (process, address):
        post = _Poster(address)
        bodies = [_jpeg(height, width) for height, width in sizes]
        photos = itertools.cycle(bodies)
        with futures.ThreadPoolExecutor(_LONG_CLIENTS) as pool:
            for before, mark in itertools.pairwise((0, *marks)):
                answers = pool.map(post, itertools.islice(photos, mark - before))
                statuses = collections.Counter(status for status, _ in answers)
                if [*statuses] != [200]:
                    raise RuntimeError(f"the service answered {dict(statuses)}")
                found[mark] = process.memory_info().rss / _MIB
    return found


def _long_sizes(side: int) -> dict[str, list[tuple[int, int]]]:
    """Returns the sizes of the photos that are sent in turn, by name."""
    sides = range(side - 5, side + 5)
    return {
        "photos of one size": [(side, side)],
        "of 100 sizes": [*itertools.product(sides, sides)],
    }


def make_bare(model: str, size: int, count: int) -> Callable[[], object]:
    """Returns a function that stylizes some photos without a service."""
    from fastnst.models import loading

    paint, photos = loading.load(model), contest.photos(size, min(count, 6))
    return lambda: [paint(photos[index % len(photos)]) for index in range(count)]


def make_clients(
    address: str, size: int, count: int, clients: int, log: str
) -> Callable[[], object]:
    """Returns a function that sends some photos from several clients, and logs the answers."""
    post, pool = _Poster(address), futures.ThreadPoolExecutor(clients)
    bodies = [_encoded(photo) for photo in contest.photos(size, min(count, 6))]

    def work() -> None:
        answers = pool.map(post, (bodies[index % len(bodies)] for index in range(count)))
        lines = [f"{status} {seconds}\n" for status, seconds in answers]
        with Path(log).open("a", encoding="utf-8") as file:
            file.writelines(lines)

    return work


class _Poster:
    """Posts photos, over a connection for each thread."""

    def __init__(self, address: str) -> None:
        self._host = urllib.parse.urlsplit(address).netloc
        self._local = threading.local()

    def __call__(self, body: bytes) -> tuple[int, float]:
        """Returns the status, and the seconds until the whole answer has arrived."""
        if not hasattr(self._local, "connection"):
            self._local.connection = http.client.HTTPConnection(self._host, timeout=600)
        start = time.perf_counter()
        try:
            answer = self._send(body)
        except ConnectionError:
            # The service closes connections that are idle for 5 seconds.
            self._local.connection.close()
            answer = self._send(body)
        answer.read()
        return answer.status, time.perf_counter() - start

    def _send(self, body: bytes) -> http.client.HTTPResponse:
        self._local.connection.request("POST", "/stylize", body)
        return self._local.connection.getresponse()


def _jpeg(height: int, width: int) -> bytes:
    return _encoded(contest.photos(max(height, width), 1)[0, :height, :width])


def _encoded(photo: Any) -> bytes:
    from fastnst import images

    return images.encode(images.Picture(photo), "JPEG")


def _clients(number: int) -> str:
    return f"{number} client{'' if number == 1 else 's'}"


def _load_table(found: dict[str, dict[str, float]]) -> str:
    heads = ["", "photos/s", "relative", "median, s", "95th percentile, s", "429 and 503"]
    rows = []
    for name, row in found.items():
        cells = [f"{row['photos_per_second']:.2f}", f"{row['relative']:.2f}"]
        if "refused" in row:
            cells += [f"{row[key]:.2f}" for key in ("median_s", "percentile_95_s")]
            cells.append(f"{row['refused']:.0%}")
        rows.append([name, *cells, *[""] * (len(heads) - 1 - len(cells))])
    return contest.table(heads, rows)


def _memory_table(found: dict[str, dict[int, float]], marks: Sequence[int]) -> str:
    heads = ["MiB after so many requests", *(f"{mark:,}" for mark in marks)]
    rows = [[name, *(f"{row[mark]:,.0f}" for mark in marks)] for name, row in found.items()]
    return contest.table(heads, rows)


if __name__ == "__main__":
    sys.exit(main())
