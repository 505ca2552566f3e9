"""The engine, which has never heard of pictures: it fits a line here."""

from __future__ import annotations

import collections.abc
import dataclasses
import functools
import json
import math
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing import event_accumulator

from fastnst import checkpoint_file, errors, events
from fastnst.config import schema
from fastnst.data import feed
from fastnst.models import metrics_log, run_folder
from fastnst.training import actions, engine, optimizers, task
from fastnst.training.actions import report


class Line(task.Task):
    """Fits y = a x + b to points by least squares."""

    metric_names = ("loss", "error")
    items = "points"

    def __init__(self, learning_rate: float = 0.1) -> None:
        self.a = tf.Variable(0.0, name="a")
        self.b = tf.Variable(0.0, name="b")
        self.variables = [self.a, self.b]
        self._optimizer = tf.keras.optimizers.Adam(learning_rate)
        self._optimizer.build(self.variables)

    def kept(self) -> dict[str, Any]:
        return {"a": self.a, "b": self.b, "optimizer": self._optimizer}

    def step(self, batch: Any, step: tf.Tensor) -> events.Metrics:
        x, y = batch
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(self.a * x + self.b - y))
        gradients = tape.gradient(loss, self.variables)
        self._optimizer.apply_gradients(zip(gradients, self.variables, strict=True))
        return {"loss": loss}

    def validate(self) -> task.Judgement:
        x = np.linspace(-1.0, 1.0, 5)
        off = self.a.numpy() * x + self.b.numpy() - (2.0 * x + 1.0)
        return task.Judgement({"loss": float(np.mean(off**2)), "error": float(np.abs(off).max())})


Points = list[tuple[np.ndarray, np.ndarray]]
INTERVALS = schema.Intervals(
    log_every=2, summary_every=4, preview_every=5, checkpoint_every=10, keep_checkpoints=2
)
EVERY_STEP = schema.Intervals(
    log_every=1, summary_every=1, preview_every=1, checkpoint_every=1, keep_checkpoints=9
)


def points(count: int = 20, slope: float = 2.0) -> Points:
    """Batches of points on y = slope x + 1."""
    random = np.random.default_rng(0)
    xs = random.uniform(-1, 1, (count, 8)).astype(np.float32)
    return [(x, np.float32(slope) * x + np.float32(1)) for x in xs]


def train(
    folder: Path,
    last_step: int,
    *further: events.Action,
    line: task.Task | None = None,
    intervals: schema.Intervals = INTERVALS,
    batches: Points | None = None,
    said: list[str] | None = None,
    **options: Any,
) -> tuple[engine.Engine, list[events.Event]]:
    """Trains in a folder from where it was left; returns the engine and the events."""
    trainer = engine.Engine(line or Line(), folder, intervals)
    trainer.restore([].append if said is None else said.append)
    happened: list[events.Event] = []
    given = feed.IterableFeed(points() if batches is None else batches)
    finished = trainer.train(
        given, last_step=last_step, actions=[happened.append, *further], **options
    )
    assert finished is happened[-1]
    return trainer, happened


def of(kind: type, happened: list[events.Event]) -> list[Any]:
    return [event for event in happened if isinstance(event, kind)]


def contents(path: str | None) -> dict[str, np.ndarray]:
    """All numbers of a checkpoint but the count of this process's saves."""
    assert path is not None
    tensors = checkpoint_file.read_checkpoint(path)
    del tensors["_CHECKPOINTABLE_OBJECT_GRAPH"]
    del tensors["save_counter/.ATTRIBUTES/VARIABLE_VALUE"]
    return tensors


# A run of the toy task, with everything that a run of pictures has.


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[run_folder.RunFolder, engine.Engine]:
    """Twenty steps with the standard actions and the report."""
    folder = run_folder.RunFolder(tmp_path_factory.mktemp("line"))
    page = report.Report(folder, name="line", metric_names=Line.metric_names, references={})
    standard = actions.standard(folder, INTERVALS)
    about = {"device": "an abacus"}
    trainer, _ = train(folder.checkpoints, 20, *standard, page, batch_size=8, about=about)
    return folder, trainer


