"""`fastnst sweep`: optimizes a photo with several values of two options, on one sheet.

fastnst sweep photo.jpg --style painting.jpg --rows style_weight=10,100 --columns tv_weight=0,30
"""

from __future__ import annotations

import argparse
import collections.abc
import sys

import numpy as np

from fastnst import errors, images
from fastnst.cli import optimizing, options, outputs, progress, terminal
from fastnst.reports import contact_sheet

PROGRAM = "fastnst sweep"
# The options that change the picture, and whose values are single words.
KEYS = (
    *("variant", "normalization", "content_weight", "style_weight", "tv_weight"),
    *("content_layers", "style_layers", "loss_model", "loss_model_file", "pooling"),
    *("method", "steps", "learning_rate", "scales", "init", "seed", "style_size"),
)
_SIDE = 256
_MOST_CELLS = 100


def make_parser(program: str) -> argparse.ArgumentParser:
    """Describes the command line."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Optimize a photo with several values of one or two options, and arrange the "
        "pictures on one labeled sheet. All other options are those of fastnst optimize.",
        epilog=f"Options to vary: {', '.join(KEYS)}. Ctrl-C writes the pictures so far.",
    )
    parser.add_argument(
        "--rows",
        required=True,
        type=_axis,
        metavar="OPTION=X,Y,...",
        help="option whose values the rows show, such as style_weight=10,100,1000",
    )
    parser.add_argument(
        "--columns",
        type=_axis,
        metavar="OPTION=X,Y,...",
        help="option whose values the columns show (default: one column)",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE|DIR",
        help="sheet to write, or its folder (default: generated/CONTENT-sweep.jpg, "
        "numbered if it exists)",
    )
    optimizing.add_options(parser, side=_SIDE)
    options.add_output(parser, as_json=True)
    return parser


def _axis(text: str) -> tuple[str, tuple[str, ...]]:
    """Parses "style_weight=10,100" into the option and its values."""
    key, equals, values = text.partition("=")
    key = key.strip().lstrip("-")
    if key not in KEYS:
        near = errors.did_you_mean(key, KEYS)
        raise argparse.ArgumentTypeError(f"no option {key[:40]!r} to vary{near}")
    found = tuple(value.strip() for value in values.split(","))
    if not equals or not all(found):
        raise argparse.ArgumentTypeError(f"{text[:60]!r} should be {key}=X,Y,...")
    if len(set(found)) < len(found):
        raise argparse.ArgumentTypeError(f"{text[:60]!r} has a value twice")
    return key, found


def main(argv: collections.abc.Sequence[str] | None = None, program: str = PROGRAM) -> int:
    """Runs the command.

    Args:
        argv: Command-line arguments; None for those of the process.
        program: Name of the command in help and errors.

    Returns:
        0 if the sheet was written, 1 for a user error, 130 after Ctrl-C, which writes the pictures
        so far.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    parser = make_parser(program)
    arguments = parser.parse_args(given)
    down = arguments.rows
    across = arguments.columns
    if across and across[0] == down[0]:
        parser.error(f"--rows and --columns vary the same option, {down[0]}")
    if len(down[1]) * len(across[1] if across else "x") > _MOST_CELLS:
        parser.error(f"more than {_MOST_CELLS} pictures")
    # Each value passes the checks of its option before anything is computed.
    cells = [
        [
            parser.parse_args([*given, *_option(down[0], row), *(_option(*column))])
            for column in _columns(across)
        ]
        for row in down[1]
    ]
    return terminal.guarded(program, lambda: _run(arguments, cells), quiet=arguments.quiet)


def _columns(across: tuple[str, tuple[str, ...]] | None) -> list[tuple[str, str]]:
    return [(across[0], value) for value in across[1]] if across else [("", "")]


def _option(key: str, value: str) -> list[str]:
    return [f"--{key}={value}"] if key else []


def _run(arguments: argparse.Namespace, cells: list[list[argparse.Namespace]]) -> int:
    # Files that are missing are told before the first search.
    plans = [[optimizing.prepare(cell) for cell in row] for row in cells]
    output = outputs.place(arguments.output, f"{arguments.content.stem}-sweep", ".jpg")
    images.format_of(output)
    outputs.check(output, inputs=(arguments.content, *arguments.style))
    terminal.import_tensorflow()
    rows = [f"{arguments.rows[0]} {value}" for value in arguments.rows[1]]
    columns = [f"{key} {value}".strip() for key, value in _columns(arguments.columns)]
    pictures: list[list[np.ndarray | None]] = [[None] * len(columns) for _ in rows]
    interrupted = False
    try:
        for number, (down, across) in enumerate(np.ndindex(len(rows), len(columns)), start=1):
            label = ", ".join(filter(None, (rows[down], columns[across])))
            terminal.say(f"picture {number} of {len(rows) * len(columns)}: {label}")
            with progress.Progress("iteration", every=1) as display:
                result = plans[down][across].run(lambda objective, shape: None, display)
            if result.interrupted:
                raise KeyboardInterrupt
            pictures[down][across] = images.to_uint8(result.picture)
    except KeyboardInterrupt:
        interrupted = True
    done = sum(picture is not None for row in pictures for picture in row)
    if not done:
        raise KeyboardInterrupt
    images.write(output, contact_sheet.render_table(pictures, rows, columns))
    terminal.result(output, as_json=arguments.json, pictures=done)
    return terminal.INTERRUPTED if interrupted else terminal.DONE
