"""`fastnst compare`: writes a blind page on which people judge two models, and counts votes."""

from __future__ import annotations

import argparse
import collections.abc
import dataclasses
import functools
import math
from pathlib import Path
from typing import TYPE_CHECKING

from fastnst import errors, files, formatting
from fastnst.cli import options, terminal
from fastnst.controls import blends

if TYPE_CHECKING:
    import numpy as np

    from fastnst.evaluation import votes

PROGRAM = "fastnst compare"
# By how much the aspect ratio of a ready-made picture may differ from its photo's: networks that
# crop to a multiple of 4 or 8 pixels are within it.
_STRETCH = 0.04


def make_parser(program: str) -> argparse.ArgumentParser:
    """Describes the command line."""
    parser = argparse.ArgumentParser(
        prog=program,
        usage=f"{program} A B PHOTO|FOLDER... [options]\n       {program} --count VOTES.json...",
        description="Write one HTML file on which people judge the pictures of two models without "
        "knowing which is which, or count their votes.",
    )
    parser.add_argument(
        "a",
        nargs="?",
        metavar="A",
        help="a model as for fastnst eval: its name or path, or MODEL:STYLE for one style of "
        "several; or a folder with a ready-made picture for each photo, under the photo's name",
    )
    parser.add_argument("b", nargs="?", metavar="B", help="the other model or folder")
    parser.add_argument(
        "photos", nargs="*", metavar="PHOTO|FOLDER", help="photos, or folders of photos"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE|DIR",
        help="page to write, or its folder (default: generated/compare-A-B.html)",
    )
    parser.add_argument(
        "--size",
        type=terminal.positive,
        default=512,
        metavar="PX",
        help="shorter side of all pictures (default: 512)",
    )
    parser.add_argument(
        "--strength",
        type=terminal.number(least=0, most=blends.MAX_STRENGTH),
        metavar="X",
        help="strength of the style in both models, from 0 to 1.5 (default: 1)",
    )
    parser.add_argument(
        "--painting",
        metavar="FILE",
        help="painting to show beside the pictures (default: that of the models, if both have the "
        "same)",
    )
    parser.add_argument(
        "--seed",
        type=terminal.natural,
        default=0,
        metavar="N",
        help="seed of the order and the sides, which also depend on the judge's name (default: 0)",
    )
    parser.add_argument(
        "--quality",
        type=terminal.quality,
        default=92,
        metavar="N",
        help="quality of the embedded JPEGs, 1 to 100 (default: 92)",
    )
    parser.add_argument(
        "--count",
        nargs="+",
        metavar="VOTES.json",
        help="count the votes that judges have downloaded from a page, instead of writing one",
    )
    options.add_output(parser)
    return parser


def main(argv: collections.abc.Sequence[str] | None = None, program: str = PROGRAM) -> int:
    """Runs the command and returns its exit code."""
    parser = make_parser(program)
    # Options may stand between the positional arguments.
    arguments = parser.parse_intermixed_args(argv)
    if arguments.count and arguments.a:
        parser.error("--count takes only files of votes")
    if not arguments.count and not arguments.photos:
        parser.error("name two models, and at least one photo or folder")
    body = _count if arguments.count else _run
    return terminal.guarded(program, lambda: body(arguments), quiet=arguments.quiet)


def _count(arguments: argparse.Namespace) -> int:
    from fastnst.evaluation import votes

    terminal.show(table(votes.merge(arguments.count)))
    return terminal.DONE


def table(ballot: votes.Ballot) -> str:
    """Formats the counted votes as text, with the same figures as on the page."""
    from fastnst.evaluation import votes

    name_a, name_b = ballot.models
    judges = [*zip(_labels(ballot), ballot.judges, strict=True)]
    lines = [
        f"{name_a} or {name_b}: {formatting.count(len(ballot.photos), 'photo')}, judged by "
        + (", ".join(label for label, _ in judges) or "nobody")
    ]
    for question, text in ballot.questions.items():
        count = votes.count(ballot, question)
        lines += [
            text,
            f"  {count.a} {name_a}, {count.tie} no difference, {count.b} {name_b}",
        ]
        if count.share is not None and count.interval is not None:
            low, high = count.interval
            lines.append(
                f"  Share of {name_a}: {_percent(count.share)} (95% interval {_percent(low)} to "
                f"{_percent(high)})"
            )
        lines.append(f"  {_verdict(count, ballot.models)}")
    for index, (label, judge) in enumerate(judges):
        for other_label, other in judges[index + 1 :]:
            pair = f"{label} and {other_label}"
            lines.append(_agreement(pair, votes.agreement(judge, other)))
    return "\n".join(lines)


def _labels(ballot: votes.Ballot) -> list[str]:
    """Numbers the judges of equal names."""
    names = [judge.name for judge in ballot.judges]
    earlier = [names[:index].count(name) for index, name in enumerate(names)]
    return [
        f"{name} ({number + 1})" if number else name
        for name, number in zip(names, earlier, strict=True)
    ]


def _percent(share: float) -> str:
    # As on the page: halves are rounded up, not to even.
    return f"{int(100 * share + 0.5)}%"


def _verdict(count: votes.Count, models: tuple[str, str]) -> str:
    from fastnst.evaluation import votes

    if count.preferred:
        return f"{models[0 if count.preferred == 'a' else 1]} is preferred."
    if not count.photos:
        return "No votes yet."
    if count.photos < votes.MIN_PHOTOS:
        return (
            f"Too few photos to find a difference: {count.photos} of at least {votes.MIN_PHOTOS}."
        )
    return "No difference was found."