def test_a_task_of_thirty_lines_is_trained(
    whole: tuple[run_folder.RunFolder, engine.Engine],
) -> None:
    _, trainer = whole
    # Adam moves by nearly the learning rate at each step, from 0 towards 2 and 1.
    assert 0.8 < float(trainer.task.variables[0]) < 2.1
    assert 0.8 < float(trainer.task.variables[1]) < 1.4
    assert int(trainer.state.step) == 20 == int(trainer.state.position)


def test_its_history_is_logged(whole: tuple[run_folder.RunFolder, engine.Engine]) -> None:
    start, *lines = metrics_log.read(whole[0].metrics)
    assert start["kind"] == "start" and start["device"] == "an abacus"
    training = [line for line in lines if line["kind"] == "training"]
    validation = [line for line in lines if line["kind"] == "validation"]
    assert [line["step"] for line in training] == list(range(2, 21, 2))
    assert [line["step"] for line in validation] == [5, 10, 15, 20]
    assert set(training[0]) == {"kind", "step", "time", "points_per_second", "loss"}
    assert set(validation[0]) == {"kind", "step", "time", "loss", "error"}
    assert validation[-1]["error"] < validation[0]["error"]


def test_tensorboard_shows_its_metrics(whole: tuple[run_folder.RunFolder, engine.Engine]) -> None:
    board = event_accumulator.EventAccumulator(str(whole[0].tensorboard), {"tensors": 0}).Reload()
    steps = {tag: [event.step for event in board.Tensors(tag)] for tag in board.Tags()["tensors"]}
    assert steps == {
        "training/loss": [4, 8, 12, 16, 20],
        "training/points_per_second": [4, 8, 12, 16, 20],
        "validation/loss": [5, 10, 15, 20],
        "validation/error": [5, 10, 15, 20],
    }


def test_its_report_has_its_metrics(whole: tuple[run_folder.RunFolder, engine.Engine]) -> None:
    text = whole[0].report.read_text()
    assert '<th scope="row">loss</th>' in text and '<th scope="row">error</th>' in text
    assert "an abacus" in text


# TensorFlow takes brackets for wildcards.
@pytest.mark.parametrize("name", ["run", "[run]*?"])
def test_ten_steps_and_ten_more_equal_twenty_bit_for_bit(
    whole: tuple[run_folder.RunFolder, engine.Engine], tmp_path: Path, name: str
) -> None:
    train(tmp_path / name, 10)
    trainer, happened = train(tmp_path / name, 20)
    assert happened[0] == events.Started(10, 20, ("loss", "error"), items="points")
    expected, found = (contents(each.checkpointer.latest) for each in (whole[1], trainer))
    assert expected.keys() == found.keys() and len(expected) == 2 + 2 + 2 * 2 + 3
    for name, values in expected.items():
        assert values.tobytes() == found[name].tobytes(), name


def test_the_order_of_events_is_fixed(tmp_path: Path) -> None:
    _, happened = train(
        tmp_path, 4, intervals=schema.Intervals(preview_every=2, checkpoint_every=4)
    )
    kinds = [type(event).__name__ for event in happened]
    kinds = [
        f"{kind} best" if isinstance(event, events.Saved) and event.best else kind
        for kind, event in zip(kinds, happened, strict=True)
    ]
    assert kinds == [
        *("Started", "Step", "Step", "Judged", "Saved best"),
        *("Step", "Step", "Judged", "Saved best", "Saved", "Finished"),
    ]
    assert happened[-2] == events.Saved(4, str(tmp_path / "step-4"))
    assert happened[-3] == events.Saved(4, str(tmp_path / "best" / "step-4"), best=True)


