"""`fastnst classify`: classifies pictures.

fastnst classify digit.png --model mnist
"""

from __future__ import annotations

import argparse
import collections.abc
from pathlib import Path

from fastnst import errors, files, images, photo_files
from fastnst.cli import options, terminal

PROGRAM = "fastnst classify"


def make_parser(program: str) -> argparse.ArgumentParser:
    """Describes the command line."""
    parser = argparse.ArgumentParser(
        prog=program, description="Tell the class of pictures, with a classifier that you trained."
    )
    parser.add_argument(
        "pictures", nargs="+", type=Path, metavar="PICTURE|DIR", help="pictures, or folders of them"
    )
    parser.add_argument(
        "--model", required=True, metavar="NAME|PATH", help="name of a classifier, or path of a run"
    )
    parser.add_argument(
        "--top",
        type=terminal.positive,
        default=1,
        metavar="N",
        help="print the N most probable classes (default: %(default)s)",
    )
    options.add_output(parser, as_json=True)
    return parser


def main(argv: collections.abc.Sequence[str] | None = None, program: str = PROGRAM) -> int:
    """Runs the command and returns its exit code."""
    arguments = make_parser(program).parse_args(argv)
    return terminal.guarded(program, lambda: _run(arguments), quiet=arguments.quiet)


def _run(arguments: argparse.Namespace) -> int:
    paths = [path for given in arguments.pictures for path in _pictures(given)]
    terminal.import_tensorflow()
    from fastnst.models import classifier

    found = classifier.load(arguments.model)
    failed = 0
    for path in paths:
        try:
            pixels = images.decode(images.read_bytes(path), str(path))
        except errors.UserError as error:
            terminal.complain(f"{PROGRAM}: {error}")
            failed += 1
            continue
        (best,) = found.best([pixels], arguments.top)
        if arguments.json:
            classes = {name: round(probability, 6) for name, probability in best}
            terminal.result(path, as_json=True, classes=classes)
        else:
            predicted = ", ".join(f"{name} {probability:.1%}" for name, probability in best)
            terminal.show(f"{path}: {predicted}")
    return terminal.USER_ERROR if failed else terminal.DONE


def _pictures(path: Path) -> list[Path]:
    if files.kind(path) != "folder":
        return [path]
    return [path / name for name in photo_files.photos_in(path)]