def _agreement(pair: str, found: votes.Agreement) -> str:
    if not found.both:
        return f"{pair} have no answered question in common."
    kappa = "undefined"
    if found.kappa is not None:
        kappa = f"{math.floor(100 * found.kappa + 0.5) / 100:.2f}"
    return (
        f"{pair} gave the same answer to {found.equal} of {found.both} questions "
        f"({_percent(found.equal / found.both)}; kappa {kappa})."
    )


@dataclasses.dataclass(frozen=True)
class _Contestant:
    """A model to judge, or a folder of its pictures.

    Attributes:
        name: Its short name.
        picture: Returns its picture of a photo, given the photo's relative path and its pixels:
            uint8 RGB [H, W, 3] in and out.
        painting: Its style image; None if unknown.
    """

    name: str
    picture: collections.abc.Callable[[Path, np.ndarray], np.ndarray]
    painting: Path | None = None


def _run(arguments: argparse.Namespace) -> int:
    page = arguments.output
    if page and not files.names_folder(page) and not page.lower().endswith((".html", ".htm")):
        raise errors.UserError(f"{page}: is not a page; name a file that ends in .html")
    if arguments.a == arguments.b:
        raise errors.UserError(f"{arguments.a}: cannot be compared with itself; name two models")
    terminal.import_tensorflow()
    import tqdm

    from fastnst import images
    from fastnst.cli import outputs
    from fastnst.painting import jobs
    from fastnst.reports import compare

    found = jobs.find([Path(name) for name in arguments.photos])
    given = (arguments.a, arguments.b)
    a, b = (_contestant(name, arguments.strength) for name in given)
    stem = "-".join(blends.file_name(one.name.replace(":", "-", 1)) for one in (a, b))
    output = outputs.place(arguments.output, f"compare-{stem}", ".html", numbered=False)
    outputs.check(output)
    painting = arguments.painting or (a.painting if a.painting == b.painting else None)
    # Read before the photos are stylized, which takes longer.
    shown = None if painting is None else images.decode(images.read_bytes(painting), str(painting))
    pairs = []
    for path, relative in tqdm.tqdm(found, unit="photo", disable=None):
        try:
            photo = images.to_uint8(images.read(path, arguments.size))
        except errors.UserError as error:
            terminal.complain(f"left out: {error}")
            continue
        pictures = (one.picture(relative, photo) for one in (a, b))
        pairs.append(compare.Pair(relative.as_posix(), photo, *pictures))
    if not pairs:
        raise errors.UserError(f"{arguments.photos[0]}: no photo can be read; name others")
    names = given if a.name == b.name else (a.name, b.name)
    html = compare.render(names, pairs, shown, seed=arguments.seed, quality=arguments.quality)
    files.write(output, html)
    terminal.show(str(output))
    return terminal.DONE


def _contestant(given: str, strength: float | None) -> _Contestant:
    """Finds a model, a style of a model, or a folder of ready-made pictures.

    Raises:
        UserError: If there is none, or the model does not support the strength.
    """
    from fastnst.models import loading, store

    style = None
    try:
        reference = store.find(given)
    except errors.UserError:
        folder = files.expand_user(given)
        if folder.is_dir():
            return _Contestant(folder.resolve().name, functools.partial(_ready_made, folder))
        name, colon, style = given.partition(":")
        if not colon:
            raise
        reference = store.find(name)
    style = style or reference.style
    paint = loading.load(reference, style=style, strength=strength)

    def picture(relative: Path, photo: np.ndarray) -> np.ndarray:
        try:
            return paint(photo)
        except errors.UserError as error:
            raise errors.UserError(f"{relative}: {error}") from None

    name = f"{reference.folder.name}:{style}" if style else reference.name
    return _Contestant(name, picture, _painting(reference.folder, style))


def _painting(folder: Path, style: str | None) -> Path | None:
    """Returns the style image of a style that a model was trained in, if the file is here."""
    from fastnst.models import descriptions

    if not (folder / descriptions.FILE).is_file():
        return None
    styles = descriptions.Description.read(folder / descriptions.FILE).styles
    chosen = styles[0].name if style is None else style
    named = next((entry.painting for entry in styles if entry.name == chosen), "")
    path = files.find(named)
    return path if path.is_file() else None


def _ready_made(folder: Path, relative: Path, photo: np.ndarray) -> np.ndarray:
    """Reads the picture of a photo from a folder, and scales it to the photo's size.

    Raises:
        UserError: If there is none, it cannot be read, or its aspect ratio is another one.
    """
    from fastnst import formats, images

    names = [relative, *map(relative.with_suffix, sorted(formats.EXTENSIONS))]
    path = next((folder / name for name in names if (folder / name).is_file()), None)
    if path is None:
        raise errors.UserError(
            f"{folder}: contains no picture {relative}, nor one of another format under this name"
        )
    pixels = images.decode(images.read_bytes(path), str(path))
    height, width = photo.shape[:2]
    found = f"{pixels.shape[1]} x {pixels.shape[0]}"
    if abs(pixels.shape[1] / pixels.shape[0] / (width / height) - 1) > _STRETCH:
        raise errors.UserError(
            f"{path}: {found} pixels, but its photo has the aspect ratio {width}:{height}; it must "
            "show the whole photo"
        )
    return pixels if pixels.shape == photo.shape else images.resize(pixels, height, width)
