"""How many photos per second does the input pipeline read, and is training ever short of them?

    python -m benchmarks.input_pipeline

The photos are JPEGs of 640 x 480, from a folder and from TFRecords. For comparison, a bare decoder
reads the same files on the same cores and only decodes each one completely.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import contest

DECODER = "the decoder alone"
STEP = "the training step"
_BATCH = 4
_SIZE = 256


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark."""
    parser = contest.parser(__doc__)
    # Enough photos that the pipeline's startup and autotuning do not matter.
    parser.add_argument("--photos", type=int, default=2400)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args(argv)
    if arguments.toy:
        arguments.photos, arguments.rounds = 8, 2
    count = arguments.photos
    with tempfile.TemporaryDirectory() as temporary:
        folder, records = Path(temporary) / "photos", Path(temporary) / "records"
        _make_photos(folder, count)
        _make_records(folder, records)
        timings = contest.contest(
            {
                DECODER: _reader("decoder", folder=str(folder)),
                "fastnst, folder": _reader("reader", spec=str(folder), count=count),
                "fastnst, TFRecords": _reader("reader", spec=str(records), count=count),
            },
            rounds=arguments.rounds,
        )
    # Measured alone, because it would share its cores with the readers.
    size = 64 if arguments.toy else _SIZE
    step = contest.Contender("benchmarks.ours", "train_step", {"size": size, "batch": _BATCH})
    step_timing = contest.contest({STEP: step}, rounds=arguments.rounds)[STEP]
    consumption = _BATCH / step_timing.median
    rows = [
        [
            name,
            f"{count / timing.median:,.0f}",
            f"{contest.ratio(timings[DECODER], timing):.2f}",
            f"{count / timing.median / consumption:.1f}",
        ]
        for name, timing in timings.items()
    ]
    head = ["", "photos/s", "relative to the decoder", "relative to training"]
    print(contest.table(head, rows), flush=True)
    return contest.finish(
        "input_pipeline",
        appetite=round(consumption, 2),
        ratio_folder=round(contest.ratio(timings[DECODER], timings["fastnst, folder"]), 3),
        ratio_records=round(contest.ratio(timings[DECODER], timings["fastnst, TFRecords"]), 3),
        timings=contest.as_json(timings),
    )


def _reader(function: str, **arguments: object) -> contest.Contender:
    return contest.Contender("benchmarks.reading", function, arguments)


def _make_photos(folder: Path, count: int) -> None:
    """Writes different crops of 640 x 480 from the validation photos."""
    import numpy as np
    from PIL import Image

    from fastnst import photo_files

    folder.mkdir()
    sources = []
    for path in photo_files.bundled():
        with Image.open(path) as image:
            sources.append(image.convert("RGB"))
    random = np.random.default_rng(0)
    for index in range(count):
        image = sources[index % len(sources)]
        width = int(min(image.width, image.height * 4 / 3) * random.uniform(0.7, 1.0))
        height = width * 3 // 4
        left = int(random.integers(image.width - width + 1))
        top = int(random.integers(image.height - height + 1))
        box = (left, top, left + width, top + height)
        image.resize((640, 480), box=box).save(folder / f"{index:04d}.jpg", quality=90)


def _make_records(folder: Path, out: Path) -> None:
    """Converts them to TFRecords in a separate process, which leaves no threads behind."""
    import subprocess

    command = [sys.executable, "-m", "fastnst", "records", "--images", str(folder)]
    command += ["--out", str(out)]
    subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    sys.exit(main())
