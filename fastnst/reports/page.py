"""The report of a finished training or optimisation: one HTML file that needs nothing beside it.

The page around what is written here, with its looks, is page.html.
"""

from __future__ import annotations

import base64
import collections.abc
import dataclasses
import math
import shlex
import string
from html import escape
from importlib import resources
from pathlib import Path
from typing import TypeAlias

import numpy as np

from fastnst import formatting, images

Metrics: TypeAlias = collections.abc.Mapping[str, object]
Points: TypeAlias = list[tuple[float, float]]

MAX_POINTS = 400
MAX_DOTS = 40
MAX_STRIPS = 8
TERMS = ("total", "content", "style", "tv")

# The file stays near 3 MB with six photos.
_QUALITY = 82
_STYLE_SIDE, _PHOTO_SIDE, _STRIP_WIDTH = 480, 320, 1280


@dataclasses.dataclass(frozen=True)
class Wording:
    """What a report says around what it shows.

    Attributes:
        kind: What it is a report of.
        strips: The note on the pictures by step.
        charts: The note on the curves.
        values: The title of the table of values.
        columns: By kind of line in the metrics, what to call the last of that kind there.
        config: The title and the note of the configuration.
        onwards: What to do next, and the command for it; "{model}" stands for what the commands
            know the model by.
    """

    kind: str
    strips: str
    charts: str
    values: str
    columns: collections.abc.Mapping[str, str]
    config: tuple[str, str]
    onwards: tuple[tuple[str, str], ...]


TRAINING = Wording(
    kind="training report",
    strips="The same photos, by step of training.",
    charts="By step, on a logarithmic axis. Thin: in training. Bold: on the validation photos.",
    values="Last values",
    columns={"training": "training", "validation": "validation"},
    config=("Configuration", "All keys, as the training used them."),
    onwards=(
        ("Paint photos:", "python eval.py --model {model} photo.jpg"),
        ("Export it for other programs:", "python export.py --model {model}"),
    ),
)

OPTIMISATION = Wording(
    kind="optimisation report",
    strips="The picture, by iteration.",
    charts="By iteration, on a logarithmic axis.",
    values="What is left",
    columns={"best": "in the picture"},
    config=("Options", "As this picture was painted with."),
    onwards=(),
)


def thin(points: Points, limit: int = MAX_POINTS) -> Points:
    """Replaces runs of neighbouring points by their means, so that no more than `limit` stay."""
    if len(points) <= limit:
        return points
    runs = np.array_split(np.asarray(points, np.float64), limit)
    return [(float(step), float(value)) for step, value in (run.mean(axis=0) for run in runs)]


def log_ticks(low: float, high: float) -> list[float]:
    """Lists 1, 2 and 5 times powers of ten, from the last at or below `low` to beyond `high`."""
    exponents = range(math.floor(math.log10(low)) - 1, math.floor(math.log10(high)) + 2)
    # Read from text, the ticks are the nearest floats: 2e-05 and not 2.0000000000000003e-05.
    ticks = [float(f"{factor}e{exponent}") for exponent in exponents for factor in (1, 2, 5)]
    first = max(index for index, tick in enumerate(ticks) if tick <= low)
    last = min(index for index, tick in enumerate(ticks) if tick >= high)
    return ticks[first : max(last, first + 1) + 1]


def step_ticks(last: int, most: int = 5) -> list[int]:
    """Lists the multiples of a round number from 0 to `last`, with `most` intervals or fewer."""
    strides = (factor * 10**power for power in range(20) for factor in (1, 2, 5))
    return list(range(0, last + 1, next(stride for stride in strides if last / stride <= most)))


def _points(metrics: collections.abc.Iterable[Metrics], kind: str, term: str) -> Points:
    """Picks one curve; what has no place on a logarithmic axis is left out."""
    found: Points = []
    for line in metrics:
        step, value = line.get("step"), line.get(term)
        if line.get("kind") != kind or not isinstance(step, int):
            continue
        if isinstance(value, int | float) and 0 < value < math.inf:
            found.append((step, value))
    return thin(found)


