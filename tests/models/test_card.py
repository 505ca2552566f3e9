"""The model card."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fastnst import export
from fastnst.models import card


def test_the_facts_of_a_run_are_its_length_its_time_and_the_validation_of_its_best_checkpoint(
    tmp_path: Path,
) -> None:
    def judged(step: int, total: float) -> dict[str, object]:
        terms = {"total": total, "content": 1.04, "style": 2.0, "tv": 0.0}
        entry = {"kind": "validation", "step": step, "time": 40.0 * step}
        return entry | {"layers/style/relu1_2": 1.0, **terms}

    about = {"photos": 96, "device": "2 CPU cores", "precision": "bfloat16"}
    lines = [
        {"kind": "start", "step": 0, "time": 0.0, **about},
        {"kind": "training", "step": 10, "time": 100.0},
        judged(10, 30.26),
        {"kind": "training", "step": 20, "time": 400.0},
        judged(20, 40.0),
    ]
    best = tmp_path / "checkpoints" / "best"
    best.mkdir(parents=True)
    (best / "step-10.index").touch()
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert card.read_facts(tmp_path) == {
        **about,
        "steps": 20,
        "minutes": 13.3,
        "validation": {"step": 10, "total": 30.26, "content": 1.04, "style": 2.0, "tv": 0.0},
    }
    # If the objective has changed since step 10, the best checkpoint need not have the lowest.
    (best / "step-10.index").rename(best / "step-20.index")
    assert card.read_facts(tmp_path)["validation"]["total"] == 40.0


def test_the_facts_of_a_shipped_model_lie_beside_it(tmp_path: Path) -> None:
    assert card.read_facts(tmp_path) == {}
    (tmp_path / card.FACTS).write_text('{"steps": 1200}')
    assert card.read_facts(tmp_path) == {"steps": 1200}


def test_a_card_names_the_styles_of_a_model_that_has_several() -> None:
    text = card.render("gallery", "## Use\n", {}, "", styles=["wave", "candy", "ink"])
    assert "\n## Styles\n\n`wave` (the default), `candy`, `ink`\n\n## Use\n" in text


@pytest.mark.parametrize("file_format", export.FORMATS)
def test_every_format_has_a_card_with_its_use_its_training_and_its_configuration(
    file_format: str,
) -> None:
    text = card.render("candy", export.use(file_format), {"steps": 1200}, "naming: candy\n")
    assert text.startswith("# candy\n")
    assert "## Use" in text and '"steps": 1200' in text and "naming: candy" in text
    assert "{name}" not in text and "candy" in text.split("## Use")[1].split("## Training")[0]
    bare = card.render("candy", export.use(file_format), {}, "", styles=["candy"])
    assert "## Styles" not in bare
    assert "## Training" not in bare and "## Configuration" not in bare


def test_the_comparison_with_the_optimizer_has_a_row_for_each_style() -> None:
    value = {"mean": 1_234_567.0, "spread": 1.0}
    found = {
        "photos": 20,
        "steps": 60,
        "network": value,
        "optimiser": {"noise": {25: value, 50: value}},
        "equal_iterations": {"noise": 31.5, "photo": None},
        "figures": {"structure kept": {"mean": 0.421, "spread": 0.1}},
    }
    quality = {"wave": {"sizes": {"256": found}}, "ink": {"sizes": {"256": found}}}
    text = card.render("gallery", export.use("weights"), {}, "", quality)
    assert "Means over 20 photos at 256 px" in text and "## Pictures" not in text
    lines = text.splitlines()
    head = lines.index(
        "| style | objective | after 25 iterations from noise | after 50 iterations from noise "
        "| equals, from noise | equals, from photo | structure kept |"
    )
    row = " | 1,235 k | 1,235 k | 1,235 k | 31.5 | more than 60 | 0.42 |"
    assert lines[head + 2 : head + 4] == [f"| wave{row}", f"| ink{row}"]


def test_the_figures_of_the_pictures_are_a_table_of_their_own() -> None:
    pictures = {"photos": 20, "lattice": 0.5312, "lattice of the painting": None, "rim": 9}
    quality = {"candy": {"sizes": {}, "pictures": pictures}}
    lines = card.render("candy", export.use("weights"), {}, "", quality).splitlines()
    assert "## Pictures" in lines and "Means over 20 photos:" in lines and "## Quality" not in lines
    assert "| style | lattice | lattice of the painting | rim |" in lines
    assert "| candy | 0.53 | no flat areas | 9.00 |" in lines


def test_the_saved_models_card_names_its_signatures_and_their_tensors() -> None:
    text = card.render("candy", export.use("savedmodel"), {}, "")
    names = ("serving_default", "serving_uint8", "stylize_encoded", "serving_styles")
    tensors = ("images", "stylized", "image_bytes", "stylized_bytes", "style")
    assert [name for name in (*names, *tensors) if f"`{name}`" not in text] == []


@pytest.mark.parametrize("damage", [b"", b"[1]", b"{", b"\xff", b"[" * 100_000])
def test_damaged_facts_are_left_out_and_named(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / card.FACTS).write_bytes(damage)
    facts = card.read_facts(tmp_path)
    assert facts == {"note": "training.json is damaged, and its facts are left out"}
