"""The model that the tests export."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastnst.models import model as model_module
from fastnst.models import restore, store


@pytest.fixture(scope="module")
def model(tiny_run: Path) -> model_module.Model:
    """The tiny run's model."""
    return restore.load(store.find(tiny_run))
