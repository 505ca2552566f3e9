"""`fastnst layers`: lists the layers of a loss network.

fastnst layers vgg_16
"""

from __future__ import annotations

import argparse
import collections.abc
import dataclasses
import json

from fastnst.cli import options, terminal
from fastnst.features import download, stacks


def make_parser(program: str) -> argparse.ArgumentParser:
    """Describes the command line."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="List the layers of a loss network, which content_layers, style_layers and "
        "fastnst dream choose from.",
    )
    parser.add_argument(
        "network",
        choices=stacks.NAMES,
        nargs="?",
        default="vgg_16",
        help="the network, by slim's name (default: %(default)s)",
    )
    options.add_output(parser, as_json=True)
    return parser


def main(argv: collections.abc.Sequence[str] | None = None, program: str = "fastnst layers") -> int:
    """Runs the command and returns its exit code."""
    arguments = make_parser(program).parse_args(argv)
    return terminal.guarded(program, lambda: _run(arguments), quiet=arguments.quiet)


def _run(arguments: argparse.Namespace) -> int:
    layers = stacks.layers(arguments.network)
    if arguments.json:
        for layer in layers:
            terminal.show(json.dumps(dataclasses.asdict(layer)))
        return terminal.DONE
    terminal.show(f"{'layer':<8} {'channels':>8} {'stride':>7} {'receptive field':>16}")
    for layer in layers:
        terminal.show(
            f"{layer.name:<8} {layer.channels:>8} {layer.stride:>4} px {layer.field:>13} px"
        )
    if arguments.network == "vgg_16":
        last = download.SHIPPED_THROUGH.replace("conv", "relu")
        terminal.say(f"layers after {last} need the file that `fastnst weights` downloads")
    return terminal.DONE
