"""The batches of a run; how a run uses them is tested in test_session.py."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from fastnst import data, errors
from fastnst.config import schema
from fastnst.data import feed

STAGES = schema.Data(batch_size=2, image_size=24, stages={16: 3})


@pytest.fixture(scope="module")
def source(
    tmp_path_factory: pytest.TempPathFactory, photo: Callable[..., np.ndarray]
) -> data.PhotoSource:
    """Five photos, one of which is none."""
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(4):
        Image.fromarray(photo(40 + seed, 36, seed)).save(folder / f"{seed}.png")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    return data.open_photos(str(folder))


def take(
    source: data.PhotoSource, count: int, step: int, position: int, heard: list[str]
) -> list[tuple[np.ndarray, int]]:
    batches = feed.PhotoFeed(source, STAGES)(step, position, heard.append)
    return [(batch.numpy(), after) for batch, after in itertools.islice(batches, count)]


@pytest.mark.slow
def test_started_anywhere_the_batches_are_those_of_an_unbroken_run(
    source: data.PhotoSource,
) -> None:
    whole = take(source, 8, 0, 0, [])
    assert [batch.shape for batch, _ in whole] == [(2, 16, 16, 3)] * 3 + [(2, 24, 24, 3)] * 5
    assert whole[0][0].dtype == np.float32
    for begin in (1, 3, 5):
        rest = take(source, 8 - begin, begin, whole[begin - 1][1], [])
        for (batch, after), (expected, position) in zip(rest, whole[begin:], strict=True):
            np.testing.assert_array_equal(batch, expected)
            assert after == position


def test_stages_tell_the_size_at_each_step() -> None:
    settings = schema.Data(stages={128: 300, 192: 100}, image_size=256)
    sizes = {step: feed.size_at(settings, step) for step in (0, 299, 300, 399, 400, 9999)}
    assert sizes == {
        0: (128, 300),
        299: (128, 300),
        300: (192, 400),
        399: (192, 400),
        400: (256, None),
        9999: (256, None),
    }
    assert feed.size_at(schema.Data(), 0) == (256, None)


def test_a_photo_that_cannot_be_read_is_named_once(source: data.PhotoSource) -> None:
    heard: list[str] = []
    # Each photo comes up several times, in both stages.
    positions = [after for _, after in take(source, 12, 0, 0, heard)]
    assert positions == sorted(set(positions)) and positions[-1] > 24
    (line,) = heard
    assert "broken.png: the image is damaged" in line


def test_when_no_photo_can_be_read_any_more_the_stream_ends(
    tmp_path: Path, photo: Callable[..., np.ndarray]
) -> None:
    for seed in range(3):
        Image.fromarray(photo(40, 36, seed)).save(tmp_path / f"{seed}.png")
    batches = feed.PhotoFeed(data.open_photos(str(tmp_path)), STAGES)(0, 0, lambda reason: None)
    next(batches)
    for file in tmp_path.iterdir():
        file.unlink()
    with pytest.raises(tf.errors.OutOfRangeError):
        for _ in range(1000):
            next(batches)


def test_batches_are_fetched_ahead_and_an_error_comes_in_its_turn() -> None:
    fetched = threading.Semaphore(0)

    def numbers() -> Iterator[int]:
        for number in range(4):
            fetched.release()
            yield number
        raise OSError("gone")

    ahead = feed.ahead(numbers())
    assert next(ahead) == 0
    # Two more are fetched although nobody asked for them yet, and no third.
    for _ in range(3):
        assert fetched.acquire(timeout=60)
    assert not fetched.acquire(timeout=0.2)
    assert [next(ahead) for _ in range(3)] == [1, 2, 3]
    with pytest.raises(OSError, match="gone"):
        next(ahead)


def test_items_that_never_come_do_not_keep_the_process_from_ending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lost = threading.Event()

    def waiting() -> Iterator[int]:
        yield 0
        lost.wait()

    monkeypatch.setattr(feed, "_PATIENCE", 0.01)
    ahead = feed.ahead(waiting())
    assert next(ahead) == 0
    ahead.close()
    (thread,) = (each for each in threading.enumerate() if each.name == "feed")
    assert thread.daemon
    lost.set()
    thread.join(60)
    assert not thread.is_alive()


# Processes that share the positions.


class Pipelines:
    """Stands for the strategy of one of two processes."""

    def __init__(self, index: int) -> None:
        self._context = tf.distribute.InputContext(2, index, 2)

    def distribute_datasets_from_function(self, function: Callable[..., Any]) -> Any:
        return function(self._context)

    def experimental_local_results(self, value: Any) -> tuple[Any, ...]:
        return (value,)


@pytest.mark.slow
def test_two_processes_share_the_photos_and_each_names_its_own_broken_ones(
    tmp_path: Path, photo: Callable[..., np.ndarray]
) -> None:
    for seed in range(7):
        Image.fromarray(photo(40, 36, seed)).save(tmp_path / f"{seed}.png")
    (tmp_path / "broken.png").write_text("no photo")
    source = data.open_photos(str(tmp_path))
    settings = schema.Data(batch_size=4, image_size=16)
    heard: list[list[str]] = [[], []]
    taken: list[list[bytes]] = []
    for index in range(2):
        strategy: Any = Pipelines(index)
        batches = feed.PhotoFeed(source, settings, strategy)(0, 0, heard[index].append)
        # More than an epoch of eight, of which four are this process's.
        taken.append([])
        for batch, after in itertools.islice(batches, 3):
            taken[index] += [pixels.numpy().tobytes() for pixels in batch]
            # The other's share of the same batch is behind it, too.
            assert after % 2 == 0
        assert len(taken[index]) == 6
    whole = feed.PhotoFeed(source, settings)(0, 0, lambda reason: None)
    all_ = {pixels.numpy().tobytes() for batch, _ in itertools.islice(whole, 6) for pixels in batch}
    assert not set(taken[0]) & set(taken[1]) and {*taken[0], *taken[1]} <= all_
    # The positions of the other process are not missing.
    assert 1 <= sum(len(reasons) for reasons in heard) <= 2
    assert all("broken.png: " in reason for reasons in heard for reason in reasons)


@pytest.mark.slow
@pytest.mark.parametrize("begin", [0, 5])
def test_together_processes_take_the_batches_of_one(
    tmp_path: Path, photo: Callable[..., np.ndarray], begin: int
) -> None:
    for seed in range(7):
        Image.fromarray(photo(40, 36, seed)).save(tmp_path / f"{seed}.png")
    source = data.open_photos(str(tmp_path))
    settings = schema.Data(batch_size=4, image_size=16)
    strategies: list[Any] = [None, Pipelines(0), Pipelines(1)]
    whole, *parts = (
        list(itertools.islice(feed.PhotoFeed(source, settings, each)(0, begin, print), 4))
        for each in strategies
    )
    for (batch, after), *shares in zip(whole, *parts, strict=True):
        together = np.stack([share.numpy() for share, _ in shares], axis=1)
        np.testing.assert_array_equal(together.reshape(batch.shape), batch)
        assert [position for _, position in shares] == [after, after]


# Any iterable.


def first(batches: Iterable[Any], count: int, position: int = 0) -> list[tuple[float, int]]:
    """Takes batches of one number each from a position on, and the positions after them."""
    endless = feed.IterableFeed(batches)(0, position, lambda reason: None)
    return [(float(batch), after) for batch, after in itertools.islice(endless, count)]


class Restarting:
    """Yields 10, 20, 30, and counts how often it is started."""

    def __init__(self) -> None:
        self.starts = 0

    def __iter__(self) -> Iterator[float]:
        self.starts += 1
        yield from (10.0, 20.0, 30.0)


@pytest.mark.parametrize(
    "batches",
    [
        [10.0, 20.0, 30.0],
        (np.float32(10), np.float32(20), np.float32(30)),
        tf.data.Dataset.from_tensor_slices([10.0, 20.0, 30.0]),
        Restarting(),
    ],
    ids=lambda batches: type(batches).__name__,
)
def test_an_iterable_is_started_anew_at_its_end_and_resumed_by_position(batches: Any) -> None:
    whole = [(10.0, 1), (20.0, 2), (30.0, 3), (10.0, 4), (20.0, 5), (30.0, 6), (10.0, 7)]
    assert first(batches, 7) == whole
    for position in (1, 3, 5):
        assert first(batches, 7 - position, position) == whole[position:]


def test_an_iterable_is_started_no_more_often_than_needed() -> None:
    batches = Restarting()
    assert first(batches, 1) == [(10.0, 1)]
    assert batches.starts == 1


def test_batches_of_any_structure_pass_unchanged() -> None:
    pairs = [{"x": np.zeros(2), "y": [1]}]
    ((batch, _),) = itertools.islice(feed.IterableFeed(pairs)(0, 0, lambda reason: None), 1)
    assert batch is pairs[0]


@pytest.mark.parametrize(
    "iterator", [iter([1]), (number for number in [1])], ids=["iterator", "generator"]
)
def test_an_iterator_is_refused_because_it_can_be_read_only_once(iterator: Any) -> None:
    with pytest.raises(errors.UserError, match=r"^dataset: is an iterator.* pass a list"):
        feed.IterableFeed(iterator)


@pytest.mark.parametrize(
    "empty", [[], tf.data.Dataset.from_tensor_slices([1.0]).take(0)], ids=["list", "tf.data"]
)
@pytest.mark.parametrize("position", [0, 5])
def test_an_empty_iterable_is_refused(empty: Any, position: int) -> None:
    with pytest.raises(errors.UserError, match=r"^dataset: yields no batch"):
        first(empty, 1, position)
