"""`fastnst optimize`: stylizes one photo by optimizing its pixels. Slow, but needs no training.

fastnst optimize photo.jpg --style painting.jpg -o stylized.jpg
"""

from __future__ import annotations

import argparse
import collections.abc
import dataclasses
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fastnst import files, formatting, images
from fastnst.cli import keeping, optimizing, options, outputs, progress, terminal
from fastnst.reports import page

if TYPE_CHECKING:
    from fastnst.losses import perceptual
    from fastnst.pixels import descent

PROGRAM = "fastnst optimize"
# Pictures of a search that the report and TensorBoard show, unless their number is asked for.
_SHOWN = 10


def make_parser(program: str) -> argparse.ArgumentParser:
    """Describes the command line."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Stylize one photo in the style of a picture by optimizing its pixels.",
        epilog="Ctrl-C stops early and writes the best picture so far.",
    )
    optimizing.add_options(parser)
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE|DIR",
        help="file or folder (default: generated/CONTENT-STYLE-optimized, numbered if it exists)",
    )
    extra = keeping.add_options(parser)
    extra.add_argument(
        "--save_improvements",
        action="store_true",
        help="also write each picture that is better than all before it",
    )
    options.add_output(parser)
    return parser


def main(argv: collections.abc.Sequence[str] | None = None, program: str = PROGRAM) -> int:
    """Runs the command.

    Args:
        argv: Command-line arguments; None for those of the process.
        program: Name of the command in help and errors.

    Returns:
        0 if the picture was stylized, 1 for a user error, 130 after Ctrl-C, which writes the best
        picture so far.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    options = make_parser(program).parse_args(arguments)
    command = f"{program} {shlex.join(arguments)}"
    return terminal.guarded(program, lambda: _run(options, command), quiet=options.quiet)


def _run(options: argparse.Namespace, command: str) -> int:
    plan = optimizing.prepare(options)
    output = _output(options)
    inputs = [options.content, *options.style, *([Path(options.init)] if options.init else [])]
    outputs.check(output, inputs=inputs, picture=plan.photo)

    terminal.import_tensorflow()
    steps = sum(scale.steps for scale in plan.scales())
    saving = bool(options.save_every or options.save_improvements)
    keeper = keeping.Keeper(plan.photo, output, steps, inputs, saving=saving)
    every: int | None = options.save_every
    if not saving and (options.report or options.tensorboard):
        every = max(1, steps // _SHOWN)
    weights = ""

    def on_objective(objective: perceptual.PerceptualLoss, shape: tuple[int, ...]) -> None:
        nonlocal weights
        weights = ", ".join(
            f"{term} {getattr(objective.weights, term):.4g}" for term in optimizing.TERMS
        )
        size = f"{shape[1]} x {shape[0]} px"
        terminal.say(f"{size}, {options.variant}, weights: {weights}")

    began = time.monotonic()
    with progress.Progress("iteration", every=1) as display:
        result = plan.run(
            on_objective,
            keeping.watch(display, keeper, options.tensorboard),
            show_every=every,
            show_improvements=options.save_improvements,
        )
    seconds = time.monotonic() - began
    done = len(result.history) - 1
    if result.interrupted and not done:
        raise KeyboardInterrupt
    stylized = keeper.write(output, images.to_uint8(result.picture))
    fall = f"{formatting.short(result.total)} from {formatting.short(result.history[0]['total'])}"
    iterations = formatting.count(done, "iteration")
    terminal.show(f"{output}: objective {fall}, {iterations} in {seconds:,.0f} s")
    if options.report:
        height, width = result.picture.shape[:2]
        figures = {
            "Objective": fall,
            "Iterations": f"{done:,}, the best at {result.iteration:,}",
            "Weights": weights,
            "Stylized at": f"{width} x {height} px",
            "Time": f"{seconds:,.0f} s",
        }
        pair = plan.photo.pixels, stylized
        styles = [style for style, _ in plan.styles]
        html = _page(options, command, styles, pair, keeper.pictures, result, figures)
        files.write(output.with_suffix(".html"), html.encode())
        terminal.show(str(output.with_suffix(".html")))
    if result.interrupted:
        terminal.say(f"stopped after {done:,} of {formatting.count(steps, 'iteration')}")
        return terminal.INTERRUPTED
    return terminal.DONE


def _output(options: argparse.Namespace) -> Path:
    """Returns the path of the result."""
    suffix = options.content.suffix.lower()
    # Formats that cannot hold the result are replaced by PNG.
    suffix = suffix if suffix in (".jpg", ".jpeg", ".png", ".webp", ".bmp") else ".png"
    stem = "-".join(path.stem for path in (options.content, *options.style)) + "-optimized"
    # A result takes minutes, so one made with other options is not overwritten.
    return outputs.place(options.output, stem, suffix)


def _page(
    options: argparse.Namespace,
    command: str,
    styles: list[np.ndarray],
    pair: tuple[np.ndarray, np.ndarray],
    shown: dict[int, Path | np.ndarray],
    result: descent.Result,
    figures: dict[str, str],
) -> str:
    side = min(style.shape[0] for style in styles)
    beside = [
        images.resize(images.to_uint8(style), side, round(style.shape[1] * side / style.shape[0]))
        for style in styles
    ]
    metrics = [
        {"kind": "training", "step": step, **terms} for step, terms in enumerate(result.history)
    ]
    return page.render(
        name=options.content.stem,
        reference=np.concatenate(beside, axis=1),
        before=pair[:1],
        after=pair[1:],
        samples=shown,
        metrics=[*metrics, {**metrics[result.iteration], "kind": "best"}],
        terms=("total", *optimizing.TERMS),
        config_text=keeping.options_text(options),
        figures=figures,
        wording=dataclasses.replace(page.OPTIMIZATION, next_steps=(("Stylize again:", command),)),
    )