def test_the_checkpoint_of_the_lowest_headline_is_kept_as_the_best(tmp_path: Path) -> None:
    # From the eleventh on, the points lie on another line.
    misled = [*points(10), *points(10, slope=-9.0)]
    trainer, happened = train(tmp_path, 20, batches=misled)
    losses = {event.step: event.metrics["loss"] for event in of(events.Judged, happened)}
    assert min(losses, key=losses.__getitem__) == 10
    assert [event.step for event in of(events.Saved, happened) if event.best] == [5, 10]
    assert checkpoint_file.saved(tmp_path / "best") == [str(tmp_path / "best" / "step-10")]
    assert float(trainer.state.best_loss) == pytest.approx(losses[10])
    # A resumed run knows it.
    _, happened = train(tmp_path, 25, batches=misled)
    assert not [event for event in of(events.Saved, happened) if event.best]


def test_a_damaged_newest_checkpoint_is_skipped_and_written_again(tmp_path: Path) -> None:
    train(tmp_path, 20)
    damaged = tmp_path / "step-20.data-00000-of-00001"
    whole = contents(str(tmp_path / "step-20"))
    damaged.write_bytes(damaged.read_bytes()[:10])
    said: list[str] = []
    _, happened = train(tmp_path, 20, said=said)
    (line,) = said
    assert line.startswith(f"{tmp_path / 'step-20'}: is damaged")
    assert of(events.Started, happened)[0].step == 10
    again = contents(str(tmp_path / "step-20"))
    assert {name: values.tobytes() for name, values in whole.items()} == {
        name: values.tobytes() for name, values in again.items()
    }


def test_metrics_are_means_over_the_steps_between_log_entries(tmp_path: Path) -> None:
    _, happened = train(tmp_path, 5)
    steps = of(events.Step, happened)
    assert [len(event.recent) for event in steps] == [1, 2, 2, 2, 2]
    losses = [float(event.recent[-1]["loss"]) for event in steps]
    assert steps[3].mean_metrics["loss"] == pytest.approx((losses[2] + losses[3]) / 2)
    assert all(event.rate > 0 for event in steps)


def test_the_metrics_of_few_steps_are_kept_however_rarely_they_are_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_WINDOW", 3)
    _, happened = train(tmp_path, 9, intervals=schema.Intervals(log_every=100_000))
    assert [len(event.recent) for event in of(events.Step, happened)] == [1, 2, *[3] * 7]


def test_the_rate_counts_the_items_of_a_batch(tmp_path: Path) -> None:
    def rate(batch_size: int) -> float:
        clock = iter(float(tick) for tick in range(100))
        with pytest.MonkeyPatch.context() as patch:
            # Each reading of the clock is a second after the one before: a step takes one.
            patch.setattr(engine.time, "perf_counter", lambda: next(clock))
            folder = tmp_path / str(batch_size)
            _, happened = train(folder, 3, batch_size=batch_size)
        return of(events.Step, happened)[-1].rate

    assert rate(1) == 1.0
    assert rate(8) == 8.0


def test_actions_are_called_in_turn_after_the_state_has_advanced(tmp_path: Path) -> None:
    trainer = engine.Engine(Line(), tmp_path, INTERVALS)
    calls: list[tuple[str, int]] = []

    def call(name: str, counter: tf.Variable) -> events.Action:
        return lambda event: (
            calls.append((name, int(counter))) if isinstance(event, events.Step) else None
        )

    given = [call("first", trainer.state.step), call("second", trainer.state.position)]
    trainer.train(feed.IterableFeed(points()), last_step=2, actions=given)
    assert calls == [("first", 1), ("second", 1), ("first", 2), ("second", 2)]


def test_the_feed_starts_at_the_step_and_the_position_that_were_saved(tmp_path: Path) -> None:
    asked: list[tuple[int, int]] = []

    def tens(
        step: int, position: int, on_skip: collections.abc.Callable[[str], None]
    ) -> collections.abc.Iterator[tuple[Any, int]]:
        asked.append((step, position))
        for number, batch in enumerate(points(), 1):
            yield batch, position + 10 * number

    for last in (3, 5):
        trainer = engine.Engine(Line(), tmp_path, INTERVALS)
        trainer.restore(print)
        trainer.train(tens, last_step=last)
    assert asked == [(0, 0), (3, 30)]


