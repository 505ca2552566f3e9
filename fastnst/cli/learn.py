"""`fastnst learn`: adds a style to a trained model."""

from __future__ import annotations

import argparse
import collections.abc
import re
import shlex
from pathlib import Path

from fastnst import config
from fastnst.cli import options, terminal, train

# A row is small, so these few steps suffice. They take less than 3 minutes on two CPU cores.
_STEPS = 400
_LEARNING: dict[str, object] = {
    "max_steps": _STEPS,
    "image_size": 192,
    "stages": {},
    "batch_size": 1,
    "optimizer": "muon",
    "learning_rate": 3e-3,
    "schedule": "cosine",
    "warmup_steps": 10,
    "average": 0.98,
    "start_from": None,
    # Validates at the last step only, since nothing but the final row is kept.
    "preview_every": 1_000_000,
    "checkpoint_every": 1_000_000,
}


def make_parser(program: str) -> argparse.ArgumentParser:
    """Describes the command line."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Add a style to a trained model in minutes. Its other styles stay unchanged.",
    )
    parser.add_argument(
        "painting", metavar="PAINTING", help="painting in the style, or a folder of several"
    )
    parser.add_argument(
        "--into", required=True, metavar="NAME|PATH", help="model to add the style to"
    )
    parser.add_argument("--name", help="name of the style (default: the file name)")
    parser.add_argument(
        "--steps", type=terminal.positive, metavar="N", help=f"steps to train (default: {_STEPS})"
    )
    options.add_dataset(parser)
    options.add_set(parser, "set a key of the configuration, such as style_size=512 or strength=2")
    parser.add_argument(
        "--kernels",
        action="store_true",
        help="train all weights, not only the row: the style becomes a model of its own, "
        "models/NAME, which starts from the model named by --into",
    )
    return parser


def main(argv: collections.abc.Sequence[str] | None = None, program: str = "fastnst learn") -> int:
    """Runs the command and returns its exit code."""
    arguments = make_parser(program).parse_args(argv)
    return terminal.guarded(program, lambda: _run(arguments, program))


def _run(arguments: argparse.Namespace, program: str) -> int:
    name = arguments.name or re.sub(r"[^A-Za-z0-9._-]", "-", Path(arguments.painting).stem)
    values = _values(arguments, name)
    settings = config.from_mapping(values, assignments=arguments.assignments)
    terminal.import_tensorflow()
    from fastnst.cli import progress
    from fastnst.models import store
    from fastnst.training.tasks import learning, session

    into = store.find(arguments.into)
    if arguments.kernels:
        settings = session.resolve(values, assignments=arguments.assignments)
        return train.run(settings, program.replace("learn", "train"))
    display = progress.Progress("step", settings.intervals.log_every)
    with display, terminal.stopping_gently() as stop:
        folder, finished = learning.learn(settings, into, actions=[display], should_stop=stop)
    (name,) = settings.styles
    if finished.interrupted:
        terminal.say(
            f"stopped at step {finished.step} of {finished.last_step}; run the same command again "
            f"to learn {name} in full"
        )
        return stop.exit_code
    terminal.say(f"added the style {name} to {folder}. Paint a photo:")
    place = shlex.quote(folder.name if folder.parent.name == "models" else str(folder))
    print(f"{program.replace('learn', 'eval')} --model {place} --style {name} PHOTO")
    return terminal.DONE


def _values(arguments: argparse.Namespace, name: str) -> dict[str, object]:
    """Returns the keys of the new style's configuration; `--set` wins over them."""
    values = {"style_image": arguments.painting, "naming": name, "tv_weight": 20}
    if arguments.kernels:
        values["start_from"] = arguments.into
    else:
        values |= _LEARNING
    if arguments.steps:
        values["max_steps"] = arguments.steps
    if arguments.dataset:
        values["dataset"] = arguments.dataset
    return values
