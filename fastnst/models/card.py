"""The model card: a description of a network, its training and its use."""

from __future__ import annotations

import collections.abc
import json
from pathlib import Path
from typing import Any

from fastnst import checkpoint_file
from fastnst.models import metrics_log, run_folder

FACTS = "training.json"


def read_facts(model: Path) -> dict[str, Any]:
    """Returns the facts about a model's training, from its run or from its shipped folder."""
    shipped = model / FACTS
    if shipped.exists():
        return json.loads(shipped.read_text(encoding="utf-8"))
    lines = metrics_log.read(run_folder.RunFolder(model).metrics)
    starts, training, judged = (
        [line for line in lines if line["kind"] == kind]
        for kind in ("start", "training", "validation")
    )
    facts: dict[str, Any] = {}
    if starts:
        known = ("photos", "device", "precision")
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
            if name not in ("kind", "time") and "/" not in name
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
    """Formats the figures of the pictures: labels and values, without the number of photos."""
    return [
        (label, "no flat areas" if value is None else f"{value:.2f}")
        for label, value in pictures.items()
        if label != "photos"
    ]


def _pictures(found: dict[str, Any]) -> str:
    """Renders how the pictures look as a section."""
    rows = "".join(f"| {label} | {text} |\n" for label, text in picture_rows(found))
    return f"## Pictures\n\nMeans over {found['photos']} photos:\n\n| | |\n|---|---|\n{rows}"


def _quality(found: dict[str, Any]) -> str:
    """Renders the results of `fastnst quality` at the first size as a section."""

    def cell(value: dict[str, float], digits: int = 2) -> str:
        return f"{value['mean']:,.{digits}f} ± {value['spread']:,.{digits}f}"

    (size, of_size), *_ = found["sizes"].items()
    rows = [
        ("objective of the network", cell(of_size["network"], 0)),
        *(
            (f"objective after {iteration} iterations of the optimizer from {start}", cell(at, 0))
            for start, curve in of_size["optimiser"].items()
            for iteration, at in curve.items()
        ),
        *(
            (
                f"iterations from {start} that equal the network",
                equal_iterations_text(number, of_size["steps"], 1),
            )
            for start, number in of_size["equal_iterations"].items()
        ),
        *((name, cell(value)) for name, value in of_size["figures"].items()),
    ]
    table = "".join(f"| {label} | {text} |\n" for label, text in rows)
    return (
        f"## Quality\n\nOn {of_size['photos']} photos at {size} px that were not used in training, "
        f"mean ± spread:\n\n| | |\n|---|---|\n{table}"
    )


def render(
    name: str,
    use: str,
    facts: dict[str, Any],
    config_text: str,
    quality: dict[str, Any] | None = None,
    styles: collections.abc.Sequence[str] = (),
) -> str:
    """Renders the card as Markdown.

    Args:
        name: Name of the model.
        use: Section on the use of the files, as Markdown, with "{name}" for the name.
        facts: Facts from `read_facts`; may be empty.
        config_text: The configuration as YAML; may be empty.
        quality: Contents of quality.json, which `fastnst quality` writes; may be empty.
        styles: Names of the styles, in order; a single one is not named again.
    """
    parts = [
        f"# {name}\n",
        "A feed-forward network for style transfer (Johnson et al. 2016, with instance norm), "
        "trained with\nfastnst. License: Apache-2.0, as far as the rights to the style image "
        "allow.\n",
    ]
    if len(styles) > 1:
        first, *others = (f"`{style}`" for style in styles)
        parts.append(f"## Styles\n\n{first} (the default), {', '.join(others)}\n")
    parts.append(use.replace("{name}", name))
    if facts:
        parts.append(f"## Training\n\n```json\n{json.dumps(facts, indent=2)}\n```\n")
    if quality and quality["sizes"]:
        parts.append(_quality(quality))
    if quality and "pictures" in quality:
        parts.append(_pictures(quality["pictures"]))
    if config_text:
        parts.append(f"## Configuration\n\n```yaml\n{config_text.strip()}\n```\n")
    return "\n".join(parts)