def test_the_task_knows_the_step_and_runs_something_after_it(tmp_path: Path) -> None:
    class Counting(Line):
        def __init__(self) -> None:
            super().__init__()
            self.sum = tf.Variable(0, dtype=tf.int64)

        def step(self, batch: Any, step: tf.Tensor) -> events.Metrics:
            return {**super().step(batch, step), "step": step}

        def after_step(self, step: tf.Tensor) -> None:
            self.sum.assign_add(step)

    line = Counting()
    _, happened = train(tmp_path, 4, line=line)
    assert [int(event.recent[-1]["step"]) for event in of(events.Step, happened)] == [0, 1, 2, 3]
    assert int(line.sum) == 0 + 1 + 2 + 3


def test_the_facts_of_the_task_join_those_of_the_run(tmp_path: Path) -> None:
    class Known(Line):
        def about(self) -> dict[str, Any]:
            return {"precision": "float32"}

        def references(self) -> dict[str, np.ndarray]:
            return {"a dot": np.zeros([1, 1, 3], np.uint8)}

    _, happened = train(tmp_path, 1, line=Known(), about={"device": "an abacus"})
    (started,) = of(events.Started, happened)
    assert started.about == {"device": "an abacus", "precision": "float32"}
    assert [*started.references] == ["a dot"]


def test_pictures_of_a_judgement_reach_the_actions(tmp_path: Path) -> None:
    class Painter(Line):
        def validate(self) -> task.Judgement:
            dot = np.zeros([1, 1, 3], np.uint8)
            return task.Judgement(super().validate().metrics, (dot,), {"red": (dot,)})

    _, happened = train(tmp_path, 1, line=Painter())
    (judged,) = of(events.Judged, happened)
    assert len(judged.inputs) == 1 and [*judged.outputs] == ["red"]


# Ends before the last step.


def test_a_run_that_is_asked_to_stop_saves_this_very_step(tmp_path: Path) -> None:
    trainer = engine.Engine(Line(), tmp_path, INTERVALS)
    happened: list[events.Event] = []
    finished = trainer.train(
        feed.IterableFeed(points()),
        last_step=100,
        actions=[happened.append],
        should_stop=lambda: int(trainer.state.step) >= 3,
    )
    assert finished == events.Finished(3, 100) and finished.interrupted
    assert [event.interrupted for event in of(events.Step, happened)] == [False, False, True]
    assert of(events.Saved, happened) == [events.Saved(3, str(tmp_path / "step-3"))]
    assert not of(events.Judged, happened)


def test_a_run_that_is_asked_to_stop_at_its_last_step_is_finished(tmp_path: Path) -> None:
    _, happened = train(tmp_path, 1, should_stop=lambda: True)
    assert happened[-1] == events.Finished(1, 1)
    assert [event.interrupted for event in of(events.Step, happened)] == [False]


def test_processes_agree_on_stopping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wishes: list[bool] = []
    # Another process wishes to stop.
    monkeypatch.setattr(
        engine.devices, "agree", lambda strategy, wish: wishes.append(wish) or len(wishes) == 2
    )
    _, happened = train(tmp_path, 5)
    assert happened[-1] == events.Finished(2, 5) and wishes == [False, False]


def test_only_the_chief_writes_and_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.devices, "is_chief", lambda strategy: False)
    trainer = engine.Engine(Line(), tmp_path / "run", EVERY_STEP)
    happened: list[events.Event] = []
    finished = trainer.train(feed.IterableFeed(points()), last_step=2, actions=[happened.append])
    assert finished == events.Finished(2, 2) and not happened
    assert not (tmp_path / "run").exists()
    # But all know which step was the best.
    assert np.isfinite(float(trainer.state.best_loss))


def test_an_action_that_raises_ends_the_run(tmp_path: Path) -> None:
    def fail(event: events.Event) -> None:
        if isinstance(event, events.Step):
            raise RuntimeError("enough")

    trainer = engine.Engine(Line(), tmp_path, INTERVALS)
    with pytest.raises(RuntimeError, match="enough"):
        trainer.train(feed.IterableFeed(points()), last_step=9, actions=[fail])
    assert int(trainer.state.step) == 1


