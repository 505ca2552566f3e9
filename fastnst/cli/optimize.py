"""The command that paints one photo by optimising its pixels: slow, but with nothing to train.

fastnst optimize photo.jpg --style painting.jpg -o painted.jpg
"""

from __future__ import annotations

import argparse
import collections.abc
import dataclasses
import itertools
import math
import os
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tqdm

from fastnst import errors, files, formatting, images
from fastnst.cli import terminal
from fastnst.reports import page

if TYPE_CHECKING:
    from fastnst.pixels import descent

PROGRAM = "fastnst optimize"
# Named here, too, so that the help need not wait for TensorFlow.
VARIANTS = ("johnson", "gatys", "cs20", "stylenet")
METHODS = ("lbfgs", "adam")
LOSS_MODEL_FILES = {
    "vgg_16": "pretrained/vgg_16.ckpt",
    "vgg_19": "pretrained/imagenet-vgg-verydeep-19.mat",
}
POOLINGS = ("max", "avg")
# Deep layers see nothing of smaller pictures.
MIN_SIDE = 16
# At 12 megapixels, the size of a phone's photo, L-BFGS would take tens of gigabytes.
DEFAULT_SIDE = 512
_SECONDS_BETWEEN_LINES = 10.0
_TERMS = ("content", "style", "tv")


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Paints one photo in the style of a picture by optimising its pixels.",
        epilog="Ctrl-C ends it early; the best picture so far is written.",
    )
    parser.add_argument("content", type=Path, metavar="CONTENT", help="the photo")
    parser.add_argument(
        "--style",
        required=True,
        action="append",
        type=Path,
        metavar="IMAGE",
        help="the picture whose style is taken; again for more",
    )
    parser.add_argument(
        "--style_blend", metavar="X,X,...", help="shares of several styles (default: equal)"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="a file or a folder (default: generated/CONTENT-STYLE-optimised, numbered if taken)",
    )
    parser.add_argument(
        "--size",
        type=terminal.positive,
        metavar="PX",
        help="shorter side to work at; the painting is then scaled to the photo's own size "
        f"(default: the photo's own, at most {DEFAULT_SIDE})",
    )
    parser.add_argument(
        "--style_size",
        type=terminal.positive,
        metavar="PX",
        help="shorter side of the styles: larger gives larger strokes (default: that of the photo)",
    )
    parser.add_argument(
        "--init",
        default="content",
        metavar="content|noise|FILE",
        help="where to begin (default: %(default)s)",
    )
    parser.add_argument(
        "--seed", type=_seed, default=0, metavar="N", help="of the noise (default: %(default)s)"
    )
    search = parser.add_argument_group("search")
    search.add_argument("--method", choices=METHODS, default="lbfgs", help="(default: %(default)s)")
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
        help="of Adam, in levels of 255 (default: %(default)s)",
    )
    objective = parser.add_argument_group("objective")
    objective.add_argument(
        "--variant", choices=VARIANTS, default="johnson", help="whose (default: %(default)s)"
    )
    for term in _TERMS:
        suited = "; with johnson what suits the style" if term == "style" else ""
        objective.add_argument(
            f"--{term}_weight",
            type=_amount,
            metavar="X",
            help=f"(default: the variant's{suited})",
        )
    objective.add_argument(
        "--loss_model",
        choices=tuple(LOSS_MODEL_FILES),
        default="vgg_16",
        help="(default: %(default)s)",
    )
    objective.add_argument(
        "--loss_model_file",
        metavar="FILE",
        help="checkpoint under slim's names, or .mat of MatConvNet (default: "
        f"{' or '.join(LOSS_MODEL_FILES.values())})",
    )
    objective.add_argument(
        "--pooling", choices=POOLINGS, help="of the loss network (default: the variant's)"
    )
    beside = parser.add_argument_group("beside the picture")
    beside.add_argument(
        "--save_every",
        type=terminal.positive,
        metavar="N",
        help="write the picture after every N iterations, too",
    )
    beside.add_argument(
        "--report", action="store_true", help="write a page with the curves of the losses"
    )
    return parser


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} should be a whole number, at least 0")
    return int(text)


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
        argv: The arguments; None for those of the process.
        program: What it is called in its own help and errors.

    Returns:
        0 when the picture was painted, 1 for an error of the user's, 130 after Ctrl-C, when the
        best picture so far was written.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    options = _parser(program).parse_args(arguments)
    command = f"{program} {shlex.join(arguments)}"
    return terminal.guarded(program, lambda: _run(options, command))


