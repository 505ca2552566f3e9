"""The batches of a run; test_factory.py tests how a run uses them."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from fastnst import data
from fastnst.data import feed


@pytest.fixture(scope="module")
def source(
    tmp_path_factory: pytest.TempPathFactory, photo: Callable[..., np.ndarray]
) -> data.PhotoSource:
    """Four photos, and a broken file."""
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(4):
        Image.fromarray(photo(40 + seed, 36, seed)).save(folder / f"{seed}.png")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    return data.open_photos(str(folder))


def size_at(step: int) -> tuple[int, int | None]:
    return (16, 3) if step < 3 else (24, None)


def take(
    source: data.PhotoSource, count: int, step: int, position: int, messages: list[str]
) -> list[tuple[np.ndarray, int]]:
    batches = feed.batches(
        source,
        tf.distribute.get_strategy(),
        size_at,
        batch_size=2,
        augment="crop",
        seed=0,
        step=step,
        position=position,
        say=messages.append,
    )
    return [(batch.numpy(), after) for batch, after in itertools.islice(batches, count)]


def test_a_resumed_run_gets_the_batches_of_an_uninterrupted_run(source: data.PhotoSource) -> None:
    whole = take(source, 8, 0, 0, [])
    assert [batch.shape for batch, _ in whole] == [(2, 16, 16, 3)] * 3 + [(2, 24, 24, 3)] * 5
    for begin in (1, 3, 5):
        rest = take(source, 8 - begin, begin, whole[begin - 1][1], [])
        for (batch, after), (expected, position) in zip(rest, whole[begin:], strict=True):
            np.testing.assert_array_equal(batch, expected)
            assert after == position


def test_an_unreadable_photo_is_reported_once(source: data.PhotoSource) -> None:
    messages: list[str] = []
    # Each photo comes up several times, in both stages.
    positions = [after for _, after in take(source, 12, 0, 0, messages)]
    assert positions == sorted(set(positions)) and positions[-1] > 24
    (line,) = messages
    assert line.startswith("skipped ") and "broken.png: " in line


def test_the_stream_ends_when_no_photo_can_be_read_anymore(
    tmp_path: Path, photo: Callable[..., np.ndarray]
) -> None:
    for seed in range(3):
        Image.fromarray(photo(40, 36, seed)).save(tmp_path / f"{seed}.png")
    batches = feed.batches(
        data.open_photos(str(tmp_path)),
        tf.distribute.get_strategy(),
        size_at,
        batch_size=2,
        augment="crop",
        seed=0,
        step=0,
        position=0,
        say=lambda line: None,
    )
    next(batches)
    for file in tmp_path.iterdir():
        file.unlink()
    with pytest.raises(tf.errors.OutOfRangeError):
        for _ in range(1000):
            next(batches)


def test_batches_are_prefetched_and_an_error_is_raised_in_its_turn() -> None:
    fetched = threading.Semaphore(0)

    def numbers() -> Iterator[int]:
        for number in range(4):
            fetched.release()
            yield number
        raise OSError("gone")

    ahead = feed._ahead(numbers())
    assert next(ahead) == 0
    # Two more are prefetched, and no third.
    for _ in range(3):
        assert fetched.acquire(timeout=60)
    assert not fetched.acquire(timeout=0.2)
    assert [next(ahead) for _ in range(3)] == [1, 2, 3]
    with pytest.raises(OSError, match="gone"):
        next(ahead)