def test_skipped_items_reach_the_actions_in_the_thread_of_the_loop(tmp_path: Path) -> None:
    def skipping(
        step: int, position: int, on_skip: collections.abc.Callable[[str], None]
    ) -> collections.abc.Iterator[tuple[Any, int]]:
        for number, batch in enumerate(points(), 1):
            reader = threading.Thread(target=on_skip, args=(f"point {number}: off the paper",))
            reader.start()
            reader.join()
            yield batch, number

    heard: list[tuple[str, int]] = []

    def hear(event: events.Event) -> None:
        if isinstance(event, events.Skipped):
            heard.append((event.reason, threading.get_ident()))

    engine.Engine(Line(), tmp_path, INTERVALS).train(skipping, last_step=2, actions=[hear])
    here = threading.get_ident()
    assert heard == [("point 1: off the paper", here), ("point 2: off the paper", here)]


# Numbers that are none.


def broken_after(good: int) -> Points:
    """Batches of which all after the first few hold a NaN."""
    return [
        (x, y * np.float32(1.0 if index < good else np.nan))
        for index, (x, y) in enumerate(points())
    ]


def stopped(
    folder: Path, last_step: int, line: task.Task, intervals: schema.Intervals, batches: Points
) -> tuple[str, list[events.Event]]:
    """Returns the message of a run that fails, and the events before it."""
    trainer = engine.Engine(line, folder, intervals)
    happened: list[events.Event] = []
    with pytest.raises(errors.UserError) as caught:
        trainer.train(feed.IterableFeed(batches), last_step=last_step, actions=[happened.append])
    message = str(caught.value)
    assert "\n" not in message and "lower learning rate" in message
    return message, happened


def test_a_loss_that_is_nan_ends_the_run_before_anything_of_it_is_saved(tmp_path: Path) -> None:
    folder = run_folder.RunFolder(tmp_path)
    message, happened = stopped(tmp_path, 20, Line(), EVERY_STEP, broken_after(2))
    assert message.startswith("the loss became NaN or infinite between steps 3 and 3 (loss, ")
    assert f"the last good checkpoint is {tmp_path / 'step-2'}. " in message
    assert {event.step for event in happened if not isinstance(event, events.Skipped)} == {0, 1, 2}
    assert [Path(path).name for path in checkpoint_file.saved(tmp_path)] == ["step-1", "step-2"]
    assert not folder.metrics.exists()


@pytest.mark.parametrize("rewinds", [0, 1])
def test_a_run_goes_back_to_its_last_checkpoint_and_on_to_other_batches(
    tmp_path: Path, rewinds: int
) -> None:
    folder = run_folder.RunFolder(tmp_path)
    one_bad = [
        (x, y * np.float32(np.nan if index == 2 else 1)) for index, (x, y) in enumerate(points())
    ]
    happened: list[events.Event] = []
    record = [*actions.standard(folder, EVERY_STEP), happened.append]
    every_two = dataclasses.replace(EVERY_STEP, checkpoint_every=2)
    trainer = engine.Engine(Line(), folder.checkpoints, every_two, rewinds=rewinds)
    steps = functools.partial(trainer.train, feed.IterableFeed(one_bad), last_step=5)
    if not rewinds:
        with pytest.raises(errors.DivergedError):
            steps(actions=record)
        return
    steps(actions=record)
    (rewound,) = of(events.Rewound, happened)
    assert rewound.step == 2 and "became NaN or infinite between steps 3 and 3" in rewound.reason
    assert [event.step for event in of(events.Started, happened)] == [0, 2]
    # The third batch is left out.
    assert int(trainer.state.position) == 6
    logged = [
        line["step"] for line in metrics_log.read(folder.metrics) if line["kind"] == "training"
    ]
    assert logged == [1, 2, 3, 4, 5]
    # A run of the other batches alone ends in the same weights.
    good = [batch for index, batch in enumerate(one_bad) if index != 2]
    other = engine.Engine(Line(), tmp_path / "other", every_two)
    other.train(feed.IterableFeed(good), last_step=5)
    for one, two in zip(trainer.task.variables, other.task.variables, strict=True):
        assert one.numpy().tobytes() == two.numpy().tobytes()


