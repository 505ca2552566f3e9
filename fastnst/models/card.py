"""The model card: a description of a network, its training and its use."""

from __future__ import annotations

import collections.abc
import json
from pathlib import Path
from typing import Any

from fastnst import checkpoint_file, files
from fastnst.models import metrics_log, run_folder

FACTS = "training.json"
# Key of the photos' names among the figures of the pictures.
PHOTO_NAMES = "names"


def read_facts(model: Path) -> dict[str, Any]:
    """Returns the facts about a model's training, from its run or from its shipped folder.

    Of a damaged file, the facts consist of a note that says so.
    """
    shipped = model / FACTS
    if shipped.exists():
        try:
            found = json.loads(files.read(shipped))
            if not isinstance(found, dict):
                raise ValueError
        # Deeply nested lists raise a RecursionError.
        except (OSError, ValueError, RecursionError):
            return {"note": f"{FACTS} is damaged, and its facts are left out"}
        return found
    lines = metrics_log.read(run_folder.RunFolder(model).metrics)
    starts, training, judged = (
        [line for line in lines if line["kind"] == kind]
        for kind in ("start", "training", "validation")
    )
    facts: dict[str, Any] = {}
    if starts:
        known = ("photos", "pictures", "device", "precision")
        facts |= {name: starts[-1][name] for name in known if name in starts[-1]}
    if training:
        facts["steps"] = training[-1]["step"]
        facts["minutes"] = round(metrics_log.seconds_spent(lines) / 60, 1)
    # An earlier best checkpoint may belong to another objective, so take the one in use.
    in_use = checkpoint_file.newest(run_folder.RunFolder(model).checkpoints)
    step = int(in_use.rpartition("-")[2]) if in_use else None
    if best := next((line for line in reversed(judged) if line["step"] == step), None):
        # Values of single layers and styles, whose names contain a slash, would be too many.
        facts["validation"] = {
            name: value if isinstance(value, int) else float(f"{value:.6g}")
            for name, value in best.items()
            if isinstance(value, int | float) and name != "time" and "/" not in name
        }
    return facts


def equal_iterations_text(number: float | None, steps: int, digits: int = 0) -> str:
    """Formats the number of iterations that equal a network.

    Args:
        number: The iterations; None if the optimizer never reached the network's objective.
        steps: The iterations that the optimizer ran.
        digits: Digits after the decimal point.
    """
    return f"more than {steps}" if number is None else f"{number:.{digits}f}"


def picture_rows(pictures: dict[str, Any]) -> list[tuple[str, str]]:
    """Formats the figures of the pictures: labels and values, without the photos."""
    return [
        (label, "no flat areas" if value is None else f"{value:.2f}")
        for label, value in pictures.items()
        if label not in ("photos", PHOTO_NAMES)
    ]


def table_of_pictures(quality: collections.abc.Mapping[str, dict[str, Any]]) -> str:
    """Renders how the pictures of some styles look as a table in Markdown, one row a style.

    Args:
        quality: The results of `fastnst quality` by style, with the same figures.
    """
    rows = {style: picture_rows(found["pictures"]) for style, found in quality.items()}
    heads = [label for label, _ in next(iter(rows.values()))]
    return _table(heads, {style: [text for _, text in row] for style, row in rows.items()})


def table_of_objectives(quality: collections.abc.Mapping[str, dict[str, Any]]) -> str:
    """Renders the comparison with the optimizer at the first size as a table in Markdown.

    Args:
        quality: The results of `fastnst quality` by style, each with at least one size.
    """
    rows = {style: _objectives(_first_size(found)[1]) for style, found in quality.items()}
    heads = list(next(iter(rows.values())))
    return _table(heads, {style: list(row.values()) for style, row in rows.items()})


def _objectives(found: dict[str, Any]) -> dict[str, str]:
    """Formats a comparison with the optimizer; objectives in thousands."""

    def thousands(value: dict[str, float]) -> str:
        return f"{value['mean'] / 1e3:,.0f} k"

    cells = {"objective": thousands(found["network"])}
    for start, curve in found["optimiser"].items():
        for iteration, at in curve.items():
            cells[f"after {iteration} iterations from {start}"] = thousands(at)
    for start, number in found["equal_iterations"].items():
        cells[f"equals, from {start}"] = equal_iterations_text(number, found["steps"], 1)
    return cells | {name: f"{value['mean']:.2f}" for name, value in found["figures"].items()}


def _first_size(found: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    (first, *_) = found["sizes"].items()
    return first


def _table(heads: list[str], rows: dict[str, list[str]]) -> str:
    lines = [["style", *heads], ["---"] * (len(heads) + 1)]
    lines += [[style, *cells] for style, cells in rows.items()]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def render(
    name: str,
    use: str,
    facts: dict[str, Any],
    config_text: str,
    quality: collections.abc.Mapping[str, dict[str, Any]] | None = None,
    styles: collections.abc.Sequence[str] = (),
) -> str:
    """Renders the card as Markdown.

    Args:
        name: Name of the model.
        use: Section on the use of the files, as Markdown, with "{name}" for the name.
        facts: Facts from `read_facts`; may be empty.
        config_text: The configuration as YAML; may be empty.
        quality: Contents of the quality.json that `fastnst quality` writes, by style; may be empty.
        styles: Names of the styles, in order; a single one is not named again.
    """
    parts = [
        f"# {name}\n",
        "A feed-forward network for style transfer (Johnson et al. 2016, with instance norm), "
        "trained with\nfastnst. License: Apache-2.0, as far as the rights to its paintings "
        "allow.\n",
    ]
    if len(styles) > 1:
        first, *others = (f"`{style}`" for style in styles)
        parts.append(f"## Styles\n\n{first} (the default), {', '.join(others)}\n")
    parts.append(use.replace("{name}", name))
    if facts:
        parts.append(f"## Training\n\n```json\n{json.dumps(facts, indent=2)}\n```\n")
    if looks := {style: found for style, found in (quality or {}).items() if "pictures" in found}:
        count = next(iter(looks.values()))["pictures"]["photos"]
        parts.append(f"## Pictures\n\nMeans over {count} photos:\n\n{table_of_pictures(looks)}")
    if compared := {style: found for style, found in (quality or {}).items() if found["sizes"]}:
        size, found = _first_size(next(iter(compared.values())))
        parts.append(
            f"## Quality\n\nMeans over {found['photos']} photos at {size} px that were not used in "
            f"training:\n\n{table_of_objectives(compared)}"
        )
    if config_text:
        parts.append(f"## Configuration\n\n```yaml\n{config_text.strip()}\n```\n")
    return "\n".join(parts)
