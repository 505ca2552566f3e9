"""`fastnst benchmark`: how fast and how exact the export formats of a model are on this machine."""

from __future__ import annotations

import argparse
import collections.abc
import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastnst import errors, export, files, formatting
from fastnst.cli import options, terminal

if TYPE_CHECKING:
    from fastnst.export import verify
    from fastnst.models import model as model_module

# The network as fastnst computes it, which the formats are compared with.
_OURS = "fastnst"


def make_parser(program: str) -> argparse.ArgumentParser:
    """Describes the command line."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Export a model to temporary files in several formats, and time each in its "
        "own runtime, one photo at a time.",
    )
    parser.add_argument(
        "model", metavar="NAME|PATH", help="name of a model or of one of its styles, or a run"
    )
    parser.add_argument(
        "--formats",
        default="all",
        metavar="all|A,B",
        help=f"formats, of {', '.join(export.FORMATS)} (default: all that are installed and need "
        "no download)",
    )
    parser.add_argument(
        "--precision",
        choices=("float32", "bfloat16", "float16"),
        help="precision of all formats that have it (default: that of each format)",
    )
    parser.add_argument(
        "--sizes",
        type=_sides,
        default=(256, 512, 1024),
        metavar="PX[,PX]",
        help="sides of the square photos (default: 256,512,1024)",
    )
    parser.add_argument(
        "--runs",
        type=terminal.positive,
        default=5,
        metavar="N",
        help="photos to time, after a first one; the table shows medians (default: 5)",
    )
    options.add_output(parser, as_json=True)
    return parser


def _sides(text: str) -> tuple[int, ...]:
    try:
        sides = tuple(int(side) for side in text.split(","))
    except ValueError:
        sides = (0,)
    if not all(16 <= side <= 4096 for side in sides):
        raise argparse.ArgumentTypeError(f"{text}: should be sides from 16 to 4096, as in 256,512")
    return sides


def main(
    argv: collections.abc.Sequence[str] | None = None, program: str = "fastnst benchmark"
) -> int:
    """Runs the command and returns its exit code."""
    arguments = make_parser(program).parse_args(argv)
    return terminal.guarded(program, lambda: _run(arguments), quiet=arguments.quiet)


def _run(arguments: argparse.Namespace) -> int:
    names = _formats(arguments.formats)
    terminal.import_tensorflow()
    import tqdm

    from fastnst.export import verify
    from fastnst.models import model, restore, store

    source = store.find(arguments.model)
    restored = restore.load(source)
    if source.style:
        restored = model.only(restored, source.style)
    clocks = verify.clock(len(restored.description.styles), arguments.sizes, arguments.runs)
    with files.scratch() as folder, tqdm.tqdm(total=len(names) + 1, disable=None) as bar:
        bar.set_postfix_str(_OURS)
        results = [_ours(restored, clocks)]
        bar.update()
        for name in names:
            bar.set_postfix_str(name)
            results.append(_measure(restored, folder / name, name, arguments.precision, clocks))
            bar.update()
    if arguments.json:
        for result in results:
            terminal.show(json.dumps(result))
        return terminal.DONE
    for line in formatting.table([_heads(arguments.sizes), *map(_row, results)]):
        terminal.show(line)
    return terminal.DONE


def _formats(text: str) -> list[str]:
    """Returns the names of the formats to measure."""
    if text != "all":
        names = text.split(",")
        for name in names:
            if name not in export.FORMATS:
                raise errors.UserError(
                    f"--formats {name}: no such format{errors.did_you_mean(name, export.FORMATS)} "
                    f"(choose from {', '.join(export.FORMATS)})"
                )
            export.check(name, export.Options())
        return names
    names = [name for name, each in export.FORMATS.items() if not each.downloads]
    for name in names:
        if lacking := export.missing(name):
            extra = export.FORMATS[name].extra
            terminal.say(
                f"{name} is left out: {' and '.join(lacking)} missing; "
                f'pip install "fastnst[{extra}]"'
            )
    return [name for name in names if not export.missing(name)]


def _ours(
    restored: model_module.Model, clocks: collections.abc.Mapping[str, verify.Case]
) -> dict[str, Any]:
    from fastnst.export import verify

    paint = verify.painter(restored)
    painted = {
        name: verify.timed(functools.partial(paint, case), case.runs)
        for name, case in clocks.items()
    }
    return {"format": _OURS, "precision": "float32", "milliseconds": _medians(painted, clocks)}


def _measure(
    restored: model_module.Model,
    folder: Path,
    name: str,
    precision: str | None,
    clocks: collections.abc.Mapping[str, verify.Case],
) -> dict[str, Any]:
    available = export.FORMATS[name].precisions
    chosen = precision if precision in available else available[0]
    parity = export.export(restored, folder, name, {}, export.Options(chosen))
    return {
        "format": name,
        "precision": chosen,
        "megabytes": files.size(folder) / 1e6,
        "largest": parity.largest,
        "mean": parity.mean,
        "milliseconds": _medians(export.paint(folder, name, clocks), clocks),
    }


def _medians(
    painted: collections.abc.Mapping[str, verify.Painted],
    clocks: collections.abc.Mapping[str, verify.Case],
) -> dict[str, float | None]:
    from fastnst.export import verify

    return {
        side: verify.median(painted[side].seconds) if side in painted else None for side in clocks
    }


def _heads(sides: collections.abc.Iterable[int]) -> list[str]:
    heads = ["format", "precision", "MB", "largest difference", "mean"]
    return [*heads, *(f"ms at {side} px" for side in sides)]


def _row(result: dict[str, Any]) -> list[str]:
    row = [result["format"], result["precision"]]
    if "mean" in result:
        row += [f"{result['megabytes']:.1f}", f"{result['largest']:g}", f"{result['mean']:.3f}"]
    else:
        row += ["-"] * 3
    times = result["milliseconds"].values()
    return [*row, *("-" if time is None else f"{time:.0f}" for time in times)]
