"""The public names of the package."""

from __future__ import annotations

import pytest

from fastnst import data


def test_exactly_the_public_names_can_be_accessed() -> None:
    assert all(hasattr(data, name) for name in data.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = data.nothing
