"""Folders for the Hugging Face Hub, beyond their parity, which test_formats.py checks."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

import fastnst
from fastnst import images
from fastnst.cli import export as command
from fastnst.export import hub

ROOT = Path(fastnst.__file__).parent.parent


@pytest.fixture(scope="module")
def folder(gallery: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of the gallery of three styles; must not be modified."""
    exported = tmp_path_factory.mktemp("hub") / "gallery"
    arguments = ["--model", str(gallery), "--format", "hub", "-o", str(exported), "--quiet"]
    assert command.main(arguments) == 0
    return exported


def test_the_card_begins_with_front_matter_that_the_hub_reads(folder: Path) -> None:
    text = (folder / "README.md").read_text()
    _, front, body = text.split("---\n", 2)
    matter = yaml.safe_load(front)
    assert matter["license"] == "apache-2.0" and matter["library_name"] == "fastnst"
    assert matter["pipeline_tag"] == "image-to-image" and "style-transfer" in matter["tags"]
    assert body.startswith("\n# gallery\n")
    assert "`wave` (the default), `candy`, `ink`" in body and "## Use" in body


def test_the_card_as_the_hubs_own_library_reads_it(folder: Path) -> None:
    hub_library = pytest.importorskip("huggingface_hub")
    data = hub_library.ModelCard.load(folder / "README.md").data.to_dict()
    assert data["pipeline_tag"] == "image-to-image" and "onnx" in data["tags"]


def test_the_card_shows_the_photo_and_each_style_as_eval_paints_it(folder: Path) -> None:
    shown = re.findall(r"!\[(.*?)\]\((.*?)\)", (folder / "README.md").read_text())
    assert shown == [(name, f"samples/{name}.jpg") for name in ("photo", "wave", "candy", "ink")]
    photo = images.decode((ROOT / "img" / "photos" / "koala.jpg").read_bytes())
    photo = images.resize_shorter_side(photo, 256)
    stylizer = fastnst.load(folder, "float32")
    for name, path in shown:
        expected = photo if name == "photo" else stylizer(photo, name)
        through_jpeg = images.decode(images.encode(images.Picture(expected), "JPEG", 85))
        found = images.decode((folder / path).read_bytes()).astype(int)
        assert np.abs(found - through_jpeg).mean() < 0.5, name


def test_the_photo_of_the_samples_needs_no_more_than_its_credit() -> None:
    credits_ = (ROOT / "img" / "CREDITS.md").read_text()
    (line,) = (row for row in credits_.splitlines() if row.startswith(f"| {hub._PHOTO} |"))
    author, licence = hub._CREDIT.split(", ")
    assert f"| {author} |" in line and licence.lower() in line.lower()


def test_the_lines_of_the_card_stylize_a_photo_with_the_files_of_the_folder(
    folder: Path,
    photo: Callable[..., np.ndarray],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gallery").symlink_to(folder)
    pixels = photo(40, 30)
    Image.fromarray(pixels).save("photo.png")
    card = (folder / "README.md").read_text()
    code = card.split("```python\n")[1].split("```")[0].replace("photo.jpg", "photo.png")
    exec(code, {})
    expected = fastnst.load(folder, "float32")(pixels).astype(int)
    assert np.abs(images.decode(Path("stylized.png").read_bytes()) - expected).max() <= 1


@pytest.mark.parametrize("count", [1, 3, 4, 9])
def test_samples_are_rows_of_at_most_four(count: int) -> None:
    styles = [f"style{index}" for index in range(count)]
    card = hub.card("# mine\n\nA network.\n", styles)
    assert card.endswith("Photo: BurningWell, public domain.\n\nA network.\n")
    rows = [line for line in card.splitlines() if line.startswith("|")]
    columns = min(4, count + 1)
    assert {row.count("|") for row in rows} == {columns + 1}
    assert len(rows) == 1 + -(-(count + 1) // 4)
    assert [name for name in styles if card.count(f"samples/{name}.jpg") != 1] == []


def test_a_sample_of_a_blend_has_a_name_that_every_system_allows() -> None:
    assert hub._sample(Path(), "wave:0.6,candy:0.4") == Path("samples/wave0.6+candy0.4.jpg")
