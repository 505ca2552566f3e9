"""`fastnst weights`: downloads the weights of the loss network.

fastnst weights                              all 13 layers
fastnst weights --through conv4_3 --force    the file that the repository ships
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from fastnst.cli import options, terminal
from fastnst.features import download


def make_parser(program: str) -> argparse.ArgumentParser:
    """Describes the command line."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Download the loss network: VGG16's convolutions, trained on ImageNet.",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=download.DEFAULT_PATH,
        help="checkpoint to write (default: %(default)s in the working directory, where it takes "
        "precedence over the package's own file)",
    )
    parser.add_argument(
        "--through",
        choices=download.LAYERS[download.LAYERS.index(download.SHIPPED_THROUGH) :],
        default=download.LAYERS[-1],
        help="last layer to include (default: %(default)s, all 13; the repository ships conv4_3)",
    )
    parser.add_argument(
        "--dtype",
        choices=("float16", "float32"),
        default="float16",
        help="dtype to store (default: %(default)s)",
    )
    parser.add_argument("--force", action="store_true", help="download even if the file exists")
    options.add_output(parser)
    return parser


def main(argv: Sequence[str] | None = None, program: str = "fastnst weights") -> int:
    """Runs the command and returns its exit code."""
    args = make_parser(program).parse_args(argv)
    return terminal.guarded(program, lambda: _run(args), quiet=args.quiet)


def _run(args: argparse.Namespace) -> int:
    terminal.import_tensorflow()
    fetched = download.fetch(
        args.output, through=args.through, dtype=args.dtype, force=args.force, say=terminal.say
    )
    if fetched:
        terminal.show(
            f"{args.output}: VGG16, conv1_1 to {args.through}, {args.dtype}, checksum verified"
        )
    else:
        terminal.show(f"{args.output}: exists, checksum verified (--force downloads it again)")
    return terminal.DONE
