"""Options that several commands share."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from fastnst import formats, version
from fastnst.cli import terminal

if TYPE_CHECKING:
    from fastnst import controls as controls_module


def add_output(parser: argparse.ArgumentParser, *, as_json: bool = False) -> None:
    """Adds `--quiet` and `--version`, and for commands with results `--json`."""
    if as_json:
        parser.add_argument(
            "--json", action="store_true", help="print each result as a JSON object on one line"
        )
    parser.add_argument(
        "--quiet", action="store_true", help="print results and errors, but no notes and no bars"
    )
    parser.add_argument("--version", action="version", version=f"fastnst {version.VERSION}")


def add_trust(parser: argparse.ArgumentParser) -> None:
    """Adds `--trust`, which allows SavedModels of other programs."""
    parser.add_argument(
        "--trust",
        action="store_true",
        help="load a SavedModel even if it is no export of fastnst: it is a program, which can do "
        "with your files whatever you can",
    )


def add_max_pixels(parser: argparse.ArgumentParser) -> None:
    """Adds `--max-pixels N`, the most pixels that a photo may have."""
    parser.add_argument(
        "--max-pixels",
        "--max_pixels",
        type=terminal.pixels,
        metavar="N",
        help="most pixels of a photo, such as 500M or 2G, also after it is scaled; larger ones are "
        f"refused before they are decoded (default: {formats.MAX_PIXELS // 10**6}M)",
    )


def add_set(parser: argparse.ArgumentParser, help: str) -> None:
    """Adds `--set KEY=VALUE`, which may be repeated, as the list `assignments`."""
    parser.add_argument(
        "--set",
        dest="assignments",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help=help,
    )


def add_dataset(parser: argparse.ArgumentParser) -> None:
    """Adds `--dataset PATH`, which names the photos to train on."""
    parser.add_argument("--dataset", metavar="PATH", help="photos: bundled, a folder, or TFRecords")


def add_controls(
    parser: argparse.ArgumentParser, *, all_styles: bool = False, over_time: bool = False
) -> None:
    """Adds the options that say how to paint; `controls` reads their values.

    Args:
        parser: The parser of a command that stylizes.
        all_styles: Whether the command supports `--style all`.
        over_time: Whether `--strength` may change over time; it is then a text.
    """
    every = "; all stylizes each photo in every style" if all_styles else ""
    parser.add_argument(
        "--style",
        metavar="NAME|A:0.6,B:0.4" + ("|all" if all_styles else ""),
        help=f"style of the model or blend of styles{every} (default: the first style)",
    )
    at_times = "; or strengths at times in seconds, such as 0:0,2.5:1, linear between them"
    parser.add_argument(
        "--strength",
        type=str if over_time else float,
        metavar="X|T:X,T:X,..." if over_time else "X",
        help="strength of the style, from 0 (the photo) through 1 (as trained) to 1.5"
        f"{at_times if over_time else ''} (default: 1)",
    )
    parser.add_argument(
        "--stroke",
        metavar="X",
        help="size of the strokes, from 0.5 through 1 (as trained, in pixels) to 8; auto fits them "
        "to the picture's size (default: auto)",
    )
    parser.add_argument(
        "--colors",
        metavar="style|photo|match|MIX",
        help="colors of the style; those of the photo; the style's, moved to the photo's palette; "
        "or a mix from 0 (style) to 1 (photo) (default: style)",
    )
    parser.add_argument(
        "--mask",
        dest="masks",
        action="append",
        default=[],
        metavar="MASK.png=STYLE",
        help="stylize where the mask is white; repeat it for several styles; STYLE may be photo. "
        "The rest is stylized in --style, or stays a photo without it",
    )
    parser.add_argument(
        "--grain",
        type=float,
        metavar="LEVELS",
        help="add grain of this deviation, 0 to 64 levels, to the photo first: strokes in flat "
        "areas vary (default: as trained)",
    )
    parser.add_argument(
        "--seed", type=int, metavar="N", help="seed of the grain, 0 or more (default: 0)"
    )


def controls(
    arguments: argparse.Namespace, style: str | None, strength: float | None
) -> controls_module.Controls:
    """Returns the choices of `add_controls`, and reads the masks.

    Args:
        arguments: Parsed arguments.
        style: The style to use, because `--style all` stands for several.
        strength: The strength to use, because it may change over time.

    Raises:
        UserError: If a value is impossible, or a mask cannot be read.
    """
    from fastnst import controls as controls_module
    from fastnst.controls import masks

    read = masks.read_all(arguments.masks)
    return controls_module.Controls(
        style=style,
        strength=strength,
        stroke=arguments.stroke,
        colors=arguments.colors,
        masks=read or None,
        grain=arguments.grain,
        seed=arguments.seed,
    )
