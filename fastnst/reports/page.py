"""The report of a finished training or optimization: one self-contained HTML file.

The template with the styles and the script is page.html; theme.css is shared by all pages.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import functools
import math
import shlex
import string
from html import escape
from pathlib import Path
from typing import TypeAlias

import numpy as np

from fastnst import errors, formatting, images
from fastnst.reports import charts, parts

Metrics: TypeAlias = collections.abc.Mapping[str, object]
# Strips of pictures by step: image files, or uint8 RGB [H, W, 3].
Samples: TypeAlias = collections.abc.Mapping[int, Path | np.ndarray]

MAX_STRIPS = 8

# With six photos, the file has about 3 MB.
_QUALITY = 82
_STYLE_SIDE, _PHOTO_SIDE, _STRIP_WIDTH = 480, 320, 1280


@dataclasses.dataclass(frozen=True)
class Wording:
    """The texts of a report.

    Attributes:
        kind: Kind of report, shown beside the name.
        strips: Note on the pictures by step.
        charts: Note on the curves.
        values: Title of the table of values.
        columns: Heading of each column of that table, by the kind of metrics line in it.
        config: Title and note of the configuration.
        next_steps: Suggestions, each a text and a command; "{model}" stands for the name or path
            of the model.
        curves: Title of the charts.
        values_note: Note on the values.
        sides: Name of a picture before and after.
        logarithmic: Whether the axis of the charts is logarithmic; it then leaves out values that
            are not above 0.
    """

    kind: str
    strips: str
    charts: str
    values: str
    columns: collections.abc.Mapping[str, str]
    config: tuple[str, str]
    next_steps: tuple[tuple[str, str], ...]
    curves: str = "Loss"
    values_note: str = "The weighted terms of the total, and the unweighted loss of each layer."
    sides: tuple[str, str] = ("the photo", "stylized")
    logarithmic: bool = True


TRAINING = Wording(
    kind="training report",
    strips="The validation photos at each step.",
    charts="By step, on a logarithmic axis. Thin: training. Bold: validation photos.",
    values="Final values",
    columns={"training": "training", "validation": "validation"},
    config=("Configuration", "All keys of this training."),
    next_steps=(
        ("Stylize photos:", "fastnst eval --model {model} photo.jpg"),
        ("Export the model for other programs:", "fastnst export --model {model}"),
    ),
)

OPTIMIZATION = Wording(
    kind="optimization report",
    strips="The picture at each iteration.",
    charts="By iteration, on a logarithmic axis.",
    values="Result",
    columns={"best": "value"},
    config=("Options", "All options of this command."),
    next_steps=(),
)


def _image(pixels: np.ndarray, alt: str) -> str:
    height, width = pixels.shape[:2]
    return (
        f'<img alt="{escape(alt)}" width="{width}" height="{height}" '
        f'src="{parts.data_uri(pixels, _QUALITY)}">'
    )


def _pair(number: int, photo: np.ndarray, stylized: np.ndarray, after: str) -> str:
    height, width = photo.shape[:2]
    return (
        f'<div class="pair" style="--ratio:{width / height:.4f}">'
        f"{_image(parts.at_most(photo, _PHOTO_SIDE), f'photo {number}')}"
        f"{_image(parts.at_most(stylized, _PHOTO_SIDE), f'photo {number}, {after}')}"
        f'<input type="range" value="50" aria-label="compare photo {number}"></div>'
    )


def _pixels(sample: Path | np.ndarray) -> np.ndarray:
    if isinstance(sample, np.ndarray):
        return sample
    return images.decode(images.read_bytes(sample), str(sample))


def _strip(step: int, sample: Path | np.ndarray, name: str) -> str:
    try:
        pixels = _pixels(sample)
    except errors.UserError as error:
        # Losing a picture is no reason to lose the report.
        return f"<figcaption>{step:,}: {escape(str(error))}</figcaption>"
    height, width = pixels.shape[:2]
    if width > _STRIP_WIDTH:
        pixels = images.resize(pixels, max(1, round(height * _STRIP_WIDTH / width)), _STRIP_WIDTH)
    return f"<figcaption>{step:,}</figcaption>{_image(pixels, f'{name} at step {step}')}"


def _strips(samples: Samples, name: str) -> str:
    steps = sorted(samples)
    # Evenly spaced, counted back from the last step. The first step is always shown.
    stride = max(1, math.ceil((len(steps) - 1) / (MAX_STRIPS - 1)))
    chosen = sorted({*steps[:1], *steps[::-1][::stride]})
    return "".join(f"<figure>{_strip(step, samples[step], name)}</figure>" for step in chosen)


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
    metrics: collections.abc.Sequence[Metrics],
    headings: collections.abc.Mapping[str, str],
    terms: collections.abc.Sequence[str],
) -> str:
    last = {line.get("kind"): line for line in metrics}
    columns: dict[str, Metrics] = {
        heading: last[kind] for kind, heading in headings.items() if kind in last
    }
    layers = {
        name: None for line in columns.values() for name in line if name.startswith("layers/")
    }
    return _table("Terms", terms, columns) + _table("Layers", layers, columns)


def _charts(
    metrics: collections.abc.Sequence[Metrics],
    terms: collections.abc.Sequence[str],
    logarithmic: bool,
) -> str:
    """Draws the headline, its terms, and the headline of each series, if there are several."""
    headline, *others = (term for term in terms if "/" not in term)
    series = [term for term in terms if term.endswith(f"/{headline}")]
    draw = functools.partial(charts.chart, logarithmic=logarithmic)
    return (
        draw(headline.capitalize(), metrics, [headline])
        + draw("Terms", metrics, others, first=1)
        + draw(f"{headline.capitalize()}, individually", metrics, series, first=4)
    )


def _section(kind: str, title: str, note: str, body: str) -> str:
    if not body:
        return ""
    return f'<section class="{kind}"><h2>{title}</h2><p>{note}</p><div>{body}</div></section>'


def render(
    name: str,
    reference: np.ndarray | None,
    before: collections.abc.Sequence[np.ndarray],
    after: collections.abc.Sequence[np.ndarray],
    samples: Samples,
    metrics: collections.abc.Sequence[Metrics],
    config_text: str,
    figures: collections.abc.Mapping[str, str],
    terms: collections.abc.Sequence[str],
    wording: Wording = TRAINING,
    model: str | None = None,
) -> str:
    """Renders the report of a training or an optimization.

    Args:
        name: Name of the model or the photo.
        reference: Picture beside the title, uint8 RGB [H, W, 3], or None.
        before: Photos, uint8 RGB [H, W, 3] each; sizes may differ.
        after: Their stylized versions, in the same order.
        samples: Pictures by step, each a strip of the photos stylized at that step.
        metrics: The lines of metrics.jsonl; may be empty.
        config_text: The configuration as YAML.
        figures: Texts by label, in the order in which to show them.
        terms: Names of the metrics to draw and to list, the headline first.
        wording: The texts of the report.
        model: Name or path of the model in commands; None for `name`.

    Returns:
        HTML with all pictures embedded; a sample that cannot be read is named instead.
    """
    pairs = zip(before, after, strict=True)
    first, last = wording.sides
    sections = (
        _section(
            "pairs",
            "Before and after",
            f'Left: {first}. Right: {last}.<span class="drag"> Drag to compare.</span>',
            "".join(_pair(number, *pair, last) for number, pair in enumerate(pairs, 1)),
        ),
        _section("strips", "Progress", wording.strips, _strips(samples, last)),
        _section(
            "charts",
            wording.curves,
            wording.charts,
            _charts(metrics, terms, wording.logarithmic),
        ),
        _section(
            "values",
            wording.values,
            wording.values_note,
            _values(metrics, wording.columns, terms),
        ),
    )
    quoted = shlex.quote(model or name)
    return string.Template(parts.read("page.html")).substitute(
        theme=parts.read("theme.css"),
        kind=escape(wording.kind),
        name=escape(name),
        style=""
        if reference is None
        else f"<figure>{_image(parts.at_most(reference, _STYLE_SIDE), 'the style image')}"
        "<figcaption>The style</figcaption></figure>",
        figures="".join(
            f"<div><dt>{escape(label)}</dt><dd>{escape(text)}</dd></div>"
            for label, text in figures.items()
        ),
        sections="\n".join(sections),
        config_title=escape(wording.config[0]),
        config_note=escape(wording.config[1]),
        config=escape(config_text.strip()),
        next_steps="\n".join(
            f"<p>{escape(text)}</p>\n<pre>{escape(command.replace('{model}', quoted))}</pre>"
            for text, command in wording.next_steps
        ),
    )