def _run(options: argparse.Namespace, command: str) -> int:
    shares = _shares(options.style_blend, len(options.style))
    photo = images.read_picture(options.content)
    side = options.size or min(*photo.pixels.shape[:2], DEFAULT_SIDE)
    if side < MIN_SIDE:
        raise errors.UserError(
            f"{options.content}: {side} px are too few, the shorter side should be at least "
            f"{MIN_SIDE}; choose a larger --size"
        )
    style_side = options.style_size or side
    if style_side < MIN_SIDE:
        raise errors.UserError(f"--style_size {style_side}: should be at least {MIN_SIDE}")
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
    keeper = _Keeper(photo, on_the_way, options.steps)
    began = time.monotonic()
    try:
        result = descent.minimize(
            objective.towards(pixels),
            start,
            options.steps,
            method=options.method,
            learning_rate=options.learning_rate,
            on_step=keeper,
        )
    finally:
        keeper.close()
    seconds = time.monotonic() - began
    done = len(result.history) - 1
    if result.interrupted and not done:
        raise KeyboardInterrupt
    painted = keeper.write(output, result.picture)
    fall = f"{formatting.short(result.total)} from {formatting.short(result.history[0]['total'])}"
    print(f"{output}: objective {fall}, {done:,} iterations in {seconds:,.0f} s", flush=True)
    if options.report:
        figures = {
            "Objective": fall,
            "Iterations": f"{done:,}, the best of them {result.iteration:,}",
            "Weights": weights,
            "Painted at": size,
            "Time": f"{seconds:,.0f} s",
        }
        pair = photo.pixels, painted
        html = _page(options, command, styles, pair, keeper.saved, result, figures)
        files.write(output.with_suffix(".html"), html.encode())
        print(output.with_suffix(".html"))
    if result.interrupted:
        terminal.say(f"stopped after {done:,} of {options.steps:,} iterations")
        return terminal.INTERRUPTED
    return terminal.DONE


class _Keeper:
    """Shows the progress and writes the pictures on the way."""

    def __init__(self, photo: images.Picture, on_the_way: dict[int, Path], steps: int) -> None:
        self._photo, self._on_the_way = photo, on_the_way
        self.saved: dict[int, Path] = {}
        self._last_line = time.monotonic()
        # A bar where stderr is a terminal; elsewhere a plain line every few seconds.
        self._bar = tqdm.tqdm(total=steps, unit="it", disable=None, dynamic_ncols=True)

    def __call__(
        self, iteration: int, total: float, terms: dict[str, float], picture: np.ndarray
    ) -> None:
        shown = "  ".join(f"{name} {formatting.short(terms[name])}" for name in ("total", *_TERMS))
        now = time.monotonic()
        if not self._bar.disable:
            self._bar.set_postfix_str(shown, refresh=False)
            self._bar.update()
        elif now - self._last_line >= _SECONDS_BETWEEN_LINES or iteration == self._bar.total:
            self._last_line = now
            terminal.say(f"iteration {iteration:,}/{self._bar.total:,}  {shown}")
        if path := self._on_the_way.get(iteration):
            try:
                self.write(path, picture)
                self.saved[iteration] = path
            except errors.UserError as error:
                # No reason to lose what the search has found.
                terminal.say(str(error))

    def write(self, path: Path, picture: np.ndarray) -> np.ndarray:
        """Writes a picture at the photo's size, with the photo's alpha and profile; returns it."""
        pixels = images.resize(images.to_uint8(picture), *self._photo.pixels.shape[:2])
        images.write(path, dataclasses.replace(self._photo, pixels=pixels))
        return pixels

    def close(self) -> None:
        """Ends the bar's line."""
        self._bar.close()


def _shares(text: str | None, count: int) -> list[float]:
    if text is None:
        return [1.0] * count
    try:
        shares = [_amount(part) for part in text.split(",")]
        if len(shares) != count:
            raise argparse.ArgumentTypeError(f"{len(shares)} shares for {count} styles")
        if not any(shares):
            raise argparse.ArgumentTypeError("all shares are 0")
    except argparse.ArgumentTypeError as error:
        raise errors.UserError(
            f"--style_blend {text}: {error}; give one number for each --style, such as 2,1"
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
            f"--init {init}: no such file; begin with content, noise or a picture{near}"
        )
    return images.resize(images.to_uint8(images.read(init)), *pixels.shape[:2]).astype(np.float32)


def _outputs(options: argparse.Namespace) -> tuple[Path, dict[int, Path]]:
    """Decides where the picture goes, and those on the way: nowhere that one is read from."""
    suffix = options.content.suffix.lower()
    # What cannot hold a painting is written as PNG.
    suffix = suffix if suffix in (".jpg", ".jpeg", ".png", ".webp", ".bmp") else ".png"
    output: Path = options.output or Path("generated")
    if options.output is None or output.is_dir() or not output.suffix:
        stem = "-".join(path.stem for path in (options.content, *options.style)) + "-optimised"
        stems = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
        places = (output / f"{name}{suffix}" for name in stems)
        # A painting takes minutes to make: one of other options is not painted over.
        output = next(place for place in places if not place.exists())
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
                f"{path}: would take the place of a picture that is read; name another with -o"
            )
    return output, on_the_way


def _check_writable(output: Path, photo: images.Picture) -> None:
    """Sees to it that what took minutes to make will not be lost at the end."""
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise errors.UserError(f"{output}: cannot be written ({error.strerror})") from None
    if not os.access(output.parent, os.W_OK):
        raise errors.UserError(f"{output}: cannot be written, the folder is closed to you")
    try:
        # Formats have their limits: WebP ends at 16,383 pixels a side.
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
        wording=dataclasses.replace(page.OPTIMISATION, onwards=(("Paint it again:", command),)),
    )
