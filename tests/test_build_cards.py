"""The cards and tables of the shipped networks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fastnst import images
from fastnst.models import restore, store
from tools import build_cards

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = build_cards.shipped()


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_the_cards_are_up_to_date(folder: Path) -> None:
    assert (folder / "README.md").read_text(encoding="utf-8") == build_cards._card(folder)


def test_the_tables_are_up_to_date() -> None:
    page = (ROOT / "docs" / "quality.md").read_text(encoding="utf-8")
    assert build_cards._tables_of_figures(SHIPPED) in page


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_a_shipped_network_has_a_conf_a_card_and_a_sample(folder: Path) -> None:
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert card.startswith(f"# {folder.name}\n")
    for style in restore.styles(folder):
        assert f"](samples/{style}.jpg)" in card
        assert images.read(folder / "samples" / f"{style}.jpg").shape[0] == 200
        assert (ROOT / "conf" / f"{style}.yml").is_file()
    assert len(list((folder / "samples").iterdir())) == len(restore.styles(folder)) + 1
    written = (folder / "config.yml").read_text(encoding="utf-8")
    # Contains no path of the machine that trained it.
    assert not re.search(r": /", written)
    assert store.find(folder.name).path == store.SHIPPED / folder.name
    weights = folder / "weights.ckpt.data-00000-of-00001"
    assert weights.stat().st_size < 4_000_000