def test_a_run_that_always_fails_goes_back_only_so_often(tmp_path: Path) -> None:
    trainer = engine.Engine(Line(), tmp_path, EVERY_STEP, rewinds=3)
    happened: list[events.Event] = []
    with pytest.raises(errors.DivergedError, match="on_nan: rewind"):
        trainer.train(feed.IterableFeed(broken_after(2)), last_step=9, actions=[happened.append])
    assert [event.step for event in of(events.Rewound, happened)] == [2, 2, 2]


def exploding(first: int, end: int) -> Points:
    """Batches of which some hold numbers that are far too large."""
    return [
        (x, y * np.float32(1e6 if first <= index < end else 1.0))
        for index, (x, y) in enumerate(points(100))
    ]


def test_a_loss_that_explodes_ends_the_run_at_its_last_checkpoint_before(tmp_path: Path) -> None:
    every_eight = dataclasses.replace(EVERY_STEP, preview_every=100, checkpoint_every=8)
    message, happened = stopped(tmp_path, 90, Line(), every_eight, exploding(60, 100))
    assert message.startswith("the loss exploded between steps 61 and 66 (loss ")
    # That of step 64 was due, but the loss stood out already.
    assert f"the last good checkpoint is {tmp_path / 'step-56'}. " in message
    assert [event.step for event in of(events.Saved, happened)][-1] == 56


def test_an_explosion_is_left_out_by_a_run_that_goes_back(tmp_path: Path) -> None:
    every_eight = dataclasses.replace(EVERY_STEP, preview_every=100, checkpoint_every=8)
    trainer = engine.Engine(Line(), tmp_path, every_eight, rewinds=3)
    happened: list[events.Event] = []
    batches = feed.IterableFeed(exploding(60, 70))
    trainer.train(batches, last_step=72, actions=[happened.append])
    (rewound,) = of(events.Rewound, happened)
    assert rewound.step == 56 and "exploded between steps 61 and 66" in rewound.reason
    # Of the ten batches, four follow: too few for another explosion. The checkpoint of step 64
    # waits until the last of them, at step 60, is ten steps ago.
    saved = [event.step for event in of(events.Saved, happened) if not event.best]
    assert saved[-3:] == [56, 70, 72]


class Half(Line):
    """A line whose loss is computed in float16, whose largest number is 65,504."""

    too_large = 1.0

    def __init__(self) -> None:
        super().__init__()
        self._optimizer = optimizers.make("adam", 0.1, dtype=tf.float16, loss_scale=1024.0)
        self._optimizer.build(self.variables)

    def step(self, batch: Any, step: tf.Tensor) -> events.Metrics:
        x, y = (tf.cast(each, tf.float16) for each in batch)
        with tf.GradientTape() as tape:
            a, b = (tf.cast(each, tf.float16) for each in self.variables)
            loss = tf.reduce_mean(tf.square(a * x + b - y))
            scaled = self._optimizer.scale_loss(loss)
        gradients = [self.too_large * each for each in tape.gradient(scaled, self.variables)]
        found = optimizers.metrics(self._optimizer)
        self._optimizer.apply_gradients(zip(gradients, self.variables, strict=True))
        return {"loss": tf.cast(loss, tf.float32), **found}


def test_an_overflow_in_float16_ends_the_run_and_never_reaches_the_weights(tmp_path: Path) -> None:
    # The square of 1e3 is too large.
    batches = [
        (x, y * np.float32(1e3 if index > 2 else 1)) for index, (x, y) in enumerate(points())
    ]
    half = Half()
    message, _ = stopped(tmp_path, 20, half, EVERY_STEP, batches)
    assert message.startswith("the loss became NaN or infinite between steps 4 and 4 (loss)")
    assert "in float32" in message
    saved = checkpoint_file.read_checkpoint(tmp_path / "step-3")
    for variable in half.variables:
        assert variable.numpy() == saved[f"{variable.name[0]}/.ATTRIBUTES/VARIABLE_VALUE"] != 0


