"""`train.py`: how bad input and damaged runs are refused."""

from __future__ import annotations

import shutil
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import runs
import tensorflow as tf

from fastnst import checkpoint_file, config
from fastnst.cli import train as command

Conf = Callable[..., Path]


def write_records(folder: Path, **features: bytes) -> str:
    """Writes a TFRecord file of three records with these features."""
    feature = {
        key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        for key, value in features.items()
    }
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    path = folder / "head.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for _ in range(3):
            writer.write(example.SerializeToString())
    return str(path)


BAD_CONFS: dict[str, tuple[dict[str, Any], str]] = {
    "missing key": ({"style_image": None}, "{conf}: style_image is missing"),
    "misspelt key": (
        {"sytle_size": 64},
        "{conf}:{line}: unknown key sytle_size; did you mean style_size?",
    ),
    "wrong type": ({"batch_size": "many"}, "{conf}:{line}: batch_size: should be a number, found"),
    "image_size 0": ({"image_size": 0}, "{conf}:{line}: image_size: 0 is too small, should be at"),
    "no such layer": ({"style_layers": ["relu9_1"]}, "{conf}:{line}: style_layers: no layer relu9"),
    "naming": ({"naming": "../../x"}, "{conf}:{line}: naming: '../../x' is not a plain name"),
    "choice": (
        {"schedule": "cosin"},
        "{conf}:{line}: schedule: 'cosin' is not one of constant, cosine, linear, stairs; did",
    ),
    "layer not in the file": (
        {"style_layers": ["relu5_1"]},
        "layer relu5_1 is not in the loss network's file, which ends at relu4_3",
    ),
    "style image missing": ({"style_image": "img/cndy.jpg"}, "style_image: img/cndy.jpg: no such"),
    "style image unreadable": ({"style_image": "{text}"}, "style_image: {text}: not an image"),
    "style image is an empty folder": (
        {"style_image": "{folder}/empty"},
        "style_image: {folder}/empty: contains no photos",
    ),
    "folder missing": ({"dataset": "{folder}/nowhere"}, "dataset: {folder}/nowhere: no such file"),
    "folder empty": ({"dataset": "{folder}/empty"}, "dataset: {folder}/empty: contains no photo"),
    "glob unmatched": ({"dataset": "{folder}/*.tfrecord9"}, "dataset: {folder}/*.tfrecord9: no fi"),
    "records without images": (
        {"dataset": "{records}"},
        "dataset: {records}: no image in its records; keys found: label, number",
    ),
    "batch too large": ({"batch_size": 97}, "batch_size: 97 is more than the 96 photos of"),
    "validation empty": (
        {"validation": "{folder}/empty"},
        "validation: {folder}/empty: contains no photo",
    ),
    "validation unreadable": (
        {"validation": "{folder}/bad"},
        "validation: {folder}/bad: none of its 1 photos can be read",
    ),
    "loss network missing": (
        {"loss_model_file": "{folder}/vgg.ckpt"},
        "loss_model_file: {folder}/vgg.ckpt: no checkpoint there",
    ),
    "loss network is something else": (
        {"loss_model_file": "{text}"},
        "loss_model_file: {text}: not a TensorFlow checkpoint",
    ),
}


@pytest.mark.parametrize("name", BAD_CONFS)
def test_bad_input_is_refused_in_one_line_that_names_the_place_and_nothing_is_written(
    tmp_path: Path, conf: Conf, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "photo.jpg").write_text("no photo")
    (tmp_path / "text.jpg").write_text("no picture")
    places = {
        "folder": str(tmp_path),
        "text": str(tmp_path / "text.jpg"),
        "records": write_records(tmp_path, number=b"7", label=b"seven"),
    }
    keys, message = BAD_CONFS[name]
    (key, value) = next(iter(keys.items()))
    path = conf(tmp_path, **{key: value.format(**places) if isinstance(value, str) else value})
    lines = path.read_text().splitlines()
    line = next((number for number, text in enumerate(lines, 1) if text.startswith(key)), 0)
    before = runs.digests(tmp_path)

    assert command.main(["-c", str(path)]) == 1
    output, error = capsys.readouterr()
    assert output == ""
    assert error.startswith("train.py: " + message.format(conf=path, line=line, **places))
    assert error.count("\n") == 1
    assert runs.digests(tmp_path) == before and not (tmp_path / "models").exists()