@dataclasses.dataclass(frozen=True)
class Axes:
    """Where points lie in a chart: steps from 0 to the right, values logarithmic and upwards.

    Attributes:
        last_step: The right end.
        low: The value at the bottom.
        high: The value at the top.
    """

    last_step: int
    low: float
    high: float

    width, height = 540, 320
    left, right, top, bottom = 50, 520, 10, 290

    def x(self, step: float) -> float:
        """Where a step lies, in units of the chart."""
        return round(self.left + (self.right - self.left) * step / self.last_step, 1)

    def y(self, value: float) -> float:
        """Where a value lies, in units of the chart."""
        part = math.log(value / self.low) / math.log(self.high / self.low)
        return round(self.bottom - (self.bottom - self.top) * part, 1)


def _grid(axes: Axes, ticks: list[float]) -> str:
    if len(ticks) > 7:
        powers = [tick for tick in ticks if f"{tick:e}".startswith("1")]
        ticks = powers[:: math.ceil(len(powers) / 7)]
    lines = "".join(
        f'<path class="grid" d="M{axes.left} {axes.y(tick)}H{axes.right}"/>'
        f'<text class="value" x="{axes.left - 8}" y="{axes.y(tick)}">'
        f"{formatting.short(tick)}</text>"
        for tick in ticks
    )
    return lines + "".join(
        f'<text class="step" x="{axes.x(tick)}" y="{axes.bottom + 20}">{tick:,}</text>'
        for tick in step_ticks(axes.last_step)
    )


def _curve(axes: Axes, points: Points, kind: str, term: str) -> str:
    places = [(axes.x(step), axes.y(value)) for step, value in points]
    line = "L".join(f"{x} {y}" for x, y in places)
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="2.5"/>' for x, y in places)
    shown = dots if len(places) <= MAX_DOTS else ""
    return f'<g class="{kind} {term}"><path d="M{line}"/>{shown}</g>'


def _chart(title: str, metrics: collections.abc.Sequence[Metrics], terms: tuple[str, ...]) -> str:
    curves = {
        (kind, term): points
        for kind in ("training", "validation")
        for term in terms
        if (points := _points(metrics, kind, term))
    }
    if not curves:
        return ""
    values = [value for points in curves.values() for _, value in points]
    ticks = log_ticks(min(values), max(values))
    last_step = max(step for line in metrics if isinstance(step := line.get("step"), int))
    axes = Axes(max(last_step, 1), ticks[0], ticks[-1])
    drawn = "".join(_curve(axes, points, *key) for key, points in curves.items())
    shown = [term for term in terms if any(term == key[1] for key in curves)]
    legend = "".join(f' <span class="{term}">{term}</span>' for term in shown if len(terms) > 1)
    return (
        f'<figure class="chart"><figcaption><b>{title}</b>{legend}</figcaption>'
        f'<svg viewBox="0 0 {axes.width} {axes.height}" role="img" aria-label="{title}">'
        f"{_grid(axes, ticks)}{drawn}</svg></figure>"
    )


def _image(pixels: np.ndarray, alt: str) -> str:
    data = images.encode(images.Picture(pixels), "JPEG", _QUALITY)
    height, width = pixels.shape[:2]
    return (
        f'<img alt="{escape(alt)}" width="{width}" height="{height}" '
        f'src="data:image/jpeg;base64,{base64.b64encode(data).decode("ascii")}">'
    )


def _at_most(pixels: np.ndarray, side: int) -> np.ndarray:
    return images.resize_shorter_side(pixels, side) if min(pixels.shape[:2]) > side else pixels


def _pair(number: int, photo: np.ndarray, stylized: np.ndarray) -> str:
    height, width = photo.shape[:2]
    return (
        f'<div class="pair" style="--ratio:{width / height:.4f}">'
        f"{_image(_at_most(photo, _PHOTO_SIDE), f'photo {number}')}"
        f"{_image(_at_most(stylized, _PHOTO_SIDE), f'photo {number}, painted')}"
        f'<input type="range" value="50" aria-label="how much of photo {number} is painted"></div>'
    )


def _strip(step: int, path: Path) -> str:
    pixels = images.decode(images.read_bytes(path), str(path))
    height, width = pixels.shape[:2]
    if width > _STRIP_WIDTH:
        pixels = images.resize(pixels, max(1, round(height * _STRIP_WIDTH / width)), _STRIP_WIDTH)
    return f"<figcaption>{step:,}</figcaption>{_image(pixels, f'painted at step {step}')}"


