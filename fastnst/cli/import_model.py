"""`fastnst import`: makes a model of a network of another project."""

from __future__ import annotations

import argparse
import collections.abc
from pathlib import Path

from fastnst import errors, files
from fastnst.cli import options, terminal

_NAME_HELP = "name of the model and of its style"


def make_parser(program: str) -> argparse.ArgumentParser:
    """Describes the command line."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Import a network of another project, so that every command works with it: "
        "checkpoints of fast-neural-style-tensorflow and of lengstrom/fast-style-transfer, "
        ".pth and .safetensors files of pytorch/examples, and ONNX files of these and of "
        "jcjohnson's networks.",
    )
    parser.add_argument("path", metavar="PATH", help="the file, or the prefix of a checkpoint")
    parser.add_argument("--name", required=True, metavar="NAME", help=_NAME_HELP)
    parser.add_argument(
        "--pixels",
        choices=("auto", "rgb", "bgr-mean", "unit"),
        default="auto",
        help="of ONNX files: how the network takes its colors: RGB in 0..255, BGR minus the loss "
        "network's mean, or RGB in 0..1 (default: auto, which tells the first two apart)",
    )
    parser.add_argument(
        "--model_path",
        default="models",
        metavar="DIR",
        help="folder of the models (default: models)",
    )
    options.add_output(parser, as_json=True)
    return parser


def main(argv: collections.abc.Sequence[str] | None = None, program: str = "fastnst import") -> int:
    """Runs the command and returns its exit code."""
    arguments = make_parser(program).parse_args(argv)
    return terminal.guarded(program, lambda: _run(arguments), quiet=arguments.quiet)


def _run(arguments: argparse.Namespace) -> int:
    name = arguments.name
    if Path(name).name != name or name.startswith(".") or not name.strip():
        raise errors.UserError(f"--name {name}: should be the name of a folder, without slashes")
    folder = Path(arguments.model_path) / name
    if folder.exists():
        raise errors.UserError(f"{folder}: exists already; choose another --name")
    terminal.import_tensorflow()
    from fastnst import export, importing
    from fastnst.models import card

    model = importing.read(files.expand_user(arguments.path), name, arguments.pixels)
    written = card.render(name, export.use("weights"), {}, "", styles=[name])
    # In full precision: the pictures are those of the source.
    options = export.Options("float32")
    export.export(model, folder, "weights", {"README.md": written}, options)
    terminal.result(folder, as_json=arguments.json, input=arguments.path, style=name)
    terminal.say(f"Stylize a photo:  fastnst eval --model {name} PHOTO")
    return terminal.DONE
