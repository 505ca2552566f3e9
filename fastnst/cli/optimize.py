"""`fastnst optimize`: stylizes one photo by optimizing its pixels. Slow, but needs no training.

fastnst optimize photo.jpg --style painting.jpg -o stylized.jpg
"""

from __future__ import annotations

import argparse
import collections.abc
import dataclasses
import math
import os
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fastnst import errors, events, files, formatting, images
from fastnst.cli import options, progress, terminal
from fastnst.reports import page

if TYPE_CHECKING:
    from fastnst.pixels import descent

PROGRAM = "fastnst optimize"
# Repeated here, so that --help does not import TensorFlow.
VARIANTS = ("johnson", "gatys", "cs20", "stylenet")
METHODS = ("lbfgs", "adam")
LOSS_MODEL_FILES = {
    "vgg_16": "pretrained/vgg_16.ckpt",
    "vgg_19": "pretrained/imagenet-vgg-verydeep-19.mat",
}
POOLINGS = ("max", "avg")
# Smaller pictures would have no positions left in the deep layers.
MIN_SIDE = 16
# At 12 megapixels, the size of a phone's photos, L-BFGS would need tens of gigabytes.
DEFAULT_SIDE = 512
_TERMS = ("content", "style", "tv")


def make_parser(program: str) -> argparse.ArgumentParser:
    """Describes the command line."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Stylize one photo in the style of a picture by optimizing its pixels.",
        epilog="Ctrl-C stops early and writes the best picture so far.",
    )
    parser.add_argument("content", type=Path, metavar="CONTENT", help="the photo")
    parser.add_argument(
        "--style",
        required=True,
        action="append",
        type=Path,
        metavar="IMAGE",
        help="style image; repeat the option to blend several",
    )
    parser.add_argument(
        "--style_blend", metavar="X,X,...", help="weights of several styles (default: equal)"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="file or folder (default: generated/CONTENT-STYLE-optimized, numbered if it exists)",
    )
    parser.add_argument(
        "--size",
        type=terminal.positive,
        metavar="PX",
        help="shorter side during optimization; the result is scaled to the photo's size "
        f"(default: that of the photo, at most {DEFAULT_SIDE})",
    )
    parser.add_argument(
        "--style_size",
        type=terminal.positive,
        metavar="PX",
        help="shorter side of the styles; larger means larger strokes (default: that of the photo)",
    )
    parser.add_argument(
        "--init",
        default="content",
        metavar="content|noise|FILE",
        help="initial picture (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=terminal.natural,
        default=0,
        metavar="N",
        help="noise seed (default: %(default)s)",
    )
    search = parser.add_argument_group("optimizer")
    search.add_argument(
        "--method",
        choices=METHODS,
        default="lbfgs",
        help="optimizer of the pixels (default: %(default)s)",
    )
    search.add_argument(
        "--steps",
        type=terminal.positive,
        default=200,
        metavar="N",
        help="iterations (default: %(default)s)",
    )
    search.add_argument(
        "--learning_rate",
        type=_amount,
        default=10.0,
        metavar="X",
        help="learning rate of Adam, in levels of 255 (default: %(default)s)",
    )
    objective = parser.add_argument_group("objective")
    objective.add_argument(
        "--variant",
        choices=VARIANTS,
        default="johnson",
        help="implementation that defines it (default: %(default)s)",
    )
    for term in _TERMS:
        suited = "; johnson adapts it to the style" if term == "style" else ""
        objective.add_argument(
            f"--{term}_weight",
            type=_amount,
            metavar="X",
            help=f"weight of the {term} loss (default: the variant's{suited})",
        )
    objective.add_argument(
        "--loss_model",
        choices=tuple(LOSS_MODEL_FILES),
        default="vgg_16",
        help="loss network (default: %(default)s)",
    )
    objective.add_argument(
        "--loss_model_file",
        metavar="FILE",
        help="checkpoint with slim's variable names, or MatConvNet's .mat file (default: "
        f"{' or '.join(LOSS_MODEL_FILES.values())})",
    )
    objective.add_argument(
        "--pooling", choices=POOLINGS, help="pooling of the loss network (default: the variant's)"
    )
    extra = parser.add_argument_group("additional output")
    extra.add_argument(
        "--save_every",
        type=terminal.positive,
        metavar="N",
        help="also write the picture after every N iterations",
    )
    extra.add_argument(
        "--report", action="store_true", help="write an HTML report with the loss curves"
    )
    options.add_output(parser)
    return parser


def _amount(text: str) -> float:
    try:
        number = float(text)
        if not 0 <= number < math.inf:
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} should be a number, at least 0") from None
    return number


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
    shares = _shares(options.style_blend, len(options.style))
    options.style = [files.find(path, "img") for path in options.style]
    photo = images.read_picture(options.content)
    side = options.size or min(*photo.pixels.shape[:2], DEFAULT_SIDE)
    if side < MIN_SIDE:
        raise errors.UserError(
            f"{options.content}: {side} px is too small, the shorter side should be at least "
            f"{MIN_SIDE} px; choose a larger --size"
        )
    style_side = options.style_size or side
    if style_side < MIN_SIDE:
        raise errors.UserError(f"--style_size {style_side}: should be at least {MIN_SIDE} px")
    pixels = images.resize_shorter_side(photo.pixels, side).astype(np.float32)
    styles = [images.read(path, style_side) for path in options.style]
    start = _start(options.init, options.seed, pixels)
    output, on_the_way = _outputs(options)

    terminal.import_tensorflow()
    from fastnst.losses import presets
    from fastnst.pixels import descent

    objective = presets.make_objective(
        options.variant,
        pixels,
        list(zip(styles, shares, strict=True)),
        files.find(options.loss_model_file or LOSS_MODEL_FILES[options.loss_model]),
        model=options.loss_model,
        pooling=options.pooling,
        asked={term: getattr(options, f"{term}_weight") for term in _TERMS},
    )
    _check_writable(output, photo)
    weights = ", ".join(f"{term} {getattr(objective.weights, term):.4g}" for term in _TERMS)
    size = f"{pixels.shape[1]} x {pixels.shape[0]} px"
    terminal.say(f"{size}, {options.variant}, weights: {weights}")
    keeper = _Keeper(photo, on_the_way)
    began = time.monotonic()
    with progress.Progress("iteration", every=1) as display:

        def on_event(event: events.Event) -> None:
            display(event)
            keeper(event)

        result = descent.minimize(
            objective.towards(pixels),
            start,
            options.steps,
            method=options.method,
            learning_rate=options.learning_rate,
            show_every=options.save_every,
            on_event=on_event,
        )
    seconds = time.monotonic() - began
    done = len(result.history) - 1
    if result.interrupted and not done:
        raise KeyboardInterrupt
    stylized = keeper.write(output, images.to_uint8(result.picture))
    fall = f"{formatting.short(result.total)} from {formatting.short(result.history[0]['total'])}"
    print(f"{output}: objective {fall}, {done:,} iterations in {seconds:,.0f} s", flush=True)
    if options.report:
        figures = {
            "Objective": fall,
            "Iterations": f"{done:,}, the best at {result.iteration:,}",
            "Weights": weights,
            "Stylized at": size,
            "Time": f"{seconds:,.0f} s",
        }
        pair = photo.pixels, stylized
        html = _page(options, command, styles, pair, keeper.saved, result, figures)
        files.write(output.with_suffix(".html"), html.encode())
        print(output.with_suffix(".html"))
    if result.interrupted:
        terminal.say(f"stopped after {done:,} of {options.steps:,} iterations")
        return terminal.INTERRUPTED
    return terminal.DONE


class _Keeper:
    """Writes the result, and the intermediate pictures."""

    def __init__(self, photo: images.Picture, on_the_way: dict[int, Path]) -> None:
        self._photo, self._on_the_way = photo, on_the_way
        self.saved: dict[int, Path] = {}

    def __call__(self, event: events.Event) -> None:
        if not isinstance(event, events.Judged):
            return
        path = self._on_the_way[event.step]
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


def _shares(text: str | None, count: int) -> list[float]:
    if text is None:
        return [1.0] * count
    try:
        shares = [_amount(part) for part in text.split(",")]
        if len(shares) != count:
            raise argparse.ArgumentTypeError(f"{len(shares)} weights for {count} styles")
        if not any(shares):
            raise argparse.ArgumentTypeError("all weights are 0")
    except argparse.ArgumentTypeError as error:
        raise errors.UserError(
            f"--style_blend {text}: {error}; set one number for each --style, such as 2,1"
        ) from None
    return shares


def _start(init: str, seed: int, pixels: np.ndarray) -> np.ndarray:
    if init == "content":
        return pixels
    if init == "noise":
        height, width = pixels.shape[:2]
        return images.noise(height, width, seed)
    if not Path(init).is_file():
        near = errors.did_you_mean(init, ("content", "noise"))
        raise errors.UserError(
            f"--init {init}: no such file; use content, noise or a picture{near}"
        )
    return images.resize(images.to_uint8(images.read(init)), *pixels.shape[:2]).astype(np.float32)


def _outputs(options: argparse.Namespace) -> tuple[Path, dict[int, Path]]:
    """Returns the path of the result, and of each intermediate picture by its iteration."""
    suffix = options.content.suffix.lower()
    # Formats that cannot hold the result are replaced by PNG.
    suffix = suffix if suffix in (".jpg", ".jpeg", ".png", ".webp", ".bmp") else ".png"
    output: Path = options.output or Path("generated")
    if options.output is None or output.is_dir() or not output.suffix:
        stem = "-".join(path.stem for path in (options.content, *options.style)) + "-optimized"
        # A result takes minutes, so one made with other options is not overwritten.
        output = files.unused(output, stem, suffix)
    images.format_of(output)
    every, digits = options.save_every or options.steps + 1, len(str(options.steps))
    on_the_way = {
        iteration: output.with_stem(f"{output.stem}-{iteration:0{digits}d}")
        for iteration in range(every, options.steps + 1, every)
    }
    read = {path.resolve() for path in (options.content, *options.style, Path(options.init))}
    for path in (output, *on_the_way.values()):
        if path.resolve() in read:
            raise errors.UserError(
                f"{path}: would overwrite an input picture; choose another file with -o"
            )
    return output, on_the_way


def _check_writable(output: Path, photo: images.Picture) -> None:
    """Checks that the output can be written, before the optimization takes minutes."""
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise errors.UserError(f"{output}: cannot be written ({error.strerror})") from None
    if not os.access(output.parent, os.W_OK):
        raise errors.UserError(f"{output}: cannot be written, the folder is not writable")
    try:
        # Formats have limits: WebP allows 16,383 pixels per side.
        images.encode(photo, images.format_of(output))
    except errors.UserError as error:
        raise errors.UserError(f"{output}: {error}") from None


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
        terms=("total", *_TERMS),
        config_text="\n".join(
            f"{key}: {' '.join(map(str, value)) if isinstance(value, list) else value}"
            for key, value in given.items()
        ),
        figures=figures,
        wording=dataclasses.replace(page.OPTIMIZATION, next_steps=(("Stylize again:", command),)),
    )
