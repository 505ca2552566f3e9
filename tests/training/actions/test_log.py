"""What happens beside the step. What a whole run writes is looked at in cli/test_train.py."""

from __future__ import annotations

import json
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorboard.backend.event_processing import event_accumulator

from fastnst import errors
from fastnst.models import metrics_log
from fastnst.training import engine
from fastnst.training.actions import actions


def at(step: int, interrupted: bool = False, last_step: int = 100, **metrics: float) -> Any:
    """Progress at a step."""
    recent = ({name: tf.constant(value) for name, value in metrics.items()},)
    return engine.Progress(step, last_step, 12.5, interrupted, recent)


def judged(step: int, total: float = 1.0, *sizes: tuple[int, int]) -> actions.Judgement:
    """A judgement with black photos and white paintings."""
    shapes = [(*size, 3) for size in sizes or ((20, 30),)]
    return actions.Judgement(
        step,
        {"total": total, "style": 0.25},
        tuple(np.zeros(shape, np.uint8) for shape in shapes),
        tuple(np.full(shape, 255, np.uint8) for shape in shapes),
    )


class Recorder:
    """Stands for the checkpointer: notes what it is asked to do."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.latest: str | None = "models/x/checkpoints/step-20"

    def save(self) -> None:
        self.calls.append("save")

    def save_best(self) -> None:
        self.calls.append("best")


def test_the_validation_judges_each_photo_as_it_is_and_tells_the_means(
    photo: Callable[..., np.ndarray],
) -> None:
    def objective(content: tf.Tensor, stylized: tf.Tensor) -> Any:
        terms = {"total": tf.reduce_mean(stylized), "content": tf.reduce_mean(content)}
        return terms["total"], terms

    photos = [np.full((20, 30, 3), 55, np.uint8), np.full((16, 18, 3), 155, np.uint8)]
    heard: list[actions.Judgement] = []
    state: Any = types.SimpleNamespace(net=None, average=lambda images: 255.0 - images)
    validation = actions.Validation(state, objective, photos, [heard.append], every=5)
    for step in (1, 4, 5, 6, 100):
        validation(at(step))
    assert [judgement.step for judgement in heard] == [5, 100]
    # Means of 255 - 55 and 255 - 155, and of 55 and 155: each photo counts the same.
    assert heard[0].metrics == {"total": 150.0, "content": 105.0}
    assert [painted.shape for painted in heard[0].stylized] == [(20, 30, 3), (16, 18, 3)]
    assert heard[0].stylized[0].dtype == np.uint8 and heard[0].stylized[0].max() == 200


def make_check(step: int = 0, weight: float = 1.0) -> tuple[actions.FiniteCheck, Any]:
    """A check of a network with one weight."""
    checkpointer: Any = Recorder()
    net: Any = types.SimpleNamespace(tensors=lambda: {"conv1/kernel": np.array([weight])})
    return actions.FiniteCheck(checkpointer, net, step, every=10), checkpointer


def test_a_loss_that_is_no_number_names_the_steps_and_the_last_good_checkpoint() -> None:
    check, _ = make_check(step=20)
    check(at(30, total=1.0))
    check(at(35, total=float("nan")))  # not due
    with pytest.raises(errors.UserError) as caught:
        check(at(40, total=float("nan"), style=float("inf"), content=1.0))
    message = str(caught.value)
    assert "between steps 31 and 40 (total, style)" in message
    assert "last good checkpoint is models/x/checkpoints/step-20" in message
    assert "learning_rate" in message


def test_a_loss_that_is_no_number_is_found_before_an_interrupted_run_is_saved() -> None:
    check, checkpointer = make_check()
    checkpointer.latest = None
    with pytest.raises(errors.UserError, match=r"between steps 1 and 3 .* none yet"):
        check(at(3, interrupted=True, total=float("inf")))


def test_a_weight_that_is_no_number_is_found_while_the_loss_still_is_one() -> None:
    check, _ = make_check(weight=float("nan"))
    with pytest.raises(errors.UserError, match=r"between steps 1 and 10 \(conv1/kernel\)"):
        check(at(10, total=1.0))


def test_a_validation_that_is_no_number_ends_the_run() -> None:
    check, _ = make_check()
    check(at(10, total=1.0))
    check.judged(judged(10, 5.0))
    with pytest.raises(errors.UserError, match=r"between steps 10 and 10 \(total\)"):
        check.judged(judged(10, float("nan")))


def test_the_log_drops_what_came_after_the_step_that_it_goes_on_from(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    lines = [{"kind": "training", "step": step} for step in (2, 4, 6, 8)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"kind": "trai')
    log = actions.MetricsLog(path, step=4, every=2, about={"photos": 9})
    *earlier, start = metrics_log.read(path)
    assert earlier == lines[:2]
    assert start.pop("time") > 0 and start == {"kind": "start", "step": 4, "photos": 9}
    log(at(5, total=3.0))
    log(at(6, total=3.0))
    log.judged(judged(6, 2.5))
    *_, training, validation = metrics_log.read(path)
    assert len(metrics_log.read(path)) == 5
    assert training.pop("time") > 0 and validation.pop("time") > 0
    assert training == {"kind": "training", "step": 6, "images_per_second": 12.5, "total": 3.0}
    assert validation == {"kind": "validation", "step": 6, "total": 2.5, "style": 0.25}


def test_tensorboard_finds_scalars_and_pictures(tmp_path: Path) -> None:
    style = np.full((10, 12, 3), 200, np.uint8)
    board = actions.TensorBoard(tmp_path, style, step=0, every=2)
    for step in (1, 2, 3, 4):
        board(at(step, total=10.0 * step))
    board.judged(judged(4, 7.0))
    events = event_accumulator.EventAccumulator(str(tmp_path), {"tensors": 0}).Reload()
    written = {
        tag: {event.step: tf.make_ndarray(event.tensor_proto) for event in events.Tensors(tag)}
        for tag in events.Tags()["tensors"]
    }
    assert {step: float(value) for step, value in written["training/total"].items()} == {
        2: 20.0,
        4: 40.0,
    }
    assert float(written["training/images_per_second"][4]) == 12.5
    assert float(written["validation/total"][4]) == 7.0
    # A picture is stored as (width, height, PNG file, ...).
    assert written["style"][0][:2].tolist() == [b"12", b"10"]
    beside = tf.io.decode_png(written["content | stylized/0"][4][2]).numpy()
    assert beside.shape == (20, 60, 3)
    assert beside[:, :30].max() == 0 and beside[:, 30:].min() == 255


def test_a_strip_shows_at_most_six_paintings_at_the_height_of_the_lowest(tmp_path: Path) -> None:
    samples = actions.Samples(tmp_path)
    samples.judged(judged(25, 1.0, (20, 30), (40, 40), *[(20, 10)] * 6))
    (path,) = tmp_path.iterdir()
    assert path.name == "step-000025.png"
    with Image.open(path) as strip:
        # 30 wide, 40 x 40 halved, and four of the six that are 10 wide.
        assert strip.size == (30 + 20 + 4 * 10, 20)


def test_the_state_is_saved_every_so_often_when_interrupted_and_at_the_end() -> None:
    checkpointer: Any = Recorder()
    state: Any = types.SimpleNamespace(best_loss=tf.Variable(np.inf, dtype=tf.float32))
    saving = actions.Checkpoints(checkpointer, state, every=10)
    for progress in (at(9), at(10), at(11, interrupted=True), at(100)):
        saving(progress)
    assert checkpointer.calls == ["save"] * 3


def test_only_a_lower_validation_loss_is_saved_as_the_best() -> None:
    checkpointer: Any = Recorder()
    state: Any = types.SimpleNamespace(best_loss=tf.Variable(np.inf, dtype=tf.float32))
    saving = actions.Checkpoints(checkpointer, state, every=10)
    for step, total in enumerate((5.0, 6.0, 5.0, 4.0, float("nan"))):
        saving.judged(judged(step, total))
    assert checkpointer.calls == ["best", "best"]
    assert float(state.best_loss) == 4.0


def traced(folder: Path) -> list[Path]:
    return list(folder.glob("plugins/profile/*/*.xplane.pb"))


def test_a_profile_traces_so_many_steps_after_the_first_few(tmp_path: Path) -> None:
    profile = actions.Profile(tmp_path, step=20, steps=2)
    for step in range(21, 27):
        profile(at(step))
    assert not traced(tmp_path)
    profile(at(27))
    assert len(traced(tmp_path)) == 1
    profile(at(28))
    assert len(traced(tmp_path)) == 1


def test_a_profile_ends_with_the_run(tmp_path: Path) -> None:
    profile = actions.Profile(tmp_path, step=0, steps=50)
    profile(at(5))
    profile(at(6, interrupted=True))
    assert len(traced(tmp_path)) == 1


def test_a_run_too_short_for_a_profile_has_none(tmp_path: Path) -> None:
    profile = actions.Profile(tmp_path, step=0, steps=2)
    for step in range(1, 6):
        profile(at(step, last_step=5))
    assert not traced(tmp_path)
