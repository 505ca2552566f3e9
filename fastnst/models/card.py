"""The model card: what a network is, how it came about and how it is called."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fastnst import checkpoint_file
from fastnst.models import metrics_log, run_folder

FACTS = "training.json"


def read_facts(model: Path) -> dict[str, Any]:
    """Gathers what is known of a model's training, from its run or from its shipped folder."""
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
    # What was best by an earlier objective is no longer what paints.
    painting = checkpoint_file.newest(run_folder.RunFolder(model).checkpoints)
    step = int(painting.rpartition("-")[2]) if painting else None
    if best := next((line for line in reversed(judged) if line["step"] == step), None):
        # Values of each layer and style, which have a slash in their names, would be too many.
        facts["validation"] = {
            name: round(value, 1)
            for name, value in best.items()
            if name not in ("kind", "time") and "/" not in name
        }
    return facts


def equal_iterations_text(number: float | None, steps: int, digits: int = 0) -> str:
    """Tells how many iterations a network equals.

    Args:
        number: Null where the optimiser never drew level.
        steps: How many it had.
        digits: After the decimal point.
    """
    return f"more than {steps}" if number is None else f"{number:.{digits}f}"


def _quality(found: dict[str, Any]) -> str:
    """The figures of `fastnst quality`, of one size, as a section."""

    def cell(value: dict[str, float], digits: int = 2) -> str:
        return f"{value['mean']:,.{digits}f} ± {value['spread']:,.{digits}f}"

    (size, of_size), *_ = found["sizes"].items()
    rows = [
        ("objective of the network", cell(of_size["network"], 0)),
        *(
            (f"objective after {iteration} iterations of the optimiser from {start}", cell(at, 0))
            for start, curve in of_size["optimiser"].items()
            for iteration, at in curve.items()
        ),
        *(
            (
                f"iterations from {start} that it equals",
                equal_iterations_text(number, of_size["steps"], 1),
            )
            for start, number in of_size["equal_iterations"].items()
        ),
        *((name, cell(value)) for name, value in of_size["figures"].items()),
    ]
    table = "".join(f"| {label} | {text} |\n" for label, text in rows)
    return (
        f"## Quality\n\nOn {of_size['photos']} photos at {size} px that it was not trained on, "
        f"mean ± spread:\n\n| | |\n|---|---|\n{table}"
    )


def render(
    name: str,
    use: str,
    facts: dict[str, Any],
    config_text: str,
    quality: dict[str, Any] | None = None,
) -> str:
    """Writes the card as Markdown.

    Args:
        name: The model's.
        use: The section on how the files are used, as Markdown, with "{name}" for the name.
        facts: As `read_facts` returns them; may be empty.
        config_text: YAML of its configuration; may be empty.
        quality: What `fastnst quality` found, if it was asked.
    """
    parts = [
        f"# {name}\n",
        "A feed-forward network that paints any photo in one style (Johnson et al. 2016, with "
        "instance norm),\ntrained with fastnst. Licence: that of fastnst, Apache-2.0, as far as "
        "the style image allows.\n",
        use.format(name=name),
    ]
    if facts:
        parts.append(f"## Training\n\n```json\n{json.dumps(facts, indent=2)}\n```\n")
    if quality:
        parts.append(_quality(quality))
    if config_text:
        parts.append(f"## Configuration\n\n```yaml\n{config_text.strip()}\n```\n")
    return "\n".join(parts)
