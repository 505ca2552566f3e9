"""`train.py`: trains what a conf file describes, such as a network in one style or many."""

from __future__ import annotations

import argparse
import collections.abc
import contextlib
from typing import TYPE_CHECKING

from fastnst import cluster, config, errors, formatting
from fastnst.cli import options, terminal

if TYPE_CHECKING:
    from fastnst import events
    from fastnst.training.actions import report
    from fastnst.training.tasks import session


def make_parser(program: str) -> argparse.ArgumentParser:
    """Describes the command line."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Train a network that stylizes photos in the style of a picture. To resume an "
        "interrupted run, run the same command again.",
    )
    parser.add_argument(
        "-c", "--conf", required=True, metavar="FILE|NAME", help="conf file, or the name of one"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="take a first look in minutes: train briefly on the bundled photos, as <naming>-quick",
    )
    options.add_set(
        parser, "change a key of the conf file; may be repeated; keys are in conf/README.md"
    )
    options.add_dataset(parser)
    parser.add_argument(
        "--domain",
        metavar="PATH",
        help="pictures to translate photos into, for task: translation: a folder, or TFRecords",
    )
    parser.add_argument(
        "--steps",
        type=terminal.positive,
        metavar="N",
        help="total number of steps, including those of earlier runs",
    )
    parser.add_argument("--model_path", metavar="DIR", help="folder that holds the models")
    options.add_max_pixels(parser)
    parser.add_argument(
        "--profile",
        type=terminal.positive,
        metavar="N",
        help="trace N steps for TensorBoard's profiler (to view the trace, pip install xprof)",
    )
    parser.add_argument(
        "--fresh", action="store_true", help="start over; an earlier run is moved aside"
    )
    options.add_output(parser)
    return parser


def main(argv: collections.abc.Sequence[str] | None = None, program: str = "train.py") -> int:
    """Runs the command and returns its exit code."""
    arguments = make_parser(program).parse_args(argv)
    # A malformed TF_CONFIG is reported by `_run`.
    with contextlib.suppress(errors.UserError):
        arguments.quiet |= not cluster.is_chief()
    return terminal.guarded(program, lambda: _run(arguments), quiet=arguments.quiet)


def _run(arguments: argparse.Namespace) -> int:
    given = {
        "dataset": arguments.dataset,
        "domain": arguments.domain,
        "max_steps": arguments.steps,
        "model_path": arguments.model_path,
        "max_pixels": arguments.max_pixels,
    }
    given_options = {
        "assignments": arguments.assignments,
        "quick": arguments.quick,
        **{key: value for key, value in given.items() if value is not None},
    }
    # Mistakes in the conf file are reported before TensorFlow is imported, which takes seconds.
    config.load(arguments.conf, **given_options)
    cluster.from_environment()
    terminal.import_tensorflow()
    from fastnst.training.tasks import session

    settings = session.resolve(arguments.conf, fresh=arguments.fresh, **given_options)
    return run(settings, fresh=arguments.fresh, profiled=arguments.profile)


def run(settings: config.Config, *, fresh: bool = False, profiled: int | None = None) -> int:
    """Trains with a configuration, and reports progress at the terminal.

    Args:
        settings: The configuration.
        fresh: Whether to move an earlier run of this name out of the way.
        profiled: Steps to profile, if any.

    Returns:
        The exit code.
    """
    from fastnst import devices
    from fastnst.models import store
    from fastnst.training.tasks import session

    opened = session.open_session(settings, terminal.say, fresh=fresh)
    folder = opened.folder.path
    name = store.shortest_name(folder)
    advice = opened.plan.advice(name)
    writer = _report(opened, name)
    if not cluster.is_chief():
        return _follow(opened)
    if opened.finished:
        if not opened.folder.report.exists():
            writer.write()
        terminal.say(
            f"{folder} is finished after {formatting.count(opened.start_step, 'step')}. Train "
            f"further with --steps {opened.start_step * 2}, or start over with --fresh. {advice}"
        )
        terminal.show(str(opened.folder.report))
        return terminal.DONE
    computing = ", ".join(filter(None, (devices.describe(), opened.task.about().get("precision"))))
    terminal.say(f"{opened.plan.data_set}; {computing}")
    if opened.start_step:
        terminal.say(f"resuming {folder} at step {opened.start_step} of {opened.last_step}")
    else:
        terminal.say(f"training {folder}, {formatting.count(opened.last_step, 'step')}")
    with terminal.stopping_gently() as stop:
        finished = _train(opened, writer, profiled, stop)
    if finished.interrupted:
        terminal.say(
            f"stopped and saved at step {finished.step} of {opened.last_step}; run the same "
            "command again to resume"
        )
        return stop.exit_code
    terminal.say("done. The pictures are in this report; open it in a browser:")
    terminal.show(str(opened.folder.report))
    terminal.say(advice)
    return terminal.DONE


def _follow(run: session.Session) -> int:
    """Trains in a process that is not the chief: it writes and prints nothing."""
    with terminal.stopping_gently() as stop:
        if not run.finished and run.train(should_stop=stop).interrupted:
            return stop.exit_code
    return terminal.DONE


def _train(
    run: session.Session,
    writer: report.Report,
    profiled: int | None,
    stop: terminal.StopRequest,
) -> events.Finished:
    """Trains and shows progress; a request to stop takes effect after the current step."""
    from fastnst.cli import progress
    from fastnst.training.actions import profile

    display = progress.Progress("step", run.settings.intervals.log_every)
    actions: list[events.Action] = [display]
    if profiled:
        actions.append(profile.Profile(run.folder.tensorboard, profiled))
    with display:
        return run.train([*actions, writer], stop)


def _report(run: session.Session, name: str) -> report.Report:
    from fastnst.training.actions import report

    return report.Report(
        run.folder,
        name=run.settings.naming,
        metric_names=run.task.metric_names,
        references=run.task.references(),
        config_text=run.settings.to_yaml(),
        command=name,
        pairs=lambda: run.plan.pairs(run.folder.path),
        wording=run.plan.wording,
    )