def test_all_mistakes_in_a_conf_are_reported_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.yml"
    path.write_text("style_image: a.jpg\nstyle_size: 2\nepoch: 3\nepoch: 4\nbatchsize: 2\n")
    assert command.main(["-c", str(path), "--set", "seed=x"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"train.py: {path}:4: epoch: already set at {path}:3; remove one of them",
        f"{path}:2: style_size: 2 is too small, should be at least 16",
        f"{path}:5: unknown key batchsize; did you mean batch_size?",
        "--set seed=x: seed: should be a number, found 'x'",
        f"{path}: naming is missing: {config.FIELDS['naming'].metadata['help']}",
    ]


def test_an_unwritable_model_path_is_refused(
    tmp_path: Path, conf: Conf, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("precious")
    arguments = ["-c", str(conf(tmp_path)), "--model_path", str(tmp_path / "file" / "models")]
    assert command.main(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"train.py: model_path: {tmp_path}/file/models/tiny cannot be written")
    assert error.count("\n") == 1 and "--model_path" in error
    assert (tmp_path / "file").read_text() == "precious"


def test_too_little_disk_space_is_reported_before_training(
    tmp_path: Path,
    conf: Conf,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usage = types.SimpleNamespace(total=10**9, used=10**9 - 7_000_000, free=7_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert command.main(["-c", str(conf(tmp_path))]) == 1
    error = capsys.readouterr().err
    assert (
        "has 7 MB of free disk space, but the checkpoints need" in error and error.count("\n") == 1
    )
    assert [path for path in (tmp_path / "models").rglob("*") if path.is_file()] == []


@pytest.mark.slow
@pytest.mark.usefixtures("no_steps")
def test_a_damaged_checkpoint_is_skipped_and_the_run_is_refused_if_all_are_damaged(
    tmp_path: Path, conf: Conf, tiny_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "models" / "tiny"
    shutil.copytree(tiny_run, run)

    def damage(data: Path) -> None:
        data.write_bytes(data.read_bytes()[:1000])

    damage(run / "checkpoints" / "step-6.data-00000-of-00001")
    assert command.main(["-c", str(conf(tmp_path)), "--steps", "7"]) == 0
    error = capsys.readouterr().err
    assert f"{run / 'checkpoints' / 'step-6'}: is damaged (" in error
    assert f"resuming {run} at step 4 of 7" in error
    last = [Path(path).name for path in checkpoint_file.saved(run / "checkpoints")]
    assert last == ["step-6", "step-7"]
    # The best one too, from which the run would resume.
    for data in (run / "checkpoints").rglob("*.data-00000-of-00001"):
        damage(data)
    before = runs.digests(run)
    assert command.main(["-c", str(conf(tmp_path)), "--steps", "12"]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith(f"train.py: {run / 'checkpoints' / 'step-7'}: cannot resume")
    assert "--fresh" in error
    assert runs.digests(run) == before


def test_another_architecture_is_refused_in_one_line(
    tmp_path: Path, conf: Conf, tiny_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "models" / "tiny"
    shutil.copytree(tiny_run, run)
    before = runs.digests(run)
    assert command.main(["-c", str(conf(tmp_path)), "--set", "width=8"]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"train.py: width: {run} was started with 4 and cannot resume with 8")
    assert error.count("\n") == 1 and runs.digests(run) == before
    # Without config.yml, the shapes in the checkpoint show it.
    (run / "config.yml").unlink()
    assert command.main(["-c", str(conf(tmp_path)), "--set", "width=8"]) == 1
    assert "another architecture" in capsys.readouterr().err.splitlines()[-1]
