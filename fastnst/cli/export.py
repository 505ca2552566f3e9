"""`export.py`: exports a trained model for other programs."""

from __future__ import annotations

import argparse
import collections.abc
import dataclasses
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from fastnst import errors, export, files, formatting, images
from fastnst.cli import options, terminal

if TYPE_CHECKING:
    from fastnst.export import verify

_DEFAULT = "savedmodel"
# Longest side of the photos of a format for one size: the layers of larger ones fit into no phone.
_MOST_SIDE = 4096


def make_parser(program: str) -> argparse.ArgumentParser:
    """Describes the command line."""
    parser = argparse.ArgumentParser(
        prog=program, description="Export a trained model and verify the export."
    )
    parser.add_argument(
        "--model",
        required=True,
        metavar="NAME|PATH",
        help="name of a model or of one of its styles, or the path of a run",
    )
    parser.add_argument(
        "--style",
        action="append",
        default=[],
        metavar="NAME|A:0.6,B:0.4",
        help="export only this style or blend; may be repeated (default: all styles of the model)",
    )
    parser.add_argument(
        "--format",
        type=_formats,
        default=(_DEFAULT,),
        metavar="NAME[,NAME]",
        help="; ".join(f"{name}: for {one.purpose}" for name, one in export.FORMATS.items())
        + f" (default: {_DEFAULT})",
    )
    parser.add_argument(
        "--precision",
        choices=("float32", "bfloat16", "float16"),
        help="float16 halves the file; bfloat16 is faster where the processor has it "
        "(default: that of the format)",
    )
    parser.add_argument(
        "--size",
        type=_size,
        metavar="HxW",
        help="write LiteRT and Core ML files for photos of one size, such as 512x768",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        help="folder to write, with a folder for each of several formats (default: exports/MODEL, "
        "or exports/STYLE with one --style, followed by -FORMAT for all but SavedModels)",
    )
    options.add_output(parser, as_json=True)
    return parser


def _formats(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    for name in names:
        if name not in export.FORMATS:
            hint = errors.did_you_mean(name, export.FORMATS)
            raise argparse.ArgumentTypeError(
                f"no format {name}{hint} (choose from {', '.join(export.FORMATS)})"
            )
    return names


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)x(\d+)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text}: should be HEIGHTxWIDTH, such as 512x768")
    height, width = (terminal.whole(side, images.MIN_SIDE, _MOST_SIDE) for side in found.groups())
    return height, width


def _options(arguments: argparse.Namespace, file_format: str) -> export.Options:
    """Returns the choices for a format; of several, only those that can have one get the size."""
    sized = [name for name in arguments.format if export.FORMATS[name].fixed_size]
    takes_size = file_format in sized or not sized
    return export.Options(arguments.precision, arguments.size if takes_size else None)


def main(argv: collections.abc.Sequence[str] | None = None, program: str = "export.py") -> int:
    """Runs the command and returns its exit code."""
    arguments = make_parser(program).parse_args(argv)
    return terminal.guarded(program, lambda: _run(arguments), quiet=arguments.quiet)


def _run(arguments: argparse.Namespace) -> int:
    choices = {name: _options(arguments, name) for name in arguments.format}
    for file_format, chosen in choices.items():
        export.check(file_format, chosen)
    terminal.import_tensorflow()
    from fastnst.controls import blends
    from fastnst.models import card, classifier, model, restore, run_folder, store

    if classifier.exists(arguments.model):
        return _export_classifier(arguments)
    source = store.find(arguments.model)
    restored = restore.load(source)
    styles = arguments.style or ([source.style] if source.style else [])
    if styles:
        restored = model.only(restored, *styles)
    name = blends.file_name(styles[0]) if len(styles) == 1 else source.name
    config_text = run_folder.RunFolder(source.path).config_text(terminal.say)
    facts = card.read_facts(source.path)
    names = restored.description.names
    rows: list[tuple[str, ...]] = [_HEADS]
    for file_format, chosen in choices.items():
        folder = _folder(arguments, name, file_format)
        text = card.render(name, export.use(file_format), facts, config_text, styles=names)
        extra = {"README.md": export.card(file_format, text, names)}
        if config_text:
            extra["config.yml"] = config_text
        if facts:
            extra[card.FACTS] = json.dumps(facts, indent=2) + "\n"
        replaced = folder.is_dir() and any(folder.iterdir())
        parity = export.export(restored, folder, file_format, extra, chosen, facts)
        if replaced:
            terminal.say(f"replaced the earlier export in {folder}")
        megabytes = files.size(folder) / 1e6
        rows.append(_row(file_format, megabytes, parity))
        terminal.result(
            folder,
            as_json=arguments.json,
            format=file_format,
            megabytes=megabytes,
            **dataclasses.asdict(parity),
        )
    if not arguments.json:
        terminal.say(f"compared with {source.path}, each in its own program:")
        for line in formatting.table(rows):
            terminal.say(line)
    return terminal.DONE


def _export_classifier(arguments: argparse.Namespace) -> int:
    from fastnst.export import classifier_model
    from fastnst.models import classifier

    if arguments.format != (_DEFAULT,) or arguments.style or arguments.size or arguments.precision:
        raise errors.UserError(
            f"{arguments.model}: is a classifier, which can only be exported as a SavedModel in "
            "float32; leave out the other options"
        )
    folder = _folder(arguments, Path(arguments.model).name, _DEFAULT)
    classifier_model.write(classifier.load(arguments.model), folder)
    megabytes = files.size(folder) / 1e6
    terminal.result(folder, as_json=arguments.json, format=_DEFAULT, megabytes=megabytes)
    return terminal.DONE


_HEADS = ("format", "MB", "largest difference", "mean", "ms at 512 px", "ms of fastnst in float32")


def _row(file_format: str, megabytes: float, parity: verify.Parity) -> tuple[str, ...]:
    return (
        file_format,
        f"{megabytes:.1f}",
        f"{parity.largest:g} of 255",
        f"{parity.mean:.3f}",
        "-" if parity.milliseconds is None else f"{parity.milliseconds:.0f}",
        f"{parity.milliseconds_live:.0f}",
    )


def _folder(arguments: argparse.Namespace, name: str, file_format: str) -> Path:
    if arguments.output:
        several = len(arguments.format) > 1
        return Path(arguments.output, file_format) if several else Path(arguments.output)
    return Path("exports") / (name if file_format == _DEFAULT else f"{name}-{file_format}")
