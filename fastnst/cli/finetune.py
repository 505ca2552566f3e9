"""`fastnst finetune`: retrains a network on your own classes.

fastnst finetune --images pictures/ --from vgg_16
"""

from __future__ import annotations

import argparse
import collections.abc
import re
import shlex
from pathlib import Path
from typing import Any

from fastnst import cluster, config
from fastnst.cli import options, terminal, train

PROGRAM = "fastnst finetune"
_FILES = {
    "vgg_16": "pretrained/vgg_16.ckpt",
    "vgg_19": "pretrained/imagenet-vgg-verydeep-19.mat",
}


def make_parser(program: str) -> argparse.ArgumentParser:
    """Describes the command line."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Retrain a network that knows ImageNet on your own classes. The result "
        "classifies pictures, and is a loss network for styles. To resume an interrupted run, run "
        "the same command again.",
    )
    parser.add_argument(
        "--images",
        required=True,
        metavar="DIR",
        help="folder with a folder of pictures for each class, or labeled TFRecords",
    )
    parser.add_argument(
        "--from",
        dest="network",
        choices=tuple(_FILES),
        default="vgg_16",
        help="the network (default: %(default)s)",
    )
    parser.add_argument(
        "--network_file",
        metavar="FILE",
        help="its file: a checkpoint with slim's names, or for vgg_19 MatConvNet's .mat file",
    )
    parser.add_argument("--naming", metavar="NAME", help="name of the model (default: DIR-NETWORK)")
    parser.add_argument("--model_path", metavar="DIR", help="folder that holds the models")
    parser.add_argument(
        "--size",
        type=terminal.positive,
        default=160,
        metavar="PX",
        help="side of the pictures (default: %(default)s)",
    )
    parser.add_argument(
        "--steps",
        type=terminal.positive,
        default=600,
        metavar="N",
        help="steps in all (default: %(default)s)",
    )
    parser.add_argument(
        "--head_steps",
        type=terminal.natural,
        default=400,
        metavar="N",
        help="first steps, which train only the last layer, on features that are computed once "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--last_blocks",
        type=terminal.natural,
        default=1,
        metavar="N",
        help="blocks of convolutions to retrain after that, from the last one; 0: none (default: "
        "%(default)s)",
    )
    parser.add_argument(
        "--batch_size",
        type=terminal.positive,
        default=16,
        metavar="N",
        help="pictures per step (default: %(default)s)",
    )
    options.add_set(
        parser, "change a key of the configuration, such as learning_rate; may be repeated"
    )
    parser.add_argument(
        "--fresh", action="store_true", help="start over; an earlier run is moved aside"
    )
    options.add_output(parser)
    return parser


def main(argv: collections.abc.Sequence[str] | None = None, program: str = PROGRAM) -> int:
    """Runs the command and returns its exit code."""
    arguments = make_parser(program).parse_args(argv)
    return terminal.guarded(program, lambda: _run(arguments), quiet=arguments.quiet)


def keys(arguments: argparse.Namespace) -> dict[str, Any]:
    """Returns the configuration of a retraining, as the keys of a conf file."""
    steps = arguments.steps
    every = max(1, steps // 10)
    folder = re.sub(r"[^A-Za-z0-9._-]+", "_", Path(arguments.images).resolve().name)
    found = {
        "task": "classification",
        "naming": arguments.naming or f"{folder}-{arguments.network}",
        "dataset": arguments.images,
        "classifier": arguments.network,
        "loss_model_file": arguments.network_file or _FILES[arguments.network],
        "image_size": arguments.size,
        "batch_size": arguments.batch_size,
        "max_steps": steps,
        "head_steps": min(arguments.head_steps, steps),
        "last_blocks": arguments.last_blocks,
        "optimizer": "momentum",
        "learning_rate": 0.001,
        "schedule": "constant",
        "distortion": "shift_flip",
        "average": 0,
        "preview_every": every,
        "checkpoint_every": every,
        "keep_checkpoints": 2,
    }
    if arguments.model_path:
        found["model_path"] = arguments.model_path
    return found


def _run(arguments: argparse.Namespace) -> int:
    # Mistakes are reported before TensorFlow is imported, which takes seconds.
    given = keys(arguments)
    config.from_mapping(given, PROGRAM, arguments.assignments)
    terminal.import_tensorflow()
    from fastnst.models import classifier
    from fastnst.training.tasks import session

    settings = session.resolve(given, fresh=arguments.fresh, assignments=arguments.assignments)
    code = train.run(settings, fresh=arguments.fresh)
    # Also after Ctrl-C, which saves a checkpoint.
    if cluster.is_chief():
        path = classifier.write_loss_network(classifier.load(settings.run_dir), settings.run_dir)
        terminal.say(f"Train a style against it:  --set loss_model_file={shlex.quote(str(path))}")
    return code
