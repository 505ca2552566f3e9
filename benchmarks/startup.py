"""How long does a command take to its result, with cached and uncached files, and on what?

python -m benchmarks.startup
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import contest

ROOT = Path(__file__).resolve().parent.parent
# Does the work of one process from its start to the stylized photo, and times each part.
_PARTS = """
import json, sys, time
times = {}
def part(name, start):
    now = time.perf_counter(); times[name] = now - start; return now
start = time.perf_counter()
import numpy, PIL.Image
start = part("import NumPy and Pillow", start)
import tensorflow
start = part("import TensorFlow", start)
from fastnst import images
from fastnst.models import loading
start = part("import fastnst", start)
model = loading.load(sys.argv[1], "auto")
start = part("load the network", start)
photo = images.to_uint8(images.read(sys.argv[2]))
start = part("read the photo", start)
stylized = model(photo)
start = part("stylize it: build the graph and run it", start)
model(photo)
start = part("stylize another one", start)
images.write(sys.argv[3], stylized)
part("write the file", start)
print(json.dumps(times))
"""
_RUNTIMES = ("tensorflow", "onnxruntime")
_RUNTIME_HEADS = ["photos", "TensorFlow, s", "MiB", "ONNX Runtime, s", "MiB"]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark."""
    parser = contest.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--model", default="candy")
    parser.add_argument("--size", type=int, default=512, help="side of the photo")
    parser.add_argument(
        "--photos",
        type=lambda text: [int(count) for count in text.split(",")],
        default=[1, 10, 100],
        help="numbers of photos to stylize with each runtime (default: 1,10,100)",
    )
    arguments = parser.parse_args(argv)
    if arguments.toy:
        arguments.rounds, arguments.size, arguments.photos = 1, 64, [1, 2]
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    with tempfile.TemporaryDirectory() as folder:
        photo, output = Path(folder) / "photo.png", Path(folder) / "stylized.png"
        _write_photo(photo, arguments.size)
        evaluate = ["eval.py", "--model", arguments.model, str(photo), "-o", str(output)]
        commands = {
            "eval.py, photo to stylized photo": evaluate,
            "eval.py --help": ["eval.py", "--help"],
            "train.py --help": ["train.py", "--help"],
            "import fastnst": ["-c", "import fastnst"],
            "import tensorflow": ["-c", "import tensorflow"],
        }
        taken: dict[str, list[float]] = {}
        _run(evaluate)
        for _ in range(arguments.rounds):
            for name, command in commands.items():
                taken.setdefault(name, []).append(_run(command))
        cold = []
        for _ in range(max(arguments.rounds // 2, 1)):
            _forget_files()
            cold.append(_run(evaluate))
        taken["eval.py, photo to stylized photo, files not cached"] = cold
        runtimes = _compare_runtimes(Path(folder), arguments)
        script = [sys.executable, "-c", _PARTS, arguments.model, str(photo), str(output)]
        parts = [
            json.loads(subprocess.run(script, check=True, capture_output=True, cwd=ROOT).stdout)
            for _ in range(arguments.rounds)
        ]
    medians = {name: statistics.median(seconds) for name, seconds in taken.items()}
    rows = [
        [name, f"{medians[name]:.2f}", f"{contest.spread(seconds):.2f}"]
        for name, seconds in taken.items()
    ]
    print(contest.table(["command", "s", "spread"], rows))
    print(f"\n{contest.table(_RUNTIME_HEADS, runtimes)}")
    middle = {name: statistics.median(each[name] for each in parts) for name in parts[0]}
    rows = [[name, f"{seconds:.2f}"] for name, seconds in middle.items()]
    print(f"\n{contest.table(['part', 's'], rows)}", flush=True)
    return contest.finish(
        "startup",
        size=arguments.size,
        medians={name: round(seconds, 3) for name, seconds in medians.items()},
        spreads={name: round(contest.spread(seconds), 3) for name, seconds in taken.items()},
        runtimes=runtimes,
        parts={name: round(seconds, 3) for name, seconds in middle.items()},
    )


def _compare_runtimes(folder: Path, arguments: argparse.Namespace) -> list[list[str]]:
    """Stylizes one photo and many with each runtime, in turn; returns the rows of a table."""
    rows = []
    for count in arguments.photos:
        photos = folder / f"photos-{count}"
        photos.mkdir()
        for index in range(count):
            _write_photo(photos / f"{index}.png", arguments.size)
        evaluate = ["eval.py", "--model", arguments.model, str(photos), "-o", str(folder / "many")]
        taken: dict[str, list[tuple[float, int]]] = {}
        for _ in range(arguments.rounds if count == 1 else max(1, arguments.rounds // 2)):
            for runtime in _RUNTIMES:
                command = [sys.executable, *evaluate, "--runtime", runtime, "--stroke", "1"]
                taken.setdefault(runtime, []).append(_measure(command))
        row = [str(count)]
        for measured in taken.values():
            seconds, peaks = zip(*measured, strict=True)
            row += [f"{statistics.median(seconds):.2f}", f"{statistics.median(peaks) / 2**20:,.0f}"]
        rows.append(row)
    return rows


def _run(command: Sequence[str]) -> float:
    return _measure([sys.executable, *command])[0]


def _measure(command: Sequence[str]) -> tuple[float, int]:
    """Runs a command; returns its time in seconds, and its largest memory in bytes."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT
    )
    _, status, usage = os.wait4(process.pid, 0)
    taken = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return taken, 1024 * usage.ru_maxrss


def _write_photo(path: Path, size: int) -> None:
    from PIL import Image

    Image.fromarray(contest.photos(size, 1)[0]).save(path)


def _forget_files() -> None:
    """Asks the system to drop Python's packages and the project from its file cache."""
    if not hasattr(os, "posix_fadvise"):
        return
    packages = importlib.util.find_spec("numpy")
    assert packages is not None and packages.origin is not None
    for folder in (Path(packages.origin).parent.parent, ROOT / "fastnst", ROOT / "pretrained"):
        for path in folder.rglob("*"):
            if path.is_file():
                descriptor = os.open(path, os.O_RDONLY)
                try:
                    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                finally:
                    os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main())
