"""`train.py`: trains a style."""

from __future__ import annotations

import argparse
import collections.abc
import contextlib
import datetime
import platform
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fastnst import config, files
from fastnst.cli import terminal

if TYPE_CHECKING:
    from fastnst.training import engine
    from fastnst.training.tasks import factory

_REPORT_SIDE = 320


def make_parser(program: str) -> argparse.ArgumentParser:
    """Describes the command line."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Train a network that paints photos in the style of a picture. Running the "
        "same command again goes on where it stopped.",
    )
    parser.add_argument("-c", "--conf", required=True, metavar="FILE", help="the style's conf file")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a first look in minutes: small, on the bundled photos, into <naming>-quick",
    )
    parser.add_argument(
        "--set",
        dest="assignments",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a key of the conf file; may be repeated; keys are in conf/README.md",
    )
    parser.add_argument("--dataset", metavar="PATH", help="photos: bundled, a folder, or TFRecords")
    parser.add_argument(
        "--steps",
        type=terminal.positive,
        metavar="N",
        help="steps to train, counted from the first run",
    )
    parser.add_argument("--model_path", metavar="DIR", help="folder that holds the models")
    parser.add_argument(
        "--profile",
        type=terminal.positive,
        metavar="N",
        help="trace N steps for TensorBoard's profiler (pip install xprof shows it)",
    )
    parser.add_argument(
        "--fresh", action="store_true", help="start anew; the earlier run is moved aside"
    )
    return parser


def main(argv: collections.abc.Sequence[str] | None = None, program: str = "train.py") -> int:
    """Runs the command and returns its exit code."""
    arguments = make_parser(program).parse_args(argv)
    return terminal.guarded(program, lambda: _run(arguments, program))


def _run(arguments: argparse.Namespace, program: str) -> int:
    given = {
        "dataset": arguments.dataset,
        "max_steps": arguments.steps,
        "model_path": arguments.model_path,
    }
    given = {key: value for key, value in given.items() if value is not None}
    settings = config.load(arguments.conf, arguments.assignments, quick=arguments.quick, **given)
    terminal.import_tensorflow()
    from fastnst import devices
    from fastnst.training.tasks import factory

    run = factory.build(settings, terminal.say, arguments.fresh)
    folder = run.folder.path
    # Models are found by name where they are by default.
    name = settings.naming if folder.parent == Path("models") else folder
    # As the user called us: the scripts are only at hand in the project's folder.
    paint = program.replace("train", "eval")
    paint = paint if paint.startswith("fastnst") else f"python {paint}"
    paint = f"{paint} --model {shlex.quote(str(name))} PHOTO"
    if run.start_step >= run.last_step:
        if not run.folder.report.exists():
            _write_report(settings, run, str(name))
        terminal.say(
            f"{folder} is finished: {run.start_step} steps. Go on with --steps "
            f"{run.start_step * 2}, start anew with --fresh, or paint:\n  {paint}"
        )
        print(run.folder.report)
        return terminal.DONE
    terminal.say(f"{run.source.description}; {devices.describe()}, {run.precision}")
    if run.start_step:
        terminal.say(f"going on with {folder} at step {run.start_step} of {run.last_step}")
    else:
        terminal.say(f"training {folder}, {run.last_step} steps")
    progress = _train(settings, run, arguments.profile)
    if progress.interrupted:
        terminal.say(
            f"stopped at step {progress.step} of {run.last_step}, which is saved; the same command "
            "goes on from there"
        )
        return terminal.INTERRUPTED
    _write_report(settings, run, str(name))
    terminal.say("done. The pictures are in this report; open it in a browser:")
    print(run.folder.report)
    terminal.say(f"Paint a photo:  {paint}")
    return terminal.DONE


def _train(
    settings: config.Config, run: factory.Run, profiled: int | None = None
) -> engine.Progress:
    """Trains, showing progress; Ctrl-C ends it after the step."""
    from fastnst.cli import progress as progress_display
    from fastnst.training.actions import actions

    display = progress_display.TrainingProgress(run.start_step, run.last_step, settings.log_every)
    further: list[engine.Action] = [display]
    if profiled:
        further.append(actions.Profile(run.folder.tensorboard, run.start_step, profiled))
    with contextlib.closing(display), terminal.stopping_gently() as should_stop:
        return run.train(further, should_stop)


def _write_report(settings: config.Config, run: factory.Run, model: str) -> None:
    import numpy as np
    import tensorflow as tf

    from fastnst import devices, images
    from fastnst.models import metrics_log, stylizer
    from fastnst.reports import page

    photos = []
    for path in run.validation_paths[:6]:
        pixels = images.decode(images.read_bytes(path), str(path))
        side = min(_REPORT_SIDE, *pixels.shape[:2])
        photos.append(images.resize_shorter_side(pixels, side))
    painter = stylizer.load(run.folder.path)
    lines = metrics_log.read(run.folder.metrics)
    training = [line for line in lines if line["kind"] == "training"]
    rate = float(np.median([line["images_per_second"] for line in training])) if training else 0.0
    seconds = metrics_log.seconds_spent(lines)
    figures = {
        "Steps": f"{int(run.state.step):,}",
        "Photos seen": f"{int(run.state.position):,} ({run.source.count:,} in the data set)",
        "Time": str(datetime.timedelta(seconds=round(seconds))),
        "Speed": f"{rate:.1f} images/s (median)",
        "Best validation loss": f"{float(run.state.best_loss):,.0f}",
        "Device": f"{devices.describe()}, {run.precision}",
        "Versions": f"TensorFlow {tf.__version__}, Python {platform.python_version()}, "
        f"{sys.platform}",
    }
    html = page.render(
        name=settings.naming,
        model=model,
        style=run.style_image,
        photos=photos,
        stylized=[painter(photo) for photo in photos],
        samples=run.folder.sample_strips(),
        metrics=lines,
        config_text=settings.to_yaml(),
        figures=figures,
    )
    files.write(run.folder.report, html)