def _strips(samples: collections.abc.Mapping[int, Path]) -> str:
    steps = sorted(samples)
    # Evenly spaced, counted back from the last; the first shows where it came from.
    stride = max(1, math.ceil((len(steps) - 1) / (MAX_STRIPS - 1)))
    chosen = sorted({*steps[:1], *steps[::-1][::stride]})
    return "".join(f"<figure>{_strip(step, samples[step])}</figure>" for step in chosen)


def _table(
    title: str,
    names: collections.abc.Iterable[str],
    columns: collections.abc.Mapping[str, Metrics],
) -> str:
    rows = ""
    for name in names:
        values = [column.get(name) for column in columns.values()]
        if any(value is not None for value in values):
            label = escape(name.removeprefix("layers/").replace("/", " "))
            cells = "".join(
                f"<td>{formatting.short(value) if isinstance(value, int | float) else ''}</td>"
                for value in values
            )
            rows += f'<tr><th scope="row">{label}</th>{cells}</tr>'
    heads = f"<tr><th>{title}</th>{''.join(f'<td>{heading}</td>' for heading in columns)}</tr>"
    return f"<table>{heads}{rows}</table>" if rows else ""


def _values(
    metrics: collections.abc.Sequence[Metrics], headings: collections.abc.Mapping[str, str]
) -> str:
    last = {line.get("kind"): line for line in metrics}
    columns: dict[str, Metrics] = {
        heading: last[kind] for kind, heading in headings.items() if kind in last
    }
    layers = {
        name: None for line in columns.values() for name in line if name.startswith("layers/")
    }
    return _table("Weighted terms", TERMS, columns) + _table("Layers", layers, columns)


def _section(kind: str, title: str, note: str, body: str) -> str:
    if not body:
        return ""
    return f'<section class="{kind}"><h2>{title}</h2><p>{note}</p><div>{body}</div></section>'


def render(
    name: str,
    style: np.ndarray,
    photos: collections.abc.Sequence[np.ndarray],
    stylized: collections.abc.Sequence[np.ndarray],
    samples: collections.abc.Mapping[int, Path],
    metrics: collections.abc.Sequence[Metrics],
    config_text: str,
    figures: collections.abc.Mapping[str, str],
    wording: Wording = TRAINING,
    model: str | None = None,
) -> str:
    """Writes the report of a training, or of an optimisation.

    Args:
        name: The model's, or the photo's.
        style: uint8 RGB [H, W, 3].
        photos: uint8 RGB [H, W, 3] each; sizes may differ.
        stylized: What became of each photo.
        samples: Image files by step, each a strip of the photos painted at that step.
        metrics: The lines of metrics.jsonl; there may be none.
        config_text: The configuration as YAML.
        figures: Text by label, in the order in which to show them.
        wording: What is said around them.
        model: What commands know the model by, where that is not its name.

    Returns:
        HTML, with all pictures in it.

    Raises:
        UserError: If a sample cannot be read.
    """
    pairs = zip(photos, stylized, strict=True)
    sections = (
        _section(
            "pairs",
            "Before and after",
            'On the left the photo, on the right as painted.<span class="drag"> Drag across it.'
            "</span>",
            "".join(_pair(number, *pair) for number, pair in enumerate(pairs, 1)),
        ),
        _section("strips", "How it developed", wording.strips, _strips(samples)),
        _section(
            "charts",
            "Loss",
            wording.charts,
            _chart("Total", metrics, TERMS[:1]) + _chart("Weighted terms", metrics, TERMS[1:]),
        ),
        _section(
            "values",
            wording.values,
            "The terms as they enter the total, and each layer's own loss, unweighted.",
            _values(metrics, wording.columns),
        ),
    )
    quoted = shlex.quote(model or name)
    page = resources.files("fastnst.reports").joinpath("page.html").read_text(encoding="utf-8")
    return string.Template(page).substitute(
        kind=escape(wording.kind),
        name=escape(name),
        style=_image(_at_most(style, _STYLE_SIDE), "the style image"),
        figures="".join(
            f"<div><dt>{escape(label)}</dt><dd>{escape(text)}</dd></div>"
            for label, text in figures.items()
        ),
        sections="\n".join(sections),
        config_title=escape(wording.config[0]),
        config_note=escape(wording.config[1]),
        config=escape(config_text.strip()),
        onwards="\n".join(
            f"<p>{escape(what)}</p>\n<pre>{escape(command.replace('{model}', quoted))}</pre>"
            for what, command in wording.onwards
        ),
    )
