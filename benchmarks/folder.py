"""Does reading and writing the files of a folder slow painting down?

python -m benchmarks.folder
"""

from __future__ import annotations

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
# Paints the photos of a folder again and again, read before and never written.
_ALONE = """
import sys, time
from pathlib import Path
from fastnst import images
from fastnst.models import loading
model = loading.load(sys.argv[1], "auto", stroke="1")
photos = [images.to_uint8(images.read(path)) for path in sorted(Path(sys.argv[2]).iterdir())[:8]]
model(photos[0])
count = int(sys.argv[3])
start = time.perf_counter()
for index in range(count):
    model(photos[index % len(photos)])
print((time.perf_counter() - start) / count)
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark."""
    parser = contest.parser(__doc__)
    parser.add_argument("--model", default="gallery-lite", help="the model")
    parser.add_argument("--size", type=int, default=256, help="side of the photos (default: 256)")
    parser.add_argument("--photos", type=int, default=300, help="their number (default: 300)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each (default: 3)")
    arguments = parser.parse_args(argv)
    if arguments.toy:
        arguments.size, arguments.photos, arguments.rounds = 32, 3, 1
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    taken: dict[str, list[float]] = {"painting alone": [], "fastnst eval": []}
    with tempfile.TemporaryDirectory() as folder:
        few, many = (
            _write_photos(Path(folder, name), count, arguments.size)
            for name, count in (("few", 1), ("many", arguments.photos))
        )
        for _ in range(arguments.rounds):
            taken["painting alone"].append(_alone(arguments.model, many, arguments.photos))
            start, whole = (_evaluate(arguments.model, photos, folder) for photos in (few, many))
            taken["fastnst eval"].append((whole - start) / max(1, arguments.photos - 1))
    medians = {name: statistics.median(seconds) for name, seconds in taken.items()}
    ratio = medians["painting alone"] / medians["fastnst eval"]
    rows = [
        [
            name,
            f"{1 / median:.1f}",
            f"{1000 * median:.1f}",
            f"{1000 * contest.spread(taken[name]):.1f}",
        ]
        for name, median in medians.items()
    ]
    head = [f"{arguments.photos} JPEGs of {arguments.size} px", "photos/s", "ms/photo", "spread"]
    print(contest.table(head, rows), flush=True)
    return contest.finish("folder", ratio=round(ratio, 3), seconds=taken)


def _write_photos(folder: Path, count: int, size: int) -> Path:
    from PIL import Image

    folder.mkdir()
    for index, pixels in enumerate(contest.photos(size, count)):
        Image.fromarray(pixels).save(folder / f"{index:05d}.jpg", quality=90)
    return folder


def _alone(model: str, photos: Path, count: int) -> float:
    """Returns the seconds per photo of painting without files."""
    command = [sys.executable, "-c", _ALONE, model, str(photos), str(count)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return float(json.loads(done.stdout))


def _evaluate(model: str, photos: Path, output: str) -> float:
    """Returns the seconds of painting a folder, from the start of the command to its end."""
    options = ["--quiet", "--runtime", "tensorflow", "--stroke", "1", "-o", f"{output}/painted/"]
    command = [sys.executable, "eval.py", "--model", model, str(photos), *options]
    start = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
