"""The command that writes photos as TFRecord shards.

python -m fastnst.data.records --images train2014.zip --out data/coco
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from fastnst import errors
from fastnst.data.writer import PHOTOS_PER_SHARD, write

__all__ = ["main", "write"]

PROGRAM = "python -m fastnst.data.records"


def _at_least_one(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text}: must be 1 or more")
    return value


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Writes photos as TFRecord shards, in the schema of COCO, to train on.",
        epilog="Stopped? The same command goes on where it was.",
    )
    parser.add_argument(
        "--images", required=True, type=Path, metavar="DIR|ZIP", help="a folder or a zip archive"
    )
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="a new folder")
    parser.add_argument(
        "--shards",
        type=_at_least_one,
        metavar="N",
        help=f"number of files (default: one for every {PHOTOS_PER_SHARD:,} photos)",
    )
    parser.add_argument(
        "--workers", type=_at_least_one, metavar="N", help="threads (default: one a processor)"
    )
    parser.add_argument(
        "--max-side",
        type=_at_least_one,
        metavar="PX",
        help="make photos smaller whose longer side is longer (default: keep their size)",
    )
    return parser


def main(argv: Sequence[str] | None = None, program: str = PROGRAM) -> int:
    """Runs the command.

    Args:
        argv: The arguments; None for those of the process.
        program: What it is called in its own help and errors.

    Returns:
        0 when photos were written, even where some files had to be skipped; 1 for an error of
        the user's, 2 for wrong usage, 130 after Ctrl-C.
    """
    try:
        options = _parser(program).parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    # Quiet, unless it is told otherwise: TensorFlow's notes would tear the progress bar.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    bar = tqdm(unit=" photos", mininterval=0.2 if sys.stderr.isatty() else 10.0)

    def show(done: int, total: int) -> None:
        if not bar.n:
            bar.reset(total)  # Its clock began before TensorFlow was imported.
        bar.update(done - bar.n)

    try:
        with bar:
            result = write(
                options.images,
                options.out,
                shards=options.shards,
                workers=options.workers,
                max_side=options.max_side,
                progress=show,
            )
    except errors.UserError as error:
        sys.stderr.write(f"{program}: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write(
            f"{program}: stopped; the finished shards are kept, the same command goes on\n"
        )
        return 130
    for skipped in result.skipped:
        sys.stderr.write(f"skipped {skipped.reason}\n")
    sys.stdout.write(
        f"{options.out}: {result.photos:,} photos in {len(result.shards):,} shards, "
        f"{result.bytes / 1e6:,.1f} MB; {len(result.skipped):,} files skipped\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
