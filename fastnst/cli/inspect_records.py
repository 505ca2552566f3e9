"""`fastnst inspect`: tells what a record of a TFRecord file holds.

fastnst inspect train-00000-of-00002.tfrecord 3 -o picture.png
"""

from __future__ import annotations

import argparse
import collections.abc
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fastnst import errors, images
from fastnst.cli import options, outputs, terminal

PROGRAM = "fastnst inspect"


def make_parser(program: str) -> argparse.ArgumentParser:
    """Describes the command line."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Show what a record of a TFRecord file holds: its keys, its label and its "
        "picture.",
    )
    parser.add_argument("file", type=Path, metavar="FILE.tfrecord", help="the TFRecord file")
    parser.add_argument(
        "number",
        nargs="?",
        type=terminal.positive,
        default=1,
        metavar="N",
        help="number of the record, from 1 (default: %(default)s)",
    )
    parser.add_argument("-o", "--output", metavar="FILE|DIR", help="save the picture")
    parser.add_argument(
        "--show", action="store_true", help="open the picture in the system's viewer"
    )
    options.add_output(parser, as_json=True)
    return parser


def main(argv: collections.abc.Sequence[str] | None = None, program: str = PROGRAM) -> int:
    """Runs the command and returns its exit code."""
    arguments = make_parser(program).parse_args(argv)
    return terminal.guarded(program, lambda: _run(arguments), quiet=arguments.quiet)


def _run(arguments: argparse.Namespace) -> int:
    output = None
    if arguments.output:
        stem = f"{arguments.file.stem}-{arguments.number}"
        output = outputs.place(arguments.output, stem, ".png", numbered=False)
        images.format_of(output)
        outputs.check(output, inputs=[arguments.file])
    terminal.import_tensorflow()
    from fastnst.data import inspection

    found = inspection.inspect(arguments.file, arguments.number)
    if (output or arguments.show) and found.picture is None:
        raise errors.UserError(f"{arguments.file}: record {found.number:,} {found.fault}")
    pixels = None
    if found.picture is not None:
        pixels = np.broadcast_to(found.picture, (*found.picture.shape[:2], 3))
    if output:
        images.write(output, np.ascontiguousarray(pixels))
    if arguments.show:
        Image.fromarray(np.ascontiguousarray(pixels)).show()
    shape = list(found.picture.shape) if found.picture is not None else None
    if arguments.json:
        facts: dict[str, Any] = {"record": found.number, "records": found.count}
        facts |= {"keys": found.keys, "label": found.label, "shape": shape}
        terminal.result(output or arguments.file, as_json=True, **facts)
        return terminal.DONE
    terminal.show(f"{arguments.file}: record {found.number:,} of {found.count:,}")
    width = max(map(len, found.keys))
    for key, text in found.keys.items():
        terminal.show(f"  {key:<{width}}  {text}")
    if found.label is not None:
        terminal.show(f"label: {found.label}")
    terminal.show(f"shape: {' x '.join(map(str, shape))}" if shape else f"picture: {found.fault}")
    if output:
        terminal.show(str(output))
    return terminal.DONE
