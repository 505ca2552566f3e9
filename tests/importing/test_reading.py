"""Tensors of other projects' files."""

from __future__ import annotations

import pickle
from pathlib import Path

import networks
import numpy as np
import pytest
import tensorflow as tf

from fastnst import errors
from fastnst.importing import reading

TENSORS = networks.original()


def write_v1(path: Path) -> None:
    networks.save_v1(TENSORS, path)


def write_v2(path: Path) -> None:
    """A checkpoint in the format of today, with a counter that is no weight."""
    names, values = zip(*TENSORS.items(), strict=True)
    tf.raw_ops.SaveV2(
        prefix=str(path),
        tensor_names=[*names, "global_step"],
        shape_and_slices=[""] * (len(names) + 1),
        tensors=[*values, np.int64(7)],
    )


@pytest.mark.parametrize("write", [write_v1, write_v2])
def test_checkpoints_of_both_formats_are_read(write, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "fast-style-model.ckpt-done"
    write(path)
    found = reading.tensors(path)
    assert found.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        np.testing.assert_array_equal(found[name], tensor)


def test_the_newest_checkpoint_of_a_folder_is_read(tmp_path: Path) -> None:
    write_v2(tmp_path / "model-1000")
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "model-1000"\n')
    assert reading.tensors(tmp_path).keys() == TENSORS.keys()


def test_arrays_are_read_as_float32(tmp_path: Path) -> None:
    np.savez(tmp_path / "net.npz", a=np.ones(3), b=np.ones(2, np.float16))
    found = reading.tensors(tmp_path / "net.npz")
    assert {name: tensor.dtype for name, tensor in found.items()} == dict.fromkeys("ab", np.float32)


def test_safetensors_are_read(tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.numpy")
    safetensors.save_file({"a": np.arange(3.0, dtype=np.float32)}, tmp_path / "net.safetensors")
    assert reading.tensors(tmp_path / "net.safetensors")["a"].tolist() == [0, 1, 2]


def test_pytorchs_files_are_read_without_their_running_statistics_of_integers(
    tmp_path: Path,
) -> None:
    torch = pytest.importorskip("torch")
    state = {"module.a": torch.arange(3.0), "steps": torch.tensor(7)}
    torch.save({"state_dict": state}, tmp_path / "net.pth")
    found = reading.tensors(tmp_path / "net.pth")
    assert {name: tensor.tolist() for name, tensor in found.items()} == {"a": [0, 1, 2]}


def test_tensors_that_would_take_too_much_are_refused_before_they_take_it(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    # A single number, repeated 400 million times in a view.
    view = torch.zeros(1, dtype=torch.float16).expand(20_000, 20_000)
    torch.save({"a": view, "b": torch.zeros(1)}, tmp_path / "net.pth")
    with pytest.raises(
        errors.UserError, match=r"net\.pth: would take 1,600,000,000 bytes, more th"
    ):
        reading.tensors(tmp_path / "net.pth")


def test_integers_that_become_floats_count_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_LARGEST_FILE", 2_000)
    np.savez(tmp_path / "net.npz", a=np.zeros(400, np.int8), b=np.zeros(101, np.int8))
    with pytest.raises(errors.UserError, match=r"net\.npz: would take 2,004 bytes"):
        reading.tensors(tmp_path / "net.npz")


class Program:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("name", ["net.npz", "net.pth", "net.safetensors", "net.ckpt"])
@pytest.mark.parametrize("kind", ["missing", "damaged", "program"])
def test_a_bad_file_is_one_line_and_runs_nothing(name: str, kind: str, tmp_path: Path) -> None:
    path, victim = tmp_path / name, tmp_path / "victim"
    if kind == "damaged":
        path.write_bytes(b"\x93NUMPY and no more" * 3)
    elif kind == "program":
        path.write_bytes(pickle.dumps(Program(victim)))
    with pytest.raises(errors.UserError, match=r"^.*net\.\w+: ") as caught:
        reading.tensors(path)
    assert "\n" not in str(caught.value)
    assert not victim.exists()


def test_a_folder_without_a_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(errors.UserError, match="is a folder without a checkpoint"):
        reading.tensors(tmp_path)
