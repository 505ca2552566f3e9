"""The searches of the variants, against their sources."""

from __future__ import annotations

from fastnst.losses import presets
from fastnst.pixels import descent, searches


def test_each_variant_has_a_search() -> None:
    assert [*searches.SEARCHES] == [*presets.VARIANTS]
    for search in searches.SEARCHES.values():
        assert search.method in descent.METHODS and search.init in searches.INITS


def test_the_recipes_search_as_their_sources_print_it() -> None:
    # LEARNING_RATE = 10.0 and TRAIN_TIMES = 1000; learning_rate = 10 and generations = 100.
    notes, stylenet = searches.SEARCHES["notes"], searches.SEARCHES["stylenet"]
    assert (notes.method, notes.steps, notes.learning_rate, notes.init) == (
        *("adam", 1000, 10.0, "gray"),
    )
    assert (stylenet.steps, stylenet.learning_rate, stylenet.init) == (100, 10.0, "mean")
