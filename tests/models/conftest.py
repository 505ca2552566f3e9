"""The tiny run in the forms in which it can be handed on."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastnst import export
from fastnst.models import restore, store


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, tiny_run: Path) -> Path:
    """The tiny run as a SavedModel."""
    folder = tmp_path_factory.mktemp("exports") / "bright"
    export.export(restore.load(store.find(tiny_run)), folder, "savedmodel", {})
    return folder


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory, tiny_run: Path) -> Path:
    """The tiny run as it would be shipped."""
    folder = tmp_path_factory.mktemp("shipped") / "shipped"
    export.export(restore.load(store.find(tiny_run)), folder, "weights", {})
    return folder
