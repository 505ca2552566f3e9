"""What TensorBoard reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorboard.backend.event_processing import event_accumulator

from fastnst import events
from fastnst.training.actions import samples, tensorboard

BLACK, WHITE = np.zeros((20, 30, 3), np.uint8), np.full((20, 30, 3), 255, np.uint8)
GREY = np.full((20, 30, 3), 128, np.uint8)


def written(folder: Path) -> dict[str, dict[int, np.ndarray]]:
    """Reads every value by tag and step."""
    board = event_accumulator.EventAccumulator(str(folder), {"tensors": 0}).Reload()
    return {
        tag: {event.step: tf.make_ndarray(event.tensor_proto) for event in board.Tensors(tag)}
        for tag in board.Tags()["tensors"]
    }


def test_scalars_and_pictures_are_written(tmp_path: Path) -> None:
    board = tensorboard.TensorBoard(tmp_path, every=2)
    assert not list(tmp_path.iterdir())
    painting = np.full((10, 12, 3), 200, np.uint8)
    board(events.Started(1, 4, references={"candy": painting}, items="images"))
    for step in (1, 2, 3, 4):
        board(events.Step(step, 5, 12.5, recent=({"total": tf.constant(10.0 * step)},)))
    board(events.Judged(4, {"total": 7.0}, (BLACK,), {"candy": (WHITE,), "wave": (GREY,)}))
    board(events.Finished(4, 5))
    found = written(tmp_path)
    assert set(found) == {
        *("training/total", "training/images_per_second", "validation/total"),
        *("candy", "validation/0"),
    }
    values = {step: float(value) for step, value in found["training/total"].items()}
    assert values == {2: 20.0, 4: 40.0}
    assert float(found["training/images_per_second"][4]) == 12.5
    assert float(found["validation/total"][4]) == 7.0
    # A picture is stored as (width, height, PNG file, ...).
    assert found["candy"][1][:2].tolist() == [b"12", b"10"]
    # The photo beside its stylized versions in all styles.
    beside = tf.io.decode_png(found["validation/0"][4][2]).numpy()
    assert beside.shape == (20, 90, 3)
    np.testing.assert_array_equal(beside, np.concatenate([BLACK, WHITE, GREY], axis=1))


def test_at_most_as_many_pictures_are_written_as_are_in_the_samples(tmp_path: Path) -> None:
    board = tensorboard.TensorBoard(tmp_path, every=2)
    board(events.Started(0, 4))
    board(events.Judged(4, {}, (BLACK,) * 9, {"candy": (WHITE,) * 9}))
    board(events.Finished(4, 5))
    assert set(written(tmp_path)) == {f"validation/{index}" for index in range(samples.SHOWN)}


def test_rows_that_a_task_chooses_are_written_by_name(tmp_path: Path) -> None:
    board = tensorboard.TensorBoard(tmp_path, every=2)
    board(events.Started(0, 4))
    rows = {"photo": (BLACK, GREY), "domain": (WHITE,) * 9}
    board(events.Judged(4, {}, (BLACK,), {"painting": (WHITE,)}, rows))
    board(events.Finished(4, 5))
    found = written(tmp_path)
    assert set(found) == {"validation/photo", "validation/domain"}
    photo, domain = (tf.io.decode_png(found[tag][4][2]) for tag in sorted(found, reverse=True))
    np.testing.assert_array_equal(photo, np.concatenate([BLACK, GREY], axis=1))
    assert domain.shape == (20, 30 * samples.SHOWN, 3)


def test_a_judgement_without_pictures_writes_none(tmp_path: Path) -> None:
    board = tensorboard.TensorBoard(tmp_path, every=2)
    board(events.Started(0, 4))
    board(events.Judged(4, {"loss": 1.0}))
    board(events.Finished(4, 5))
    assert set(written(tmp_path)) == {"validation/loss"}


def test_what_is_written_can_be_read_before_the_run_ends(tmp_path: Path) -> None:
    board = tensorboard.TensorBoard(tmp_path, every=1)
    board(events.Started(0, 4))
    board(events.Step(1, 5, 12.5, recent=({"total": 1.0},)))
    assert "training/total" in written(tmp_path)
    board(events.Judged(1, {"total": 2.0}))
    assert "validation/total" in written(tmp_path)
    board(events.Finished(4, 5))
