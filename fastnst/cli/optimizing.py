"""The options of `fastnst optimize` and `fastnst sweep`, and the search that they describe."""

from __future__ import annotations

import argparse
import collections.abc
import dataclasses
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnst import errors, events, files, images
from fastnst.cli import options, terminal
from fastnst.features import stacks
from fastnst.pixels import searches

if TYPE_CHECKING:
    from fastnst.losses import perceptual
    from fastnst.pixels import descent, gatys

# Repeated here, so that --help does not import TensorFlow.
METHODS = ("lbfgs", "adam")
POOLINGS = ("max", "avg")
MAX_SCALES = 8
TERMS = ("content", "style", "tv")
# Smaller pictures would have no positions left in the deep layers.
MIN_SIDE = 16
# At 12 megapixels, the size of a phone's photos, L-BFGS would need tens of gigabytes.
DEFAULT_SIDE = 512
# Larger numbers overflow float32.
_LARGE = 1e30
_weight = terminal.number(least=0, most=_LARGE)


def add_options(parser: argparse.ArgumentParser, *, side: int | None = None) -> None:
    """Adds the pictures, the optimizer and the objective.

    Args:
        parser: The parser of a command.
        side: Default of `--size`; None for that of the photo.
    """
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
        "--size",
        type=terminal.positive,
        default=side,
        metavar="PX",
        help="shorter side during optimization (default: "
        f"{side or f'that of the photo, at most {DEFAULT_SIDE}'})",
    )
    parser.add_argument(
        "--style_size",
        type=terminal.positive,
        metavar="PX",
        help="shorter side of the styles; larger means larger strokes (default: that of the photo)",
    )
    parser.add_argument(
        "--init",
        metavar="content|noise|gray|mean|FILE",
        help="initial picture; gray and mean have faint noise around the gray of 128, or around "
        "ImageNet's mean color (default: the variant's)",
    )
    parser.add_argument(
        "--seed",
        type=terminal.natural,
        default=0,
        metavar="N",
        help="noise seed (default: %(default)s)",
    )
    options.add_max_pixels(parser)
    _add_search(parser.add_argument_group("optimizer"))
    _add_objective(parser.add_argument_group("objective"))


def _add_search(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--method", choices=METHODS, help="optimizer of the pixels (default: the variant's)"
    )
    group.add_argument(
        "--steps", type=terminal.positive, metavar="N", help="iterations (default: the variant's)"
    )
    group.add_argument(
        "--learning_rate",
        type=terminal.number(above=0, most=_LARGE),
        metavar="X",
        help="learning rate of Adam, in levels of 255 (default: the variant's)",
    )
    group.add_argument(
        "--scales",
        type=_scales,
        metavar="N",
        help="number of sizes to optimize at, from coarse to fine, each twice the one before and "
        f"with half of its iterations; auto is 1 up to {DEFAULT_SIDE} px (default: auto)",
    )


def _add_objective(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--variant",
        choices=tuple(searches.SEARCHES),
        default="johnson",
        help="implementation that defines it, and the optimizer (default: %(default)s)",
    )
    for term in TERMS:
        suited = "; johnson adapts it to the style" if term == "style" else ""
        group.add_argument(
            f"--{term}_weight",
            type=_weight,
            metavar="X",
            help=f"weight of the {term} loss (default: the variant's{suited})",
        )
    for term in ("content", "style"):
        group.add_argument(
            f"--{term}_layers",
            type=_layers,
            metavar="A:X,B:X,...",
            help=f"layers of the {term} loss with their weights, or without for 1 each; `fastnst "
            "layers` lists them (default: the variant's)",
        )
    group.add_argument(
        "--normalization",
        choices=tuple(searches.SEARCHES),
        help="variant whose sums or means the losses of a layer are (default: that of --variant)",
    )
    group.add_argument(
        "--loss_model",
        choices=stacks.NAMES,
        default="vgg_16",
        help="loss network (default: %(default)s)",
    )
    group.add_argument(
        "--loss_model_file",
        metavar="FILE",
        help="checkpoint with slim's variable names, or for VGG MatConvNet's .mat file (default: "
        f"{stacks.default_file('vgg_16')}, {stacks.default_file('vgg_19')}, ...)",
    )
    group.add_argument(
        "--pooling", choices=POOLINGS, help="pooling of the loss network (default: the variant's)"
    )


def _scales(text: str) -> int | None:
    if text == "auto":
        return None
    if text.isdecimal() and len(text) < 3 and 1 <= int(text) <= MAX_SCALES:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} should be auto, or from 1 to {MAX_SCALES}")


