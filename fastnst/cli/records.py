"""`fastnst records`: writes photos as TFRecord shards.

fastnst records --images train2014.zip --out data/coco
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from fastnst.cli import options, progress, terminal
from fastnst.data import writer

PROGRAM = "fastnst records"


def make_parser(program: str) -> argparse.ArgumentParser:
    """Describes the command line."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Write photos as TFRecord shards to train on, with the keys of COCO records.",
        epilog="If it is interrupted, run the same command again to resume.",
    )
    parser.add_argument(
        "--images",
        required=True,
        type=Path,
        metavar="DIR|ZIP",
        help="folder or zip archive of photos",
    )
    parser.add_argument(
        "--out", required=True, type=Path, metavar="DIR", help="folder to write the records to"
    )
    parser.add_argument(
        "--shards",
        type=terminal.positive,
        metavar="N",
        help=f"number of files (default: one per {writer.PHOTOS_PER_SHARD:,} photos)",
    )
    parser.add_argument(
        "--workers", type=terminal.positive, metavar="N", help="threads (default: one per CPU)"
    )
    parser.add_argument(
        "--max-side",
        type=terminal.positive,
        metavar="PX",
        help="shrink photos whose longer side exceeds PX (default: keep their size)",
    )
    options.add_max_pixels(parser)
    options.add_output(parser)
    return parser


def main(argv: Sequence[str] | None = None, program: str = PROGRAM) -> int:
    """Runs the command.

    Args:
        argv: Command-line arguments; None for those of the process.
        program: Name of the command in help and errors.

    Returns:
        0 if photos were written, even if some files were skipped; 1 for a user error, 2 for
        wrong usage, 130 after Ctrl-C.
    """
    try:
        options = make_parser(program).parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    return terminal.guarded(program, lambda: _run(options, program), quiet=options.quiet)


def _run(options: argparse.Namespace, program: str) -> int:
    terminal.import_tensorflow()
    try:
        with progress.Progress("photo", every=100) as display:
            result = writer.write(
                options.images,
                options.out,
                shards=options.shards,
                workers=options.workers,
                max_side=options.max_side,
                max_pixels=options.max_pixels,
                on_event=display,
            )
    except KeyboardInterrupt:
        terminal.say(
            f"{program}: interrupted; finished shards are kept. "
            "Run the same command again to resume"
        )
        return terminal.INTERRUPTED
    print(
        f"{options.out}: {result.photos:,} photos in {len(result.shards):,} shards, "
        f"{result.bytes / 1e6:,.1f} MB; {len(result.skipped):,} files skipped"
    )
    return terminal.DONE
