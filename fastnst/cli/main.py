"""The `fastnst` command, which runs the subcommands."""

from __future__ import annotations

import argparse
import collections.abc
import importlib
import os
import sys

import fastnst
from fastnst.cli import terminal

# Name -> (module with `main(argv, program)`, summary).
COMMANDS = {
    "train": ("fastnst.cli.train", "train a style"),
    "eval": ("fastnst.cli.eval", "stylize photos in a trained style"),
    "export": ("fastnst.cli.export", "export a trained style for other programs"),
    "benchmark": ("fastnst.cli.benchmark", "time the export formats of a model"),
    "import": ("fastnst.cli.import_model", "import a network of another project"),
    "launch": ("fastnst.cli.launch", "train in several processes"),
    "learn": ("fastnst.cli.learn", "add a style to a trained model"),
    "gallery": ("fastnst.cli.gallery", "stylize a photo in every style, on one sheet"),
    "optimize": (
        "fastnst.cli.optimize",
        "stylize a photo by optimizing its pixels",
    ),
    "sweep": ("fastnst.cli.sweep", "optimize with several values of two options, on one sheet"),
    "layers": ("fastnst.cli.layers", "list the layers of a loss network"),
    "dream": ("fastnst.cli.dream", "show in a picture what a network sees in it (DeepDream)"),
    "quality": ("fastnst.cli.quality", "compare a network with the optimization method"),
    "compare": ("fastnst.cli.compare", "let people judge two models on a blind page"),
    "records": ("fastnst.cli.records", "convert a folder or zip of photos to TFRecords"),
    "stylize-records": ("fastnst.cli.stylize_records", "stylize photos on many machines"),
    "inspect": ("fastnst.cli.inspect_records", "show what a TFRecord file holds"),
    "classify": ("fastnst.cli.classify", "classify pictures"),
    "finetune": ("fastnst.cli.finetune", "retrain a network on your own classes"),
    "serve": ("fastnst.cli.serve", "stylize photos over HTTP"),
    "video": ("fastnst.cli.video", "stylize a video in a trained style"),
    "info": ("fastnst.cli.info", "show versions, device, models and missing packages"),
    "weights": ("fastnst.cli.weights", "download the whole loss network"),
}


def main(argv: collections.abc.Sequence[str] | None = None) -> int:
    """Runs a subcommand and returns its exit code."""
    if "_ARGCOMPLETE" in os.environ:
        _complete(os.environ.get("COMP_LINE", "").split())
    arguments = list(sys.argv[1:] if argv is None else argv)
    name = arguments[0] if arguments else "--help"
    if name == "--version":
        return _print(f"fastnst {fastnst.__version__}")
    if name in COMMANDS:
        module = importlib.import_module(COMMANDS[name][0])
        return module.main(arguments[1:], program=f"fastnst {name}")
    width = max(map(len, COMMANDS))
    usage = "\n".join(
        f"  {command:<{width}} {summary}" for command, (_, summary) in COMMANDS.items()
    )
    text = f"usage: fastnst COMMAND ...\n\n{usage}\n\nRun `fastnst COMMAND --help` for the options."
    if name in ("-h", "--help"):
        return _print(text)
    terminal.say(f"fastnst: unknown command {name}")
    print(text, file=sys.stderr)
    return terminal.USAGE


def _print(text: str) -> int:
    def show() -> int:
        terminal.show(text)
        return terminal.DONE

    return terminal.guarded("fastnst", show)


def _complete(words: list[str]) -> None:
    """Answers a shell that asks, through argcomplete, how a command line may go on."""
    try:
        import argcomplete
    except ImportError:
        return
    parser = argparse.ArgumentParser(prog="fastnst")
    commands = parser.add_subparsers()
    for name, (module, summary) in COMMANDS.items():
        # The options of other commands need not be known.
        chosen = [importlib.import_module(module).make_parser(name)] if name in words[1:2] else []
        commands.add_parser(name, help=summary, parents=chosen, add_help=not chosen)
    # It exits after the answer.
    argcomplete.autocomplete(parser)
