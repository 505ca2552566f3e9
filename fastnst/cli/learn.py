"""`fastnst learn`: adds a style to a trained model."""

from __future__ import annotations

import argparse
import collections.abc
import re
import shlex
from pathlib import Path

from fastnst import config, errors
from fastnst.cli import options, terminal, train
from fastnst.config import values

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
        help="train the whole network, not only the numbers of the new style: it becomes a model "
        "of its own, models/NAME, which starts from the model named by --into",
    )
    options.add_output(parser, as_json=True)
    return parser


def main(argv: collections.abc.Sequence[str] | None = None, program: str = "fastnst learn") -> int:
    """Runs the command and returns its exit code."""
    arguments = make_parser(program).parse_args(argv)
    return terminal.guarded(program, lambda: _run(arguments), quiet=arguments.quiet)


def _run(arguments: argparse.Namespace) -> int:
    name = _name(arguments)
    given = _values(arguments, name)
    settings = config.from_mapping(given, assignments=arguments.assignments)
    terminal.import_tensorflow()
    from fastnst.cli import progress
    from fastnst.models import store
    from fastnst.training.tasks import learning, session

    into = store.find(arguments.into)
    if arguments.kernels:
        settings = session.resolve(given, assignments=arguments.assignments)
        return train.run(settings)
    display = progress.Progress("step", settings.intervals.log_every)
    with display, terminal.stopping_gently() as stop:
        result = learning.learn(settings, into, actions=[display], should_stop=stop)
    (name,) = settings.styles
    finished, folder = result.finished, result.folder
    if finished.interrupted:
        kept = "has this state of" if result.added else "keeps its earlier"
        terminal.say(
            f"stopped at step {finished.step} of {finished.last_step}; {folder} {kept} {name}. Run "
            "the same command again to learn it in full"
        )
        return stop.exit_code
    place = shlex.quote(store.shortest_name(folder))
    command = f"fastnst eval --model {place} --style {name} PHOTO"
    if arguments.json:
        terminal.result(folder, as_json=True, style=name, steps=finished.step, command=command)
    else:
        terminal.say(f"added the style {name} to {folder}. Stylize a photo:")
        terminal.show(command)
    return terminal.DONE


def _name(arguments: argparse.Namespace) -> str:
    """Returns the name of the style: the given one, or one made of the painting's file name."""
    if arguments.name is None:
        stem = re.sub(r"[^A-Za-z0-9._-]", "-", Path(arguments.painting).stem)
        return stem.lstrip("._-") or "style"
    try:
        return values.check(config.FIELDS["naming"], arguments.name)
    except ValueError as error:
        raise errors.UserError(f"--name: {error}") from None


def _values(arguments: argparse.Namespace, name: str) -> dict[str, object]:
    """Returns the keys of the new style's configuration; `--set` wins over them."""
    given = {"style_image": arguments.painting, "naming": name, "tv_weight": 20}
    if arguments.kernels:
        given["start_from"] = arguments.into
    else:
        given |= _LEARNING
    if arguments.steps:
        given["max_steps"] = arguments.steps
    if arguments.dataset:
        given["dataset"] = arguments.dataset
    return given
