"""`fastnst quality`: compares a network with the optimizer (Johnson et al. 2016, figure 5).

    fastnst quality --model candy

The optimization method minimizes the same objective for one photo at a time. The measure is the
number of iterations that it needs to reach the objective of the network's single pass.
"""

from __future__ import annotations

import argparse
import collections.abc
import dataclasses
import functools
import importlib.util
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from fastnst import config, errors, events, files, formatting, images
from fastnst.cli import options, terminal
from fastnst.config import schema
from fastnst.models import card

if TYPE_CHECKING:
    from fastnst.evaluation import iterations, measures
    from fastnst.evaluation import subject as subjects
    from fastnst.features import loss_network
    from fastnst.losses import perceptual
    from fastnst.models import store

PROGRAM = "fastnst quality"
# Layers at which the distance from the style is measured.
_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
# L-BFGS would need hundreds of gigabytes for more.
_MOST_SIDE = 16_384
STARTS = {"noise": ("noise",), "photo": ("photo",), "both": ("noise", "photo")}


def table(name: str, size: int, found: dict[str, Any]) -> str:
    """Formats the summary as text."""

    def cell(value: dict[str, float]) -> str:
        return f"{value['mean'] / 1e3:,.1f} ± {value['spread'] / 1e3:,.1f}"

    curves = found["optimiser"]
    photos = formatting.count(found["photos"], "photo")
    lines = [
        f"{name} at {size} px, {photos}: the objective in thousands, mean ± spread",
        f"  {'the photo itself':<28}{cell(found['photo']):>20}",
        f"  {'the network':<28}{cell(found['network']):>20}",
        f"  {'the optimizer, from':<28}{''.join(f'{start:>20}' for start in curves)}",
    ]
    for iteration in next(iter(curves.values())):
        cells = "".join(f"{cell(curve[iteration]):>20}" for curve in curves.values())
        lines.append(f"  {'after ' + formatting.count(iteration, 'iteration'):<28}{cells}")
    for start, number in found["equal_iterations"].items():
        ranked = sorted(
            found["equal_iterations_by_photo"][start],
            key=lambda iterations: math.inf if iterations is None else iterations,
        )
        count, least, most = (
            card.equal_iterations_text(iterations, found["steps"])
            for iterations in (number, ranked[0], ranked[-1])
        )
        by_photo = f" ({least} to {most} by photo)" if least != most else ""
        lines.append(f"  This network equals {count} iterations from {start}{by_photo}.")
    lines.append(f"  Its objective is {found['ratio_to_best']:.2f} x the optimizer's best.")
    lines += [
        f"  {label:<40}{value['mean']:8.3f} ± {value['spread']:.3f}"
        for label, value in found["figures"].items()
    ]
    return "\n".join(lines)


def picture_table(name: str, found: dict[str, Any]) -> str:
    """Formats the figures of the pictures as text."""
    lines = [f"{name}, {formatting.count(found['photos'], 'photo')}: how the pictures look"]
    lines += [f"  {label:<30}{text:>8}" for label, text in card.picture_rows(found)]
    return "\n".join(lines)


def plot(name: str, size: int, found: dict[str, Any], path: Path) -> None:
    """Plots the mean curves and the network's objective, like figure 5 of Johnson et al."""
    from matplotlib import figure

    drawing = figure.Figure(figsize=(7, 4.5), layout="constrained")
    axes = drawing.subplots()
    for start, curve in found["mean_curves"].items():
        axes.plot(curve, label=f"optimizer, from {start}")
    axes.axhline(found["photo"]["mean"], color="grey", linestyle=":", label="the photo")
    axes.axhline(found["network"]["mean"], color="black", linestyle="--", label="the network")
    axes.set(
        xlabel="L-BFGS iterations",
        ylabel="objective",
        yscale="log",
        title=f"{name}, {size} px, mean of {formatting.count(found['photos'], 'photo')}",
    )
    # Curves from noise begin far above everything else.
    axes.set_ylim(top=1.5 * found["photo"]["mean"])
    axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    drawing.savefig(path, dpi=120)


def beside(assessments: collections.abc.Sequence[iterations.Assessment]) -> np.ndarray:
    """Arranges the pictures with one column per photo: uint8 RGB [H, W, 3]."""
    columns = [np.concatenate(list(one.pictures.values()), axis=0) for one in assessments]
    return np.concatenate(columns, axis=1)


