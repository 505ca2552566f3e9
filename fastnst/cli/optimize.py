"""`fastnst optimize`: stylizes one photo by optimizing its pixels. Slow, but needs no training.

fastnst optimize photo.jpg --style painting.jpg -o stylized.jpg
"""

from __future__ import annotations

import argparse
import collections.abc
import dataclasses
import re
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fastnst import errors, events, files, formatting, images
from fastnst.cli import optimizing, options, outputs, progress, terminal
from fastnst.reports import page

if TYPE_CHECKING:
    from fastnst.losses import perceptual
    from fastnst.pixels import descent

PROGRAM = "fastnst optimize"
# Pictures that TensorBoard shows of a search, unless their number is asked for.
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
    extra = parser.add_argument_group("additional output")
    extra.add_argument(
        "--save_every",
        type=terminal.positive,
        metavar="N",
        help="also write the picture after every N iterations",
    )
    extra.add_argument(
        "--save_improvements",
        action="store_true",
        help="also write each picture that is better than all before it",
    )
    extra.add_argument(
        "--report", action="store_true", help="write an HTML report with the loss curves"
    )
    extra.add_argument(
        "--tensorboard",
        type=Path,
        metavar="DIR",
        help="write the losses of each iteration, and pictures, for TensorBoard",
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
    outputs.check(output, picture=plan.photo)
    if options.tensorboard:
        # A mistake should not show after minutes.
        options.tensorboard.mkdir(parents=True, exist_ok=True)

    terminal.import_tensorflow()
    from fastnst.training.actions import tensorboard

    steps = sum(scale.steps for scale in plan.scales())
    keeper = _Keeper(plan.photo, output, steps, options)
    actions: list[events.Action] = [keeper]
    if options.tensorboard:
        actions.append(tensorboard.TensorBoard(options.tensorboard, every=1))
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

        def on_event(event: events.Event) -> None:
            display(event)
            for act in actions:
                act(event)

        result = plan.run(
            on_objective,
            on_event,
            show_every=keeper.every,
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
        html = _page(options, command, styles, pair, keeper.saved, result, figures)
        files.write(output.with_suffix(".html"), html.encode())
        terminal.show(str(output.with_suffix(".html")))
    if result.interrupted:
        terminal.say(f"stopped after {done:,} of {formatting.count(steps, 'iteration')}")
        return terminal.INTERRUPTED
    return terminal.DONE


class _Keeper:
    """Writes the result, and the intermediate pictures that are asked for."""

    def __init__(
        self, photo: images.Picture, output: Path, steps: int, options: argparse.Namespace
    ) -> None:
        self._photo, self._output = photo, output
        self._digits = len(str(steps))
        self._asked = bool(options.save_every or options.save_improvements)
        # TensorBoard shows some pictures anyway.
        self.every: int | None = options.save_every
        if options.tensorboard and not self._asked:
            self.every = max(1, steps // _SHOWN)
        self.saved: dict[int, Path] = {}
        self._check_names(options)

    def _check_names(self, options: argparse.Namespace) -> None:
        """Raises a UserError if the result or a picture on the way would replace an input."""
        folder, suffix = self._output.parent.resolve(), self._output.suffix
        on_the_way = re.compile(
            rf"{re.escape(self._output.stem)}-\d{{{self._digits}}}{re.escape(suffix)}"
        )
        init = [Path(options.init)] if options.init else []
        for path in (options.content, *options.style, *init):
            real = path.resolve()
            beside = self._asked and real.parent == folder and on_the_way.fullmatch(real.name)
            if beside or real == self._output.resolve():
                raise errors.UserError(
                    f"{path}: would overwrite an input picture; choose another file with -o"
                )

    def __call__(self, event: events.Event) -> None:
        if not isinstance(event, events.Judged) or not self._asked:
            return
        stem = f"{self._output.stem}-{event.step:0{self._digits}d}"
        path = self._output.with_stem(stem)
        try:
            self.write(path, event.outputs["picture"][0])
            self.saved[event.step] = path
        except errors.UserError as error:
            # Losing an intermediate picture is no reason to abort the optimization.
            terminal.say(str(error))

    def write(self, path: Path, picture: np.ndarray) -> np.ndarray:
        """Writes a picture, uint8, with the photo's size, alpha and color profile.

        Returns:
            Its pixels.
        """
        pixels = images.resize(picture, *self._photo.pixels.shape[:2])
        images.write(path, dataclasses.replace(self._photo, pixels=pixels))
        return pixels


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
    saved: dict[int, Path],
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
    given = {key: value for key, value in vars(options).items() if value is not None}
    return page.render(
        name=options.content.stem,
        reference=np.concatenate(beside, axis=1),
        before=pair[:1],
        after=pair[1:],
        samples=saved,
        metrics=[*metrics, {**metrics[result.iteration], "kind": "best"}],
        terms=("total", *optimizing.TERMS),
        config_text="\n".join(f"{key}: {_shown(value)}" for key, value in given.items()),
        figures=figures,
        wording=dataclasses.replace(page.OPTIMIZATION, next_steps=(("Stylize again:", command),)),
    )


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{layer}:{weight:g}" for layer, weight in value.items())
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
