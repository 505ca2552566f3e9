"""What the package offers."""

from __future__ import annotations

import pytest

from fastnst import data


def test_all_that_it_offers_is_there_and_nothing_else() -> None:
    assert all(hasattr(data, name) for name in data.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = data.nothing