def make_parser(program: str) -> argparse.ArgumentParser:
    """Describes the command line."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Measure a network on unseen photos: how its pictures look, and how many "
        "iterations of the optimization method its objective equals.",
    )
    parser.add_argument(
        "--model", required=True, metavar="NAME|PATH", help="name or folder of a run"
    )
    parser.add_argument(
        "--style", metavar="NAME", help="style of the model (default: each in turn)"
    )
    parser.add_argument(
        "--painting",
        type=Path,
        metavar="FILE",
        help="painting of the style, measured on the default objective, for networks without "
        "config.yml, such as imported ones (default: that of the run)",
    )
    parser.add_argument(
        "--images", default="bundled", metavar="DIR", help="photos (default: the six bundled ones)"
    )
    parser.add_argument(
        "--photos", type=terminal.positive, metavar="N", help="use only the first N photos"
    )
    parser.add_argument(
        "--size", default="256", metavar="PX[,PX]", help="sides of the square crops (default: 256)"
    )
    parser.add_argument(
        "--steps",
        type=terminal.natural,
        default=500,
        metavar="N",
        help="iterations of the optimizer; 0 only measures the pictures (default: 500)",
    )
    parser.add_argument(
        "--start",
        choices=STARTS,
        default="both",
        help="initial picture (default: both)",
    )
    parser.add_argument(
        "--seed",
        type=terminal.natural,
        default=0,
        metavar="N",
        help="seed of the noise (default: 0)",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="DIR",
        help="output folder (default: generated/quality-MODEL)",
    )
    options.add_output(parser)
    return parser


def main(argv: collections.abc.Sequence[str] | None = None, program: str = PROGRAM) -> int:
    """Runs the command and returns its exit code."""
    arguments = make_parser(program).parse_args(argv)
    return terminal.guarded(program, lambda: _run(arguments), quiet=arguments.quiet)


def _run(arguments: argparse.Namespace) -> int:
    _require_extras()
    terminal.import_tensorflow()
    from fastnst.evaluation import measures
    from fastnst.evaluation import pictures as picture_figures
    from fastnst.evaluation import subject as subjects
    from fastnst.features import loss_network
    from fastnst.models import restore, store
    from fastnst.training.tasks import inputs

    sizes = [_size(text) for text in arguments.size.split(",")]
    reference = store.find(arguments.model)
    names = restore.styles(reference.path)
    chosen = arguments.style or reference.style
    if arguments.painting:
        settings, styles = _with_painting(arguments.painting, chosen, names)
    else:
        settings, styles = _of_run(reference, chosen, names)
    model = restore.load(reference)
    paths = inputs.validation_paths(arguments.images)[: arguments.photos]
    judge = settings.loss_network
    if judge.loss_model != schema.LossNetwork.loss_model:
        # One network measures the pictures of all, or the figures could not be compared.
        judge = schema.LossNetwork()
    weights = loss_network.load_weights(files.find(judge.loss_model_file))
    network = loss_network.LossNetwork(weights, _LAYERS)
    grams = measures.Grams(network, (picture_figures.LAYER,))
    for style, given in styles.items():
        side = given.side(settings.data.image_size)
        painting, *_ = inputs.read_paintings(files.find(given.style_image), side)
        name = style if len(names) > 1 else reference.name
        output = arguments.output or Path("generated") / f"quality-{reference.name}"
        if len(names) > 1:
            output /= name
        subject = subjects.of(model, style, name, painting)
        pictures = _measure_pictures(subject, grams, paths, output)
        if arguments.steps:
            only = dataclasses.replace(settings, styles={style: given})
            objectives, _ = inputs.make_objectives(only)
            objective = objectives[style]
            _compare(subject, objective, network, sizes, paths, output, arguments, pictures)
        terminal.show(str(output))
    return terminal.DONE


# The configuration, and the styles to measure by name.
_Objectives: TypeAlias = tuple[config.Config, dict[str, config.Style]]


def _of_run(
    reference: store.Reference, chosen: str | None, names: collections.abc.Sequence[str]
) -> _Objectives:
    """Reads the objectives of a run from its configuration.

    Args:
        reference: The run.
        chosen: The style to measure; None for all.
        names: Names of the model's styles.
    """
    from fastnst.models import run_folder

    conf = run_folder.RunFolder(reference.folder).config
    if not conf.is_file():
        raise errors.UserError(
            f"{reference.path}: has no config.yml, which names the painting and the objective; "
            "name the folder of a run, or the painting with --painting FILE"
        )
    settings = config.load(conf)
    styles = settings.styles
    if len(styles) == len(names) == 1:
        # A network of one style is known by its folder's name, which may have changed.
        styles = dict(zip(names, styles.values(), strict=True))
    if chosen and chosen not in styles:
        raise errors.UserError(
            f"--style {chosen}: its objective is not in {conf}, which has none for styles added "
            "by fastnst learn; name its painting with --painting FILE, or choose from "
            f"{', '.join(styles)}"
        )
    return settings, {chosen: styles[chosen]} if chosen else styles


def _with_painting(
    painting: Path, chosen: str | None, names: collections.abc.Sequence[str]
) -> _Objectives:
    """Makes the default objective of a painting; see `_of_run`."""
    if not chosen and len(names) > 1:
        raise errors.UserError(
            f"--painting {painting}: is of one style; name it with --style (styles: "
            f"{', '.join(names)})"
        )
    style = chosen or names[0]
    if style not in names:
        hint = errors.did_you_mean(style, names)
        raise errors.UserError(f"--style: no style {style}{hint} (styles: {', '.join(names)})")
    if not painting.exists():
        raise errors.UserError(f"--painting {painting}: no such file or folder")
    settings = config.from_mapping({"naming": "measured", "style_image": str(painting)})
    (given,) = settings.styles.values()
    return settings, {style: given}


def _measure_pictures(
    subject: subjects.Subject,
    grams: measures.Grams,
    paths: collections.abc.Sequence[Path],
    output: Path,
) -> dict[str, Any]:
    """Measures how the pictures look; returns the figures."""
    import tqdm

    from fastnst.evaluation import measures
    from fastnst.evaluation import pictures as picture_figures

    distance = measures.GramDistance(grams, subject.painting)
    figures = picture_figures.Figures(
        subject.paint, subject.paint_frame, subject.painting, distance
    )
    sizes = _earlier_sizes(output, subject)
    names: list[str] = []
    found: dict[str, Any] = {}
    for path in tqdm.tqdm(paths, unit="photo", disable=None):
        figures.add(functools.partial(images.read, path))
        names.append(path.name)
        found = {**figures.summary(), card.PHOTO_NAMES: names}
        _save(output, subject, sizes, found)
    terminal.show(picture_table(subject.name, found))
    return found


def _compare(
    subject: subjects.Subject,
    objective: perceptual.PerceptualLoss,
    network: loss_network.LossNetwork,
    sizes: collections.abc.Sequence[int],
    paths: collections.abc.Sequence[Path],
    output: Path,
    arguments: argparse.Namespace,
    pictures: dict[str, Any],
) -> None:
    """Compares the network with the optimizer at every size."""
    import tqdm

    from fastnst.evaluation import iterations, measures

    chosen = objective.weights
    used = {*chosen.content_layers, *chosen.style_layers}
    others = [layer for layer in _LAYERS if layer not in used]
    further = measures.GramDistance(measures.Grams(network, others), subject.painting)
    starts = STARTS[arguments.start]
    found: dict[int, Any] = {}
    for size in sizes:
        assessments: list[iterations.Assessment] = []
        total = len(paths) * len(starts) * arguments.steps
        with tqdm.tqdm(total=total, unit=" iterations", disable=None) as bar:

            def count(event: events.Event, bar: tqdm.tqdm = bar) -> None:
                if isinstance(event, events.Step):
                    bar.update()

            for path in paths:
                one = iterations.assess(
                    subject.paint,
                    objective,
                    subject.painting,
                    further,
                    name=path.name,
                    photo=_square(path, size),
                    steps=arguments.steps,
                    seed=arguments.seed,
                    starts=starts,
                    on_event=count,
                )
                assessments.append(one)
                # Saved after each photo, so that an interrupted run keeps its results.
                found[size] = iterations.summary(assessments)
                images.write(output / f"pictures-{size}.png", beside(assessments))
                plot(subject.name, size, found[size], output / f"curves-{size}.png")
                _save(output, subject, found, pictures)
        terminal.show(table(subject.name, size, found[size]))


def _earlier_sizes(output: Path, subject: subjects.Subject) -> dict[Any, Any]:
    """Returns an earlier comparison of the same model, which takes long, until it is repeated."""
    try:
        earlier = json.loads(files.read(output / "quality.json"))
        return dict(earlier["sizes"]) if earlier["model"] == subject.name else {}
    # Deeply nested lists raise a RecursionError.
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def _save(
    output: Path, subject: subjects.Subject, sizes: dict[Any, Any], pictures: dict[str, Any]
) -> None:
    found = {"model": subject.name, "sizes": sizes, "pictures": pictures}
    files.write(output / "quality.json", json.dumps(found, indent=2))


def _require_extras() -> None:
    """Checks for optional packages, because they would first be imported minutes later."""
    for module in ("scipy", "matplotlib"):
        if importlib.util.find_spec(module) is None:
            raise errors.UserError(
                f"this command needs {module}, which is not installed; "
                "run pip install scipy matplotlib"
            )


def _size(text: str) -> int:
    try:
        return terminal.whole(text, 96, _MOST_SIDE)
    except argparse.ArgumentTypeError as error:
        raise errors.UserError(f"--size: {error}") from None


def _square(path: Path, size: int) -> np.ndarray:
    """Returns the largest center square of a photo, scaled to uint8 RGB [size, size, 3]."""
    pixels = images.to_uint8(images.read(path, size))
    top, left = ((side - size) // 2 for side in pixels.shape[:2])
    return pixels[top : top + size, left : left + size]
