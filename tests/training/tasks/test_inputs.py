"""Opening the files that a configuration names."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stacked
import tensorflow as tf
from PIL import Image

from fastnst import config, data, errors, files
from fastnst.config import schema
from fastnst.training.tasks import inputs

Conf = Callable[..., Path]
STYLES = {
    "candy": "img/candy.jpg",
    "wave": {
        "style_image": "img/wave.jpg",
        "style_size": 24,
        "style_layers": {"relu1_1": 2.0},
        "content_weight": 3.0,
        "strength": 0.5,
    },
}


def refusal(call: Callable[[], Any]) -> str:
    with pytest.raises(errors.UserError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_bundled_photos_are_opened_by_name() -> None:
    source = inputs.open_dataset(schema.Data())
    assert source.count == 96 and source.root == data.open_photos(data.BUNDLED).root


def test_the_data_set_must_exist_and_fill_a_batch(tmp_path: Path) -> None:
    message = refusal(lambda: inputs.open_dataset(schema.Data(dataset=str(tmp_path / "no"))))
    assert message.startswith(f"dataset: {tmp_path / 'no'}: no such")
    message = refusal(lambda: inputs.open_dataset(schema.Data(batch_size=97)))
    assert message.startswith("batch_size: 97 is more than the 96 photos of ")


def test_validation_photos_are_read_with_a_shorter_side_of_image_size(
    validation_photos: Path,
) -> None:
    paths, photos = inputs.read_validation(
        schema.Data(validation=str(validation_photos), image_size=20)
    )
    assert [path.name for path in paths] == ["0.png", "1.png"]
    # 40 x 50 and 48 x 40.
    assert [photo.shape for photo in photos] == [(20, 25, 3), (24, 20, 3)]
    assert all(photo.dtype == np.uint8 for photo in photos)


def test_one_limit_of_pixels_holds_for_photos_and_paintings(
    tmp_path: Path, validation_photos: Path, conf: Conf
) -> None:
    # The photos have 2,000 and 1,920 pixels.
    kept = schema.Data(validation=str(validation_photos), image_size=20, max_pixels=2000)
    assert len(inputs.read_validation(kept)[1]) == 2
    few = dataclasses.replace(kept, max_pixels=1999)
    assert "pixels are more than 1,999" in refusal(lambda: inputs.read_validation(few))
    photos = dataclasses.replace(few, dataset=str(validation_photos), batch_size=1)
    assert inputs.open_dataset(photos).max_pixels == 1999
    settings = config.load(conf(tmp_path, max_pixels=1999))
    message = refusal(lambda: inputs.make_objectives(settings))
    assert message.startswith("style_image: ") and "pixels are more than 1,999" in message


def test_the_loss_network_may_be_another_of_slims(tmp_path: Path, conf: Conf) -> None:
    path = stacked.write(tmp_path / "lenet.ckpt", "lenet", inputs=1)
    keys = {"content_layers": ["relu2"], "style_layers": ["LeNet/conv1", "conv2"]}
    settings = config.load(conf(tmp_path, loss_model="lenet", loss_model_file=str(path), **keys))
    objective = inputs.make_objectives(settings)[0]["tiny"]
    assert [*objective.style_targets] == ["relu1", "relu2"]
    picture = tf.fill([1, 32, 32, 3], 99.0)
    total, _ = objective(picture, picture + 5.0)
    assert np.isfinite(float(total)) and float(total) > 0
    wrong = config.load(conf(tmp_path, loss_model="cifarnet", loss_model_file=str(path), **keys))
    message = refusal(lambda: inputs.make_objectives(wrong))
    assert message.startswith(f"loss_model_file: {path}: contains no cifarnet with slim's names")


def test_validation_photos_are_bundled_or_those_of_a_folder(tmp_path: Path) -> None:
    names = [path.name for path in inputs.validation_paths(data.BUNDLED)]
    assert len(names) == 6 and "koala.jpg" in names
    message = refusal(lambda: inputs.read_validation(schema.Data(validation=str(tmp_path / "no"))))
    assert message.startswith(f"validation: {tmp_path / 'no'}: no such")
    jpeg = tf.io.encode_jpeg(tf.zeros([9, 9, 3], tf.uint8)).numpy()
    feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[jpeg]))
    example = tf.train.Example(features=tf.train.Features(feature={"image/encoded": feature}))
    with tf.io.TFRecordWriter(str(tmp_path / "a.tfrecord")) as writer:
        writer.write(example.SerializeToString())
    message = refusal(lambda: inputs.read_validation(schema.Data(validation=str(tmp_path))))
    assert message == f"validation: {tmp_path} holds records; name a folder of photos"


def test_a_style_has_its_own_painting_layers_and_weights(tmp_path: Path, conf: Conf) -> None:
    settings = config.load(conf(tmp_path, style_image=None, styles=STYLES))
    objectives, paintings = inputs.make_objectives(settings)
    assert [*objectives] == [*paintings] == ["candy", "wave"]
    # At image_size, and at the style_size of its own.
    assert [len(found) for found in paintings.values()] == [1, 1]
    assert [min(found[0].shape[:2]) for found in paintings.values()] == [32, 24]
    candy_painting = paintings["candy"][0]
    assert candy_painting.dtype == np.float32 and candy_painting.max() > 200
    candy, wave = (objective.weights for objective in objectives.values())
    assert (candy.content, candy.style) == (1.0, 8.0) and (wave.content, wave.style) == (3.0, 4.0)
    assert candy.style_layers == {"relu1_2": 1.0, "relu2_2": 1.0}
    assert wave.style_layers == {"relu1_1": 2.0} == {**wave.style_layers}
    assert [*objectives["wave"].style_targets] == ["relu1_1"]
    # One loss network serves both.
    assert objectives["candy"].network is objectives["wave"].network


def test_the_style_weight_can_be_left_to_the_painting(
    tmp_path: Path, conf: Conf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def weight(**keys: Any) -> float:
        settings = config.load(conf(tmp_path, **keys))
        return inputs.make_objectives(settings)[0]["tiny"].weights.style

    def measure(network: Any, paintings: list[np.ndarray], photos: Any, weights: Any) -> float:
        # The bundled validation photos, at the size for which style weights are defined.
        assert [min(photo.shape[:2]) for photo in photos] == [256] * 6
        (painting,) = paintings
        assert min(painting.shape[:2]) == 32 and weights.tv == 0.25
        return 5.0

    monkeypatch.setattr(inputs.auto_weight, "style_weight", measure)
    assert weight(style_weight="auto", tv_weight=0.25) == 5.0
    assert weight(style_weight="auto", tv_weight=0.25, strength=2.0) == 10.0
    assert weight(style_weight=3.0, strength=2.0) == 6.0


def test_the_key_of_an_unfit_file_is_named(tmp_path: Path, conf: Conf) -> None:
    def message(**keys: Any) -> str:
        settings = config.load(conf(tmp_path, **keys))
        return refusal(lambda: inputs.make_objectives(settings))

    assert message(style_image="img/cndy.jpg").startswith("style_image: img/cndy.jpg: no such")
    several = {"candy": "img/candy.jpg", "wave": "img/wve.jpg"}
    assert message(style_image=None, styles=several).startswith(
        "styles.wave.style_image: img/wve.jpg: no such"
    )
    assert message(loss_model_file="no.ckpt").startswith("loss_model_file: no.ckpt: no checkpoint")
    assert message(style_layers=["relu5_1"]).startswith("layer relu5_1 is not in the loss network")


def test_the_style_whose_weight_cannot_be_measured_is_named(
    tmp_path: Path, conf: Conf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(network: Any, paintings: list[np.ndarray], *further: Any) -> float:
        if paintings[0].shape[0] == paintings[0].shape[1]:
            raise errors.UserError("style_weight: auto does not suit this style image")
        return 1.0

    monkeypatch.setattr(inputs.auto_weight, "style_weight", refuse)
    Image.new("RGB", (64, 64), "white").save(tmp_path / "blank.png")
    several = {"wave": "img/wave.jpg", "plain": str(tmp_path / "blank.png")}
    keys = {"style_image": None, "styles": several, "style_weight": "auto"}
    settings = config.load(conf(tmp_path, **keys))
    assert refusal(lambda: inputs.make_objectives(settings)).startswith("plain: style_weight: auto")


def test_a_folder_of_paintings_is_one_style_with_the_mean_of_their_gram_matrices(
    tmp_path: Path, conf: Conf
) -> None:
    folder = tmp_path / "paintings"
    for name in ("candy", "wave"):
        (folder / name).mkdir(parents=True)
        picture = (files.asset("img") / f"{name}.jpg").read_bytes()
        (folder / name / "picture.jpg").write_bytes(picture)
    targets = []
    for place in ("", "candy", "wave"):
        settings = config.load(conf(tmp_path, style_image=str(folder / place)))
        objectives, paintings = inputs.make_objectives(settings)
        targets.append(objectives["tiny"].style_targets["relu2_2"])
        assert len(paintings["tiny"]) == (1 if place else 2)
    both, candy, wave = targets
    np.testing.assert_allclose(both, (candy + wave) / 2, rtol=1e-5)
    (tmp_path / "none").mkdir()
    settings = config.load(conf(tmp_path, style_image=str(tmp_path / "none")))
    message = refusal(lambda: inputs.make_objectives(settings))
    assert message.startswith(f"style_image: {tmp_path / 'none'}: contains no photos")
