"""`fastnst records`: writes photos as TFRecord shards.

fastnst records --images train2014.zip --out data/coco
fastnst records --labels --train_directory train/ --validation_directory val/ --out data/mine
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from fastnst import events, formatting
from fastnst.cli import options, progress, terminal
from fastnst.data import labeled_writer, manifest, writer

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
        "--train_directory",
        required=True,
        type=Path,
        metavar="DIR|ZIP",
        help="folder or zip archive of photos",
    )
    parser.add_argument(
        "--out",
        "--output_directory",
        required=True,
        type=Path,
        metavar="DIR",
        help="folder to write the records to",
    )
    parser.add_argument(
        "--shards",
        "--train_shards",
        type=terminal.positive,
        metavar="N",
        help=f"number of files (default: one per {writer.PHOTOS_PER_SHARD:,} photos)",
    )
    parser.add_argument(
        "--workers",
        "--num_threads",
        type=terminal.positive,
        metavar="N",
        help="threads (default: one per CPU)",
    )
    parser.add_argument(
        "--max-side",
        type=terminal.positive,
        metavar="PX",
        help="shrink photos whose longer side exceeds PX (default: keep their size)",
    )
    labeled = parser.add_argument_group("labeled pictures")
    labeled.add_argument(
        "--labels",
        action="store_true",
        help="the pictures of each class are in a folder that is named after it; writes labels",
    )
    labeled.add_argument(
        "--validation_directory",
        type=Path,
        metavar="DIR|ZIP",
        help="pictures to validate on, in the same folders",
    )
    labeled.add_argument(
        "--labels_file",
        type=Path,
        metavar="FILE",
        help="the classes to write, one per line, in the order of their numbers (default: all "
        "folders, sorted)",
    )
    labeled.add_argument(
        "--validation_shards",
        type=terminal.positive,
        metavar="N",
        help="number of files of the pictures to validate on",
    )
    labeled.add_argument(
        "--schema",
        choices=labeled_writer.SCHEMAS,
        default=labeled_writer.SCHEMAS[0],
        help="encoded: JPEGs with the keys of build_image_data; raw: label, shape and uint8 pixels "
        "(default: %(default)s)",
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
            written = _write(options, display)
    except KeyboardInterrupt:
        terminal.say(
            f"{program}: interrupted; finished shards are kept. "
            "Run the same command again to resume"
        )
        return terminal.INTERRUPTED
    for folder, result in written.items():
        terminal.show(
            f"{folder}: {formatting.count(result.photos, 'photo')} in "
            f"{formatting.count(len(result.shards), 'shard')}, {result.bytes / 1e6:,.1f} MB; "
            f"{formatting.count(len(result.skipped), 'file')} skipped"
        )
    return terminal.DONE


def _write(options: argparse.Namespace, display: events.Action) -> dict[Path, manifest.Manifest]:
    """Writes the records; returns the manifest of each folder."""
    limits = {
        "workers": options.workers,
        "max_side": options.max_side,
        "max_pixels": options.max_pixels,
        "on_event": display,
    }
    if not (options.labels or options.validation_directory or options.labels_file):
        whole = writer.write(options.images, options.out, shards=options.shards, **limits)
        return {options.out: whole}
    parts = {"train": labeled_writer.Part(options.images, options.shards)}
    if options.validation_directory:
        parts["validation"] = labeled_writer.Part(
            options.validation_directory, options.validation_shards
        )
    written = labeled_writer.write(
        parts, options.out, labels_file=options.labels_file, schema=options.schema, **limits
    )
    return {options.out / name: result for name, result in written.items()}
