"""The report of a finished training or optimization: one self-contained HTML file.

The template with the styles and the script is page.html; theme.css is shared by all pages.
"""

from __future__ import annotations

import collections.abc
import dataclasses
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


def _pair(number: int, photo: np.ndarray, stylized: np.ndarray) -> str:
    height, width = photo.shape[:2]
    return (
        f'<div class="pair" style="--ratio:{width / height:.4f}">'
        f"{_image(parts.at_most(photo, _PHOTO_SIDE), f'photo {number}')}"
        f"{_image(parts.at_most(stylized, _PHOTO_SIDE), f'photo {number}, stylized')}"
        f'<input type="range" value="50" aria-label="compare photo {number}"></div>'
    )


def _strip(step: int, path: Path) -> str:
    try:
        pixels = images.decode(images.read_bytes(path), str(path))
    except errors.UserError as error:
        # Losing a picture is no reason to lose the report.
        return f"<figcaption>{step:,}: {escape(str(error))}</figcaption>"
    height, width = pixels.shape[:2]
    if width > _STRIP_WIDTH:
        pixels = images.resize(pixels, max(1, round(height * _STRIP_WIDTH / width)), _STRIP_WIDTH)
    return f"<figcaption>{step:,}</figcaption>{_image(pixels, f'stylized at step {step}')}"


def _strips(samples: collections.abc.Mapping[int, Path]) -> str:
    steps = sorted(samples)
    # Evenly spaced, counted back from the last step. The first step is always shown.
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
    metrics: collections.abc.Sequence[Metrics], terms: collections.abc.Sequence[str]
) -> str:
    """Draws the headline, its terms, and the headline of each series, if there are several."""
    headline, *others = (term for term in terms if "/" not in term)
    series = [term for term in terms if term.endswith(f"/{headline}")]
    return (
        charts.chart(headline.capitalize(), metrics, [headline])
        + charts.chart("Terms", metrics, others, first=1)
        + charts.chart(f"{headline.capitalize()}, individually", metrics, series, first=4)
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
    samples: collections.abc.Mapping[int, Path],
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
        samples: Image files by step, each a strip of the photos stylized at that step.
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
    sections = (
        _section(
            "pairs",
            "Before and after",
            'Left: the photo. Right: stylized.<span class="drag"> Drag to compare.</span>',
            "".join(_pair(number, *pair) for number, pair in enumerate(pairs, 1)),
        ),
        _section("strips", "Progress", wording.strips, _strips(samples)),
        _section(
            "charts",
            wording.curves,
            wording.charts,
            _charts(metrics, terms),
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
