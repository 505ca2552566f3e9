"""Checkpoints: what they hold, how many are kept, and those that cannot be resumed from."""

from __future__ import annotations

import re
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fastnst import checkpoint_file, errors
from fastnst.models import restore
from fastnst.nets import architectures, transform_net
from fastnst.training import checkpoints
from fastnst.training import state as state_module
from fastnst.training.tasks import style_transfer


class Training:
    """A tiny network in training: everything that a checkpoint keeps."""

    def __init__(self, width: int = 4, seed: int = 0) -> None:
        self.net, self.average = (
            transform_net.TransformNet(architectures.Transform(width, 1), seed=seed + index)
            for index in range(2)
        )
        self.optimizer = tf.keras.optimizers.Adam(1e-3)
        # Nothing here looks at the objective.
        objectives: Any = {"tiny": None}
        self.task = style_transfer.StyleTransfer(
            self.net, self.average, self.optimizer, objectives, []
        )
        self.state = state_module.State.new()

    def checkpointer(self, folder: Path, keep: int = 2) -> checkpoints.Checkpointer:
        return checkpoints.Checkpointer(folder, self.task, self.state, keep)

    def advance(self, steps: int = 1) -> None:
        """Moves every variable, Adam's moments too."""
        variables = self.net.trainable_variables
        for _ in range(steps):
            gradients = [tf.cos(variable) for variable in variables]
            self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
            for mean in self.average.trainable_variables:
                mean.assign(tf.sin(mean + 1.0))
            self.state.step.assign_add(1)
            self.state.position.assign_add(7)

    def everything(self) -> list[np.ndarray]:
        own = self.state.kept().values()
        variables = (*self.net.variables, *self.average.variables, *self.optimizer.variables, *own)
        return [value.numpy() for value in variables]


def unheard(line: str) -> None:
    raise AssertionError(line)


def steps_in(folder: Path) -> list[int]:
    return sorted(int(file.stem.removeprefix("step-")) for file in folder.glob("step-*.index"))


