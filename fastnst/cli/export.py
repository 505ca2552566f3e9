"""`export.py`: hands a trained style to other programs."""

from __future__ import annotations

import argparse
import collections.abc
import json
from pathlib import Path

from fastnst.cli import terminal

FORMATS = ("savedmodel", "weights")


def make_parser(program: str) -> argparse.ArgumentParser:
    """Describes the command line."""
    parser = argparse.ArgumentParser(
        prog=program, description="Export a trained style, and check the export."
    )
    parser.add_argument(
        "--model", required=True, metavar="NAME|PATH", help="a model's name, or the path of a run"
    )
    parser.add_argument(
        "-o", "--output", metavar="DIR", help="where to write; default: exports/<model>"
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="savedmodel",
        help="savedmodel for any program with TensorFlow; weights for eval.py, in float16",
    )
    return parser


def main(argv: collections.abc.Sequence[str] | None = None, program: str = "export.py") -> int:
    """Runs the command and returns its exit code."""
    arguments = make_parser(program).parse_args(argv)
    return terminal.guarded(program, lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    terminal.import_tensorflow()
    from fastnst.export import exporters
    from fastnst.models import card, run_folder, store

    source = store.find(arguments.model)
    name = store.name_of(source)
    folder = Path(arguments.output) if arguments.output else Path("exports") / name
    config_file = run_folder.RunFolder(source).config
    config_text = config_file.read_text(encoding="utf-8") if config_file.exists() else ""
    facts = card.read_facts(source)
    extra = {"README.md": card.render(name, arguments.format, facts, config_text)}
    if config_text:
        extra["config.yml"] = config_text
    if facts:
        extra[card.FACTS] = json.dumps(facts, indent=2) + "\n"
    net = store.load_net(source)
    replaced = folder.is_dir() and any(folder.iterdir())
    difference = exporters.export(net, folder, arguments.format, extra)
    if replaced:
        terminal.say(f"replaced the export that was in {folder}")
    terminal.say(f"checked against {source}: largest difference {difference:g} of 255")
    print(folder)
    return terminal.DONE
