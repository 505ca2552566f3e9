"""`export.py`: exports a trained model for other programs."""

from __future__ import annotations

import argparse
import collections.abc
import json
from pathlib import Path

from fastnst import export
from fastnst.cli import terminal


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
        "-o",
        "--output",
        metavar="DIR",
        help="folder to write (default: exports/MODEL, or exports/STYLE with one --style)",
    )
    parser.add_argument(
        "--format",
        choices=tuple(export.FORMATS),
        default="savedmodel",
        help="; ".join(f"{name}: for {purpose}" for name, (_, purpose) in export.FORMATS.items()),
    )
    return parser


def main(argv: collections.abc.Sequence[str] | None = None, program: str = "export.py") -> int:
    """Runs the command and returns its exit code."""
    arguments = make_parser(program).parse_args(argv)
    return terminal.guarded(program, lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    terminal.import_tensorflow()
    from fastnst.models import card, model, run_folder, store

    source = store.find(arguments.model)
    restored = store.load(source)
    styles = arguments.style or ([source.style] if source.style else [])
    if styles:
        restored = model.only(restored, *styles)
    name = model.file_name(styles[0]) if len(styles) == 1 else source.name
    folder = Path(arguments.output) if arguments.output else Path("exports") / name
    config_file = run_folder.RunFolder(source.path).config
    config_text = config_file.read_text(encoding="utf-8") if config_file.exists() else ""
    facts = card.read_facts(source.path)
    use = export.use(arguments.format)
    names = restored.description.names
    extra = {"README.md": card.render(name, use, facts, config_text, styles=names)}
    if config_text:
        extra["config.yml"] = config_text
    if facts:
        extra[card.FACTS] = json.dumps(facts, indent=2) + "\n"
    replaced = folder.is_dir() and any(folder.iterdir())
    difference = export.export(restored, folder, arguments.format, extra)
    if replaced:
        terminal.say(f"replaced the earlier export in {folder}")
    terminal.say(f"verified against {source.path}: the largest difference is {difference:g} of 255")
    print(folder)
    return terminal.DONE
