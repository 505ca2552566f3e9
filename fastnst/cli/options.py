"""Options that several commands share."""

from __future__ import annotations

import argparse


def add_set(parser: argparse.ArgumentParser, help: str) -> None:
    """Adds `--set KEY=VALUE`, which may be repeated, as the list `assignments`."""
    parser.add_argument(
        "--set",
        dest="assignments",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help=help,
    )


def add_dataset(parser: argparse.ArgumentParser) -> None:
    """Adds `--dataset PATH`, which names the photos to train on."""
    parser.add_argument("--dataset", metavar="PATH", help="photos: bundled, a folder, or TFRecords")