def test_everything_that_a_run_changes_is_restored_exactly(tmp_path: Path) -> None:
    training = Training()
    training.advance(3)
    training.state.best_loss.assign(1.5)
    checkpointer = training.checkpointer(tmp_path)
    checkpointer.save_best()
    checkpointer.save()
    other = Training(seed=1)
    assert other.checkpointer(tmp_path).restore(unheard) == 3
    # Both networks, two moments of each weight, Adam's step and learning rate, and three counters.
    assert len(other.everything()) == 4 * len(training.net.variables) + 2 + 3
    for saved, restored in zip(training.everything(), other.everything(), strict=True):
        np.testing.assert_array_equal(saved, restored)
    training.advance()
    other.advance()
    for one, two in zip(training.everything(), other.everything(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_without_a_best_checkpoint_the_next_validation_is_the_best(tmp_path: Path) -> None:
    training = Training()
    training.state.best_loss.assign(1.5)
    checkpointer = training.checkpointer(tmp_path)
    assert checkpointer.forget_best() is None
    training.state.best_loss.assign(1.5)
    checkpointer.save_best()
    checkpointer.save()
    assert checkpointer.forget_best() == tmp_path / "best.old1"
    assert float(training.state.best_loss) == np.inf
    # Also after a crash before anything further was saved.
    other = Training()
    other.checkpointer(tmp_path).restore(unheard)
    assert float(other.state.best_loss) == np.inf


def test_nothing_is_written_before_the_first_save_and_a_new_run_starts_at_0(tmp_path: Path) -> None:
    checkpointer = Training().checkpointer(tmp_path / "new")
    assert checkpointer.latest is None
    assert checkpointer.restore(unheard) == 0


def test_the_last_few_and_the_best_are_kept_across_restarts(tmp_path: Path) -> None:
    training = Training()
    checkpointer = training.checkpointer(tmp_path)
    for _ in range(4):
        training.advance()
        checkpointer.save()
        if int(training.state.step) == 2:
            checkpointer.save_best()
    assert steps_in(tmp_path) == [3, 4]
    assert steps_in(tmp_path / "best") == [2]
    assert checkpointer.latest == str(tmp_path / "step-4")

    training = Training()
    checkpointer = training.checkpointer(tmp_path)
    assert checkpointer.restore(unheard) == 4
    training.advance()
    checkpointer.save()
    checkpointer.save_best()
    assert steps_in(tmp_path) == [4, 5]
    assert steps_in(tmp_path / "best") == [5]


def test_a_moved_run_is_still_found(tmp_path: Path) -> None:
    training = Training()
    training.advance()
    training.checkpointer(tmp_path / "a").save()
    (tmp_path / "a").rename(tmp_path / "b")
    assert Training().checkpointer(tmp_path / "b").restore(unheard) == 1
    assert checkpoint_file.newest(tmp_path / "b") == str(tmp_path / "b" / "step-1")


def test_a_checkpoint_of_another_architecture_is_refused(tmp_path: Path) -> None:
    Training(width=4).checkpointer(tmp_path).save()
    with pytest.raises(errors.UserError) as caught:
        Training(width=8).checkpointer(tmp_path).restore(unheard)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'step-0'}: ") and "\n" not in message
    assert "another architecture" in message and "--fresh" in message


@pytest.mark.parametrize("damage", ["cut short", "overwritten", "index cut short", "data gone"])
def test_a_damaged_checkpoint_is_named(tmp_path: Path, damage: str) -> None:
    Training().checkpointer(tmp_path).save()
    data, index = tmp_path / "step-0.data-00000-of-00001", tmp_path / "step-0.index"
    if damage == "cut short":
        data.write_bytes(data.read_bytes()[:1000])
    elif damage == "overwritten":
        content = bytearray(data.read_bytes())
        content[2000:6000] = bytes(4000)
        data.write_bytes(content)
    elif damage == "index cut short":
        index.write_bytes(index.read_bytes()[:100])
    else:
        data.unlink()
    with pytest.raises(errors.UserError, match=r"step-0: cannot resume .* damaged") as caught:
        Training().checkpointer(tmp_path).restore(unheard)
    assert not re.search(r"\n|function_node|\[Op:", str(caught.value))


def test_if_the_newest_is_damaged_the_run_resumes_from_the_one_before(tmp_path: Path) -> None:
    training = Training()
    checkpointer = training.checkpointer(tmp_path, 4)
    for _ in range(3):
        training.advance()
        checkpointer.save()
    for step in (2, 3):
        (tmp_path / f"step-{step}.data-00000-of-00001").write_bytes(b"")
    heard: list[str] = []
    other = Training(seed=1)
    checkpointer = other.checkpointer(tmp_path, 4)
    assert checkpointer.restore(heard.append) == 1 == int(other.state.step)
    assert [line.partition(": ")[0] for line in heard] == [
        str(tmp_path / "step-3"),
        str(tmp_path / "step-2"),
    ]
    assert checkpointer.latest == str(tmp_path / "step-1")
    assert (tmp_path / "step-3.data-00000-of-00001.old1").read_bytes() == b""
    # The damaged ones, which are renamed, are written again as the run passes them.
    other.advance()
    checkpointer.save()
    assert Training().checkpointer(tmp_path, 4).restore(unheard) == 2
    assert checkpoint_file.saved(tmp_path) == [str(tmp_path / f"step-{step}") for step in (1, 2)]


def test_what_lies_in_the_folder_counts_and_not_the_note(tmp_path: Path) -> None:
    training = Training()
    checkpointer = training.checkpointer(tmp_path, 9)
    for _ in range(3):
        training.advance()
        checkpointer.save()
    for note in (
        # TensorFlow's own form of one line, a path that is gone, and an older checkpoint.
        'model_checkpoint_path: "step-3"\n',
        'model_checkpoint_path: "/gone/step-7"\nall_model_checkpoint_paths: "/gone/step-7"\n',
        'model_checkpoint_path: "step-1"\nall_model_checkpoint_paths: "step-1"\n',
    ):
        (tmp_path / "checkpoint").write_text(note)
        assert Training(seed=1).checkpointer(tmp_path).restore(unheard) == 3
        assert checkpoint_file.newest(tmp_path) == str(tmp_path / "step-3")


def test_a_run_of_which_only_the_best_checkpoint_is_left_resumes_from_it(tmp_path: Path) -> None:
    training = Training()
    training.advance(5)
    training.state.best_loss.assign(2.5)
    training.checkpointer(tmp_path).save_best()
    other = Training(seed=1)
    assert other.checkpointer(tmp_path).restore(unheard) == 5
    for saved, restored in zip(training.everything(), other.everything(), strict=True):
        np.testing.assert_array_equal(saved, restored)


def test_a_checkpoint_that_was_not_read_is_never_overwritten_or_deleted(tmp_path: Path) -> None:
    earlier = Training()
    earlier.advance(2)
    content = Path(f"{earlier.checkpointer(tmp_path).save()}.data-00000-of-00001").read_bytes()
    training = Training(seed=1)
    checkpointer = training.checkpointer(tmp_path, keep=1)
    for _ in range(3):
        training.advance()
        checkpointer.save()
    kept = tmp_path / "step-2.data-00000-of-00001.old1"
    assert kept.read_bytes() == content and (tmp_path / "step-2.index.old1").exists()
    assert steps_in(tmp_path) == [3]


def test_a_folder_that_cannot_be_read_is_not_taken_for_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(path: object) -> list[str]:
        raise PermissionError(13, "Permission denied")

    # Root may read anything, so the system's answer is replaced.
    monkeypatch.setattr(checkpoint_file.os, "listdir", closed)
    with pytest.raises(errors.UserError, match=r"cannot be read \(Permission denied\)"):
        checkpoint_file.saved(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["empty", "garbage", "gone"])
def test_without_tensorflows_note_the_checkpoints_are_found_by_name(
    tmp_path: Path, damage: str
) -> None:
    training = Training()
    checkpointer = training.checkpointer(tmp_path, 20)
    for _ in range(11):
        training.advance()
        checkpointer.save()
    checkpointer.save_best()
    for note in (tmp_path / "checkpoint", tmp_path / "best" / "checkpoint"):
        if damage == "gone":
            note.unlink()
        else:
            note.write_bytes(b"" if damage == "empty" else b"\0\1\2")
    assert checkpoint_file.newest(tmp_path) == str(tmp_path / "best" / "step-11")
    # By number: by letter, 9 would be the last.
    assert checkpoint_file.saved(tmp_path) == [
        str(tmp_path / f"step-{step}") for step in range(1, 12)
    ]
    other = Training(seed=1).checkpointer(tmp_path, 20)
    assert other.restore(unheard) == 11
    other.save()
    assert len(steps_in(tmp_path)) == 11


def test_a_checkpoint_that_cannot_be_written_names_the_one_to_resume_from(tmp_path: Path) -> None:
    training = Training()
    checkpointer = training.checkpointer(tmp_path / "run")
    checkpointer.save()
    training.advance()
    # No file may grow, as on a full disk.
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(errors.UserError) as caught:
            checkpointer.save()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    message = str(caught.value)
    assert "checkpoint of step 1 cannot be written" in message and "\n" not in message
    assert f"resumes from {tmp_path / 'run' / 'step-0'}" in message
    assert Training().checkpointer(tmp_path / "run").restore(unheard) == 0


def test_a_folder_that_is_gone_has_no_checkpoint_to_resume_from(tmp_path: Path) -> None:
    training = Training()
    checkpointer = training.checkpointer(tmp_path / "run")
    checkpointer.save()
    shutil.rmtree(tmp_path / "run")
    (tmp_path / "run").write_text("a file where the folder was")
    with pytest.raises(errors.UserError, match="resumes from the beginning"):
        checkpointer.save()


def test_stylizing_takes_the_best_checkpoint_else_the_last(tmp_path: Path) -> None:
    assert checkpoint_file.newest(tmp_path) is None
    training = Training()
    checkpointer = training.checkpointer(tmp_path)
    checkpointer.save()
    assert checkpoint_file.newest(tmp_path) == str(tmp_path / "step-0")
    checkpointer.save_best()
    training.advance()
    checkpointer.save()
    best = checkpoint_file.newest(tmp_path)
    assert best == str(tmp_path / "best" / "step-0")


def test_the_network_alone_is_read_from_a_checkpoint(tmp_path: Path) -> None:
    training = Training()
    checkpointer = training.checkpointer(tmp_path)
    checkpointer.save()
    assert checkpointer.latest is not None
    tensors = restore.read_net(checkpointer.latest)
    assert tensors.keys() == training.average.tensors().keys()
    for name, tensor in training.average.tensors().items():
        np.testing.assert_array_equal(tensors[name], tensor)


def test_a_runs_checkpoint_holds_nothing_of_the_loss_network(tiny_run: Path) -> None:
    newest = tf.train.latest_checkpoint(str(tiny_run / "checkpoints"))
    shapes: dict[str, list[int]] = dict(tf.train.list_variables(newest))
    ours = (
        "net/",
        "average/",
        "optimizer/",
        "step/",
        "position/",
        "best_loss/",
        "loss_scale/",
        "steps_at_loss_scale/",
        "save_counter/",
    )
    others = [name for name in shapes if not name.startswith(ours)]
    assert others == ["_CHECKPOINTABLE_OBJECT_GRAPH"]
    # Weights and two moments each: nothing is as large as a layer of VGG16.
    net = [name for name in shapes if name.startswith("net/")]
    slots = [name for name in shapes if name.startswith("optimizer/") and len(shapes[name]) == 4]
    assert len(slots) == 2 * len([name for name in net if len(shapes[name]) == 4])
    largest: Callable[[list[int]], int] = lambda shape: int(np.prod(shape))  # noqa: E731
    assert max(largest(shapes[name]) for name in shapes) < 64 * 64 * 9
