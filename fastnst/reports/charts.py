"""Charts of metrics by step, as SVG."""

from __future__ import annotations

import collections.abc
import dataclasses
import math
from html import escape
from typing import TypeAlias

import numpy as np

from fastnst import formatting

Metrics: TypeAlias = collections.abc.Mapping[str, object]
Points: TypeAlias = list[tuple[float, float]]

MAX_POINTS = 400
MAX_DOTS = 40


def thin(points: Points, limit: int = MAX_POINTS) -> Points:
    """Averages runs of neighboring points, so that at most `limit` points remain."""
    if len(points) <= limit:
        return points
    runs = np.array_split(np.asarray(points, np.float64), limit)
    return [(float(step), float(value)) for step, value in (run.mean(axis=0) for run in runs)]


def log_ticks(low: float, high: float) -> list[float]:
    """Returns ticks at 1, 2 and 5 times powers of ten that enclose `low` and `high`."""
    exponents = range(math.floor(math.log10(low)) - 1, math.floor(math.log10(high)) + 2)
    # Parsing text gives the nearest float: 2e-05 and not 2.0000000000000003e-05.
    ticks = [float(f"{factor}e{exponent}") for exponent in exponents for factor in (1, 2, 5)]
    first = max(index for index, tick in enumerate(ticks) if tick <= low)
    last = min(index for index, tick in enumerate(ticks) if tick >= high)
    return ticks[first : max(last, first + 1) + 1]


def linear_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Returns multiples of a round number that enclose `low` and `high`, in about `most` steps."""
    span = (high - low) or abs(high) or 1.0
    exponent = math.floor(math.log10(span / most))
    strides = (float(f"{factor}e{exponent}") for factor in (1, 2, 5, 10))
    stride = next(stride for stride in strides if span / stride <= most)
    first, last = math.floor(low / stride), math.ceil(high / stride)
    return [number * stride for number in range(first, max(last, first + 1) + 1)]


def step_ticks(last: int, most: int = 5) -> list[int]:
    """Returns the multiples of a round number from 0 to `last`, with at most `most` intervals."""
    strides = (factor * 10**power for power in range(20) for factor in (1, 2, 5))
    return list(range(0, last + 1, next(stride for stride in strides if last / stride <= most)))


def _points(
    metrics: collections.abc.Iterable[Metrics], kind: str, term: str, logarithmic: bool
) -> Points:
    """Returns the points of one curve, without values that the axis cannot show."""
    found: Points = []
    for line in metrics:
        step, value = line.get("step"), line.get(term)
        if line.get("kind") != kind or not isinstance(step, int):
            continue
        above = 0 if logarithmic else -math.inf
        if isinstance(value, int | float) and above < value < math.inf:
            found.append((step, value))
    return thin(found)


@dataclasses.dataclass(frozen=True)
class Axes:
    """Maps points to a chart: steps on a linear x axis from 0, values on the y axis.

    Attributes:
        last_step: Step at the right end.
        low: Value at the bottom.
        high: Value at the top.
        logarithmic: Whether the y axis is logarithmic, else linear.
    """

    last_step: int
    low: float
    high: float
    logarithmic: bool = True

    width, height = 540, 320
    left, right, top, bottom = 50, 520, 10, 290

    def x(self, step: float) -> float:
        """Returns the horizontal position of a step, in units of the chart."""
        return round(self.left + (self.right - self.left) * step / self.last_step, 1)

    def y(self, value: float) -> float:
        """Returns the vertical position of a value, in units of the chart."""
        if self.logarithmic:
            part = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            part = (value - self.low) / (self.high - self.low)
        return round(self.bottom - (self.bottom - self.top) * part, 1)


def _grid(axes: Axes, ticks: list[float]) -> str:
    if axes.logarithmic and len(ticks) > 7:
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


def _curve(axes: Axes, points: Points, kind: str, color: str) -> str:
    places = [(axes.x(step), axes.y(value)) for step, value in points]
    line = "L".join(f"{x} {y}" for x, y in places)
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="2.5"/>' for x, y in places)
    shown = dots if len(places) <= MAX_DOTS else ""
    return f'<g class="{kind} {color}"><path d="M{line}"/>{shown}</g>'


def chart(
    title: str,
    metrics: collections.abc.Sequence[Metrics],
    terms: collections.abc.Sequence[str],
    first: int = 0,
    logarithmic: bool = True,
) -> str:
    """Draws curves by step: thin for training, bold for validation.

    Args:
        title: Heading of the chart.
        metrics: Lines of metrics.jsonl.
        terms: Names of the metrics to draw.
        first: Number of the first metric's color; the others follow in order.
        logarithmic: Whether the axis of the values is logarithmic, else linear.

    Returns:
        An HTML figure with an SVG; "" if there is nothing to draw.
    """
    curves = {
        (kind, term): points
        for kind in ("training", "validation")
        for term in terms
        if (points := _points(metrics, kind, term, logarithmic))
    }
    if not curves:
        return ""
    values = [value for points in curves.values() for _, value in points]
    ticks = (log_ticks if logarithmic else linear_ticks)(min(values), max(values))
    last_step = max(step for line in metrics if isinstance(step := line.get("step"), int))
    axes = Axes(max(last_step, 1), ticks[0], ticks[-1], logarithmic)
    colors = {term: f"term{number}" for number, term in enumerate(terms, first)}
    drawn = "".join(
        _curve(axes, points, kind, colors[term]) for (kind, term), points in curves.items()
    )
    shown = [term for term in terms if any(term == key[1] for key in curves)]
    legend = "".join(
        f' <span class="{colors[term]}">{escape(term.partition("/")[0])}</span>'
        for term in shown
        if len(terms) > 1
    )
    return (
        f'<figure class="chart"><figcaption><b>{title}</b>{legend}</figcaption>'
        f'<svg viewBox="0 0 {axes.width} {axes.height}" role="img" aria-label="{title}">'
        f"{_grid(axes, ticks)}{drawn}</svg></figure>"
    )