def test_gradients_that_overflow_in_float16_are_skipped_until_their_scale_fits(
    tmp_path: Path,
) -> None:
    # Gradients of up to 20, times the first scale of 2^20, do not fit.
    half = Half()
    half._optimizer.dynamic_scale.assign(2.0**20)
    train(tmp_path, 20, line=half, intervals=EVERY_STEP)
    assert 1.0 <= half._optimizer.dynamic_scale.numpy() < 2.0**15
    assert np.isfinite([half.a, half.b]).all() and half.a.numpy() != 0.0


def test_gradients_that_are_infinite_at_any_scale_end_the_run(tmp_path: Path) -> None:
    # Otherwise, every step would be skipped until the last one, without a word.
    half = Half()
    half.too_large = math.inf
    message, _ = stopped(tmp_path, 200, half, EVERY_STEP, points())
    # 1024 halves 51 times until it is below 2^-40; the metric is that of the step after.
    assert message.startswith(
        "the loss became NaN or infinite between steps 52 and 52 (loss_scale)"
    )
    assert half.a.numpy() == 0.0


def test_a_check_names_all_steps_since_the_last_one(tmp_path: Path) -> None:
    every_four = schema.Intervals(log_every=4, preview_every=100, checkpoint_every=100)
    message, _ = stopped(tmp_path, 20, Line(), every_four, broken_after(6))
    assert "between steps 5 and 8 (" in message
    assert "last good checkpoint is none yet" in message


def test_a_run_that_stops_early_is_checked_before_it_is_saved(tmp_path: Path) -> None:
    trainer = engine.Engine(Line(), tmp_path, schema.Intervals())
    with pytest.raises(errors.UserError, match="between steps 1 and 3"):
        trainer.train(
            feed.IterableFeed(broken_after(1)),
            last_step=100,
            should_stop=lambda: int(trainer.state.step) == 3,
        )
    assert not checkpoint_file.saved(tmp_path)


def test_a_weight_that_is_nan_is_found_while_the_loss_is_none(tmp_path: Path) -> None:
    class Breaking(Line):
        """Breaks its first weight, which has the name of the second."""

        def __init__(self) -> None:
            super().__init__()
            self.variables = [tf.Variable(np.nan, name="b"), self.b]

        def step(self, batch: Any, step: tf.Tensor) -> events.Metrics:
            return {"loss": tf.constant(1.0)}

    message, _ = stopped(tmp_path, 9, Breaking(), EVERY_STEP, points())
    assert "between steps 1 and 1 (b" in message


def test_a_validation_that_is_nan_ends_the_run_before_the_checkpoint(tmp_path: Path) -> None:
    class Blind(Line):
        def validate(self) -> task.Judgement:
            return task.Judgement({"loss": float("nan"), "error": 1.0})

    message, happened = stopped(tmp_path, 9, Blind(), EVERY_STEP, points())
    assert "between steps 1 and 1 (loss)" in message
    assert not of(events.Judged, happened) and not checkpoint_file.saved(tmp_path)


def test_xla_compiles_the_step_to_the_same_result(tmp_path: Path) -> None:
    weights = []
    for xla in (False, True):
        trainer = engine.Engine(Line(), tmp_path / str(xla), INTERVALS, xla=xla)
        trainer.train(feed.IterableFeed(points()), last_step=3)
        weights.append([float(variable) for variable in trainer.task.variables])
    assert weights[0] == pytest.approx(weights[1], rel=1e-5)


def test_the_metrics_of_a_log_are_plain_numbers(tmp_path: Path) -> None:
    folder = run_folder.RunFolder(tmp_path)
    train(folder.checkpoints, 2, *actions.standard(folder, EVERY_STEP), intervals=EVERY_STEP)
    for text in folder.metrics.read_text().splitlines():
        assert "NaN" not in text and json.loads(text)["step"] in (0, 1, 2)
