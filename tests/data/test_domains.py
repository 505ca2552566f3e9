"""Unpaired batches of two domains."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import made
import numpy as np
import pytest

from fastnst import data, errors
from fastnst.config import schema
from fastnst.data import domains

SETTINGS = schema.Data(batch_size=2, image_size=16, zoom=1.0, seed=5)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> tuple[data.PhotoSource, data.PhotoSource]:
    """Five photos, one of which is none, and a domain of six in records of Kaggle's schema."""
    folder = tmp_path_factory.mktemp("domains")
    for seed in range(4):
        made.write_files(folder / "photos", {f"{seed}.png": made.encode(made.noise(seed))})
    made.write_files(folder / "photos", {"text.jpg": b"this is no photo"})
    for part in range(2):
        records = [
            {
                "image_name": f"{part}{number}".encode(),
                "image": made.encode(made.noise(10 * part + number + 50), "JPEG"),
                "target": b"monet",
            }
            for number in range(3)
        ]
        made.write_records(folder / "paintings" / f"monet0{part}-3.tfrec", records)
    pattern = str(folder / "paintings" / "monet*.tfrec")
    return data.open_photos(str(folder / "photos")), data.open_photos(pattern)


Sources = tuple[data.PhotoSource, data.PhotoSource]
Pair = tuple[np.ndarray, np.ndarray, int]


def take(sources: Sources, count: int, step: int = 0, position: int = 0) -> list[Pair]:
    batches = domains.UnpairedFeed(*sources, SETTINGS)(step, position, lambda reason: None)
    return [
        (photos.numpy(), paintings.numpy(), after)
        for (photos, paintings), after in itertools.islice(batches, count)
    ]


@pytest.mark.slow
def test_started_anywhere_the_pairs_are_those_of_an_unbroken_run(sources: Sources) -> None:
    whole = take(sources, 9)
    assert {photos.shape for photos, _, _ in whole} == {(2, 16, 16, 3)}
    for begin in (2, 5):
        rest = take(sources, 9 - begin, begin, whole[begin - 1][2])
        for found, expected in zip(rest, whole[begin:], strict=True):
            np.testing.assert_array_equal(found[0], expected[0])
            np.testing.assert_array_equal(found[1], expected[1])
            assert found[2] == expected[2]
    # Only the photos skip some, so that their position is ahead.
    photos, paintings = divmod(whole[-1][2], 2**31)
    assert paintings == 18 < photos


@pytest.mark.slow
def test_the_orders_of_both_are_independent(sources: Sources) -> None:
    _, domain = sources
    # Of the same pictures, the same order would be pairs.
    pairs = take((domain, domain), 6)
    assert not any(np.array_equal(photos, paintings) for photos, paintings, _ in pairs)
    other = dataclasses.replace(SETTINGS, seed=6)
    (first, _), _ = next(domains.UnpairedFeed(*sources, other)(0, 0, lambda reason: None))
    assert not np.array_equal(first, take(sources, 1)[0][0])


@pytest.mark.slow
def test_the_domain_that_has_become_useless_is_named(tmp_path: Path, sources: Sources) -> None:
    photos, _ = sources
    for seed in range(3):
        made.write_files(tmp_path, {f"{seed}.png": made.encode(made.noise(seed))})
    domain = data.open_photos(str(tmp_path))
    batches = domains.UnpairedFeed(photos, domain, SETTINGS)(0, 0, lambda reason: None)
    next(batches)
    for path in tmp_path.iterdir():
        path.unlink()
    with pytest.raises(errors.UserError, match=str(tmp_path)):
        for _ in range(1000):
            next(batches)


def test_a_sample_is_the_same_at_each_call_and_as_large_as_the_source(sources: Sources) -> None:
    _, domain = sources
    first, again = (domains.sample(domain, 16, 100) for _ in range(2))
    assert len(first) == 6 and first[0].shape == (16, 16, 3)
    np.testing.assert_array_equal(first, again)
    assert len(domains.sample(domain, 16, 2)) == 2