def _layers(text: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in text.split(","):
        name, _, weight = part.strip().partition(":")
        layer = stacks.layer_named(name)
        if layer is None:
            raise argparse.ArgumentTypeError(f"no layer {name[:40]!r}; `fastnst layers` lists them")
        if layer in found:
            raise argparse.ArgumentTypeError(f"layer {layer} is named twice")
        found[layer] = _weight(weight or "1")
    if not any(found.values()):
        raise argparse.ArgumentTypeError("all weights are 0")
    return found


@dataclasses.dataclass(frozen=True)
class Plan:
    """A search, ready to run.

    Attributes:
        arguments: The parsed options.
        photo: The photo.
        styles: The style images, float32 RGB [H, W, 3] in [0, 255], each with its share.
        search: The optimizer, its steps and the initial picture.
        side: Shorter side of the result of the search.
        start: Maps the photo at the first size to the initial picture.
    """

    arguments: argparse.Namespace
    photo: images.Picture
    styles: list[tuple[np.ndarray, float]]
    search: searches.Search
    side: int
    start: collections.abc.Callable[[np.ndarray], np.ndarray]

    def scales(self) -> list[gatys.Scale]:
        """Returns the sizes of the search; imports TensorFlow."""
        from fastnst.pixels import gatys

        return gatys.plan(self.side, self.search.steps, self.arguments.scales)

    def run(
        self,
        on_objective: collections.abc.Callable[[perceptual.PerceptualLoss, tuple[int, ...]], None],
        on_event: events.Action,
        **shown: Any,
    ) -> descent.Result:
        """Searches.

        Args:
            on_objective: Receives each objective, before its search, and the shape of the picture.
            on_event: Receives the events of `gatys.stylize`.
            **shown: Which intermediate pictures to report, as in `descent.minimize`.

        Raises:
            UserError: As in `presets.make_objective` and `descent.minimize`.
        """
        from fastnst.losses import presets
        from fastnst.pixels import gatys

        arguments = self.arguments
        path = arguments.loss_model_file or stacks.default_file(arguments.loss_model)

        def make(pixels: np.ndarray, styles: gatys.Styles) -> perceptual.PerceptualLoss:
            objective = presets.make_objective(
                arguments.variant,
                pixels,
                styles,
                files.find(path),
                model=arguments.loss_model,
                pooling=arguments.pooling,
                asked={term: getattr(arguments, f"{term}_weight") for term in TERMS},
                content_layers=arguments.content_layers,
                style_layers=arguments.style_layers,
                normalization=arguments.normalization,
            )
            on_objective(objective, pixels.shape)
            return objective

        return gatys.stylize(
            self.photo.pixels,
            self.styles,
            make,
            self.start,
            self.scales(),
            method=self.search.method,
            learning_rate=self.search.learning_rate,
            on_event=on_event,
            **shown,
        )


def prepare(arguments: argparse.Namespace) -> Plan:
    """Reads the pictures of a search, and checks its options.

    Raises:
        UserError: If a picture cannot be read or is too small, or an option is impossible.
    """
    shares = _shares(arguments.style_blend, len(arguments.style))
    arguments.style = [files.find(path, "img") for path in arguments.style]
    photo = images.read_picture(
        arguments.content, max_pixels=arguments.max_pixels, size=arguments.size
    )
    side = arguments.size or min(*photo.pixels.shape[:2], DEFAULT_SIDE)
    smallest = side / 2 ** ((arguments.scales or 1) - 1)
    if smallest < MIN_SIDE:
        fewer = "" if side < MIN_SIDE else " or fewer --scales"
        raise errors.UserError(
            f"{arguments.content}: {smallest:g} px is too small, the shorter side should be at "
            f"least {MIN_SIDE} px; choose a larger --size{fewer}"
        )
    style_side = arguments.style_size or side
    if style_side < MIN_SIDE:
        raise errors.UserError(f"--style_size {style_side}: should be at least {MIN_SIDE} px")
    styles = [
        images.read(path, style_side, max_pixels=arguments.max_pixels) for path in arguments.style
    ]
    given = {
        field.name: getattr(arguments, field.name)
        for field in dataclasses.fields(searches.Search)
        if getattr(arguments, field.name) is not None
    }
    search = dataclasses.replace(searches.SEARCHES[arguments.variant], **given)
    return Plan(
        arguments,
        photo,
        list(zip(styles, shares, strict=True)),
        search,
        side,
        _start(search.init, arguments.seed, arguments.max_pixels),
    )


def _shares(text: str | None, count: int) -> list[float]:
    if text is None:
        return [1.0] * count
    try:
        shares = [_weight(part) for part in text.split(",")]
        if len(shares) != count:
            raise argparse.ArgumentTypeError(f"{len(shares)} weights for {count} styles")
        if not any(shares):
            raise argparse.ArgumentTypeError("all weights are 0")
    except argparse.ArgumentTypeError as error:
        raise errors.UserError(
            f"--style_blend {text}: {error}; set one number for each --style, such as 2,1"
        ) from None
    return shares


def _start(
    init: str, seed: int, max_pixels: int | None
) -> collections.abc.Callable[[np.ndarray], np.ndarray]:
    """Returns the function of a photo that makes the initial picture of its size."""
    if init == "content":
        return lambda pixels: pixels
    if init == "noise":
        return lambda pixels: images.noise(pixels.shape[0], pixels.shape[1], seed)
    if init in searches.FAINT:
        return functools.partial(_faint, seed, *searches.FAINT[init])
    if not Path(init).is_file():
        near = errors.did_you_mean(init, searches.INITS)
        raise errors.UserError(
            f"--init {init}: no such file; use {', '.join(searches.INITS)} or a picture{near}"
        )
    picture = images.to_uint8(images.read(init, max_pixels=max_pixels))
    return lambda pixels: images.resize(picture, *pixels.shape[:2]).astype(np.float32)


def _faint(
    seed: int, color: tuple[float, float, float], deviation: float, pixels: np.ndarray
) -> np.ndarray:
    """Draws normally distributed noise around a color."""
    noise = np.random.default_rng(seed).normal(color, deviation, pixels.shape)
    return noise.astype(np.float32)
