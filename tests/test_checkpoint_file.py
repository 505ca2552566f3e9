"""Checkpoints as dictionaries of arrays."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from fastnst.checkpoint_file import read_checkpoint, write_checkpoint
from fastnst.errors import UserError

NAME = "vgg_16/conv1/conv1_1/weights"


def write_v1(path: Path, value: float) -> None:
    """Writes a single-file checkpoint like slim's, with a fully connected layer and a step."""
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        v1.get_variable(NAME, initializer=np.full((2, 3), value, np.float32))
        v1.get_variable("vgg_16/fc6/weights", initializer=np.zeros(4, np.float32))
        v1.get_variable("global_step", initializer=np.int64(7))
        session.run(v1.global_variables_initializer())
        saver = v1.train.Saver(write_version=v1.train.SaverDef.V1)
        saver.save(session, str(path), write_meta_graph=False, write_state=False)


def test_arrays_keep_their_names_and_float16_is_read_as_float32(tmp_path: Path) -> None:
    kernel = np.array([[0.5, -2.0], [1 / 3, 65504.0]], np.float16)
    write_checkpoint(tmp_path / "net.ckpt", {"conv1/kernel": kernel, "step": np.array(3)})
    read = read_checkpoint(tmp_path / "net.ckpt")
    assert set(read) == {"conv1/kernel", "step"}
    assert read["conv1/kernel"].dtype == np.float32
    np.testing.assert_array_equal(read["conv1/kernel"], kernel.astype(np.float32))
    assert read["step"] == 3 and read["step"].dtype == np.int64
    reader = tf.train.load_checkpoint(str(tmp_path / "net.ckpt"))
    assert reader.get_variable_to_dtype_map() == {"conv1/kernel": tf.float16, "step": tf.int64}


def test_a_checkpoint_has_two_files_and_is_reproducible(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write_checkpoint(tmp_path / folder / "net", {"x": np.arange(5.0), "a": np.ones(3)})
    names = ["net.data-00000-of-00001", "net.index"]
    for folder in ("a", "b"):
        assert sorted(file.name for file in (tmp_path / folder).iterdir()) == names
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_failed_write_leaves_the_old_checkpoint_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: str, target: str) -> None:
        raise OSError("No space left on device")

    write_checkpoint(tmp_path / "net", {"x": np.ones(3)})
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(UserError, match="net: cannot be written: No space left on device"):
        write_checkpoint(tmp_path / "net", {"x": np.zeros(3)})
    np.testing.assert_array_equal(read_checkpoint(tmp_path / "net")["x"], np.ones(3))
    assert len(list(tmp_path.iterdir())) == 2


def test_a_checkpoint_can_be_read_by_any_of_its_files(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "net.ckpt", {"x": np.ones(3)})
    for suffix in (".index", ".data-00000-of-00001"):
        assert set(read_checkpoint(tmp_path / f"net.ckpt{suffix}")) == {"x"}


def test_a_v1_file_is_read_and_names_are_selected_by_prefix(tmp_path: Path) -> None:
    write_v1(tmp_path / "vgg_16.ckpt", 5)
    read = read_checkpoint(tmp_path / "vgg_16.ckpt", "vgg_16/conv")
    assert set(read) == {NAME}
    np.testing.assert_array_equal(read[NAME], np.full((2, 3), 5, np.float32))
    assert read_checkpoint(tmp_path / "vgg_16.ckpt")["global_step"] == 7


def test_a_v1_file_takes_precedence_over_v2_files_of_the_same_name(tmp_path: Path) -> None:
    path = tmp_path / "vgg_16.ckpt"
    write_checkpoint(path, {NAME: np.ones((2, 3), np.float16)})
    assert read_checkpoint(path)[NAME][0, 0] == 1
    write_v1(path, 5)
    assert read_checkpoint(path)[NAME][0, 0] == 5


def test_a_v1_file_is_read_if_links_are_not_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise OSError("a required privilege is not held by the client")

    write_v1(tmp_path / "vgg_16.ckpt", 5)
    monkeypatch.setattr(Path, "symlink_to", refuse)
    assert read_checkpoint(tmp_path / "vgg_16.ckpt", "vgg")[NAME][0, 0] == 5


def test_a_path_with_glob_characters_is_taken_literally(tmp_path: Path) -> None:
    folder = tmp_path / "old [copy] *"
    write_checkpoint(folder / "v2", {"x": np.ones(3)})
    write_v1(folder / "v1", 5)
    assert set(read_checkpoint(folder / "v2")) == {"x"}
    assert read_checkpoint(folder / "v1")[NAME][0, 0] == 5


def test_writing_raises_an_error_if_a_v1_file_would_hide_the_checkpoint(tmp_path: Path) -> None:
    write_v1(tmp_path / "vgg_16.ckpt", 5)
    with pytest.raises(UserError, match="move it away"):
        write_checkpoint(tmp_path / "vgg_16.ckpt", {"x": np.ones(3)})
    assert [file.name for file in tmp_path.iterdir()] == ["vgg_16.ckpt"]


def test_a_missing_checkpoint_raises_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"net\.ckpt: no checkpoint there; expected net\.ckpt\.ind"):
        read_checkpoint(tmp_path / "net.ckpt")


@pytest.mark.parametrize("damage", ["flipped", "truncated", "no data", "no index", "no checkpoint"])
def test_damage_is_reported_in_one_line(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "net.ckpt"
    write_checkpoint(path, {"x": np.ones(3)})
    data, index = Path(f"{path}.data-00000-of-00001"), Path(f"{path}.index")
    if damage == "flipped":
        data.write_bytes(bytes([data.read_bytes()[0] ^ 1]) + data.read_bytes()[1:])
    elif damage == "truncated":
        data.write_bytes(data.read_bytes()[:-1])
    elif damage == "no data":
        data.unlink()
    elif damage == "no index":
        index.write_bytes(b"")
    else:
        path.write_text("a text file")
    with pytest.raises(UserError, match=r"net\.ckpt: not a TensorFlow checkpoint") as caught:
        read_checkpoint(path)
    assert "\n" not in str(caught.value)


def test_a_path_that_cannot_be_written_raises_a_user_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"net: cannot be written: .*"):
        write_checkpoint(tmp_path / "file" / "net", {"x": np.ones(3)})


def test_an_array_that_claims_more_than_its_file_holds_is_not_allocated(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "net", {"kernel": np.zeros(2**20, np.float32)})
    data = tmp_path / "net.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:1000])
    with pytest.raises(UserError, match=r"damaged: 'kernel' should have 4,194,304 bytes, more"):
        read_checkpoint(tmp_path / "net")


@pytest.mark.parametrize("name", ["a[b]*?", os.fsdecode(b"caf\xe9")])
def test_a_folder_may_have_any_name(name: str, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / name / "net", {"kernel": np.ones(3, np.float32)})
    assert read_checkpoint(tmp_path / name / "net")["kernel"].tolist() == [1.0, 1.0, 1.0]


def test_a_checkpoint_that_is_replaced_while_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load, attempts = tf.train.load_checkpoint, []

    def load_during_a_save(path: str) -> object:
        attempts.append(path)
        if len(attempts) == 1:
            write_checkpoint(tmp_path / "net", {"kernel": np.ones(5, np.float32)})
            raise tf.errors.DataLossError(None, None, "checksum does not match")
        return load(path)

    write_checkpoint(tmp_path / "net", {"kernel": np.ones(3, np.float32)})
    monkeypatch.setattr(tf.train, "load_checkpoint", load_during_a_save)
    assert read_checkpoint(tmp_path / "net")["kernel"].shape == (5,)
    assert len(attempts) == 2
