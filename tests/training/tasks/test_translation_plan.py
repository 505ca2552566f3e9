"""The plan of a translation, from its configuration to the model that it leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import runs
import tensorflow as tf
import yaml
from fastapi import testclient
from PIL import Image

from fastnst import config, errors, images
from fastnst.cli import train
from fastnst.models import descriptions, loading, metrics_log
from fastnst.nets import architectures
from fastnst.serving import app
from fastnst.training.tasks import session, translation_plan

KEYS = {
    "task": "translation",
    "naming": "tiny",
    "width": 4,
    "residual_blocks": 0,
    "output_norm": False,
    "unet_width": 2,
    "unet_depth": 3,
    "discriminator_width": 2,
    "history": 3,
    "zoom": 1,
    "image_size": 32,
    "batch_size": 2,
    "precision": "float32",
    "max_steps": 6,
    "schedule": "linear",
    "log_every": 2,
    "summary_every": 2,
    "preview_every": 6,
    "checkpoint_every": 3,
}


@pytest.fixture(scope="module")
def paintings(tmp_path_factory: pytest.TempPathFactory, photo: Callable[..., np.ndarray]) -> Path:
    """A TFRecord file of Kaggle's schema with four dark pictures."""
    path = tmp_path_factory.mktemp("domain") / "monet00-4.tfrec"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for seed in range(4):
            encoded = images.encode(images.Picture(photo(40, 48, seed + 50) // 2), "JPEG")
            values = {"image_name": b"%d" % seed, "image": encoded, "target": b"monet"}
            feature = {
                key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
                for key, value in values.items()
            }
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            writer.write(example.SerializeToString())
    return path


Make = Callable[..., config.Config]


@pytest.fixture
def make(tmp_path: Path, photos: Path, paintings: Path, validation_photos: Path) -> Make:
    """Makes a configuration: make(key=value, ...)."""

    def made(**keys: Any) -> config.Config:
        folders = {
            "dataset": str(photos),
            "domain": str(paintings),
            "validation": str(validation_photos),
            "model_path": str(tmp_path / "models"),
        }
        return config.from_mapping(KEYS | folders | keys)

    return made


def test_a_plan_reads_its_input_and_writes_nothing(make: Make, tmp_path: Path) -> None:
    plan = translation_plan.TranslationPlan(make(), runs.ignore, False, None)
    # One of the photos is broken, which shows only when it is decoded.
    assert plan.about() == {"photos": 5, "domain": 4}
    assert plan.data_set.startswith("5 photos in ") and ", and 4 photos in 1 TFRecord" in (
        plan.data_set
    )
    assert [*plan.digests()] == ["domain", "validation", "loss_model_file"]
    assert not list(tmp_path.iterdir())
    assert not list(plan.notices(6))
    norm = translation_plan.TranslationPlan(make(output_norm=True), runs.ignore, False, None)
    (notice,) = norm.notices(6)
    assert notice.startswith("output_norm: true gives all pictures the same mean colors")


@pytest.mark.slow
def test_a_stopped_run_resumes_bit_for_bit_and_leaves_a_model(
    make: Make, photo: Callable[..., np.ndarray]
) -> None:
    settings = make()
    whole = session.open_session(settings.replace(naming="whole"), runs.ignore)
    assert not whole.train().interrupted
    first = session.open_session(settings, runs.ignore)
    assert first.train([], runs.stop_after(first, 4)).interrupted
    del first
    second = session.open_session(settings, runs.ignore)
    assert second.start_step == 4
    assert not second.train().interrupted
    expected, found = runs.final_checkpoint(whole), runs.final_checkpoint(second)
    assert expected.keys() == found.keys()
    for name, tensor in expected.items():
        np.testing.assert_array_equal(found[name], tensor, err_msg=name)
    folder = second.folder.path
    described = descriptions.Description.read(folder / descriptions.FILE)
    assert described.architecture == architectures.Transform(4, 0, False, antialias=True, deep=True)
    assert described.names == ("tiny",)
    stylized = loading.load(folder)(photo(33, 41))
    assert stylized.shape == (33, 41, 3) and stylized.dtype == np.uint8
    (judged,) = (
        line for line in metrics_log.read(second.folder.metrics) if line["kind"] == "validation"
    )
    assert judged["patch_fid"] > 0 and judged["step"] == 6
    # Rows of photos, paintings and cycles, and of the domain and its way there and back.
    (sheet,) = second.folder.sample_strips().values()
    assert images.read(sheet).shape[0] == 6 * 32
    assert len(second.plan.pairs(folder)) == 2


@pytest.mark.slow
def test_a_unet_trains_and_leaves_a_model(make: Make, photo: Callable[..., np.ndarray]) -> None:
    run = session.open_session(make(generator="unet", max_steps=1), runs.ignore)
    assert not run.train().interrupted
    described = descriptions.Description.read(run.folder.path / descriptions.FILE)
    assert described.architecture == architectures.UNet(2, 3)
    stylized = loading.load(run.folder.path)
    assert stylized(photo(33, 41)).shape == (33, 41, 3)
    sent = images.encode(images.Picture(photo(33, 41)), "PNG")
    with testclient.TestClient(app.make({"tiny": stylized}, app.Limits())) as client:
        answer = client.post("/stylize?model=tiny", content=sent)
    np.testing.assert_array_equal(images.decode(answer.content), stylized(photo(33, 41)))


@pytest.mark.slow
def test_other_networks_cannot_resume_and_another_domain_judges_anew(
    make: Make, tmp_path: Path, photo: Callable[..., np.ndarray]
) -> None:
    opened = session.open_session(make(), runs.ignore)
    assert opened.start_step == 0
    del opened
    for key, value in (("generator", "unet"), ("history", 2), ("discriminator_width", 3)):
        with pytest.raises(errors.UserError, match=f"^{key}: .*cannot resume with {value}"):
            session.open_session(make(**{key: value}), runs.ignore)
    other = tmp_path / "other"
    other.mkdir()
    for seed in range(2):
        Image.fromarray(photo(40, 40, seed)).save(other / f"{seed}.png")
    heard: list[str] = []
    session.open_session(make(domain=str(other)), heard.append)
    assert heard[0].startswith("resuming with a changed domain: ")


def test_a_run_that_has_only_begun_resumes_with_the_same_keys(make: Make) -> None:
    # Without recipes, it is no run of an early release, whose lite networks were half as wide.
    for _ in range(2):
        session.open_session(make(lite=True), runs.ignore)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"stages": {24: 3}}, "^stages: a translation trains at one size"),
        ({"image_size": 16}, "^image_size: 16 is too small for the discriminators; set 24"),
        ({"precision": "mixed_float16"}, "^precision: a translation trains in float32"),
        ({"data_service": "grpc://x:1"}, "^data_service: a translation reads its own"),
        ({"domain": "nowhere/*.tfrec"}, "^domain: .*nowhere"),
        ({"batch_size": 5}, "^batch_size: 5 is more than the 4 photos of .*monet00"),
    ],
)
def test_what_a_translation_does_not_support_is_refused(
    keys: dict[str, Any], message: str, make: Make
) -> None:
    with pytest.raises(errors.UserError, match=message):
        translation_plan.TranslationPlan(make(**keys), runs.ignore, False, None)


def test_the_shipped_conf_needs_a_domain_and_trains_in_bfloat16_with_one(
    tmp_path: Path,
    paintings: Path,
    photos: Path,
    validation_photos: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(errors.UserError, match=r"monet\.yml: domain is missing: Pictures of"):
        config.load("monet")
    small = {
        key: value
        for key, value in KEYS.items()
        if key not in ("task", "naming", "max_steps", "generator")
    } | {"validation": str(validation_photos), "precision": "mixed_bfloat16"}
    settings = [f"--set={key}={yaml.safe_dump(value).split()[0]}" for key, value in small.items()]
    command = ["-c", "monet", "--dataset", str(photos), "--domain", str(paintings), *settings]
    assert train.main([*command, "--steps", "1", "--model_path", str(tmp_path)]) == 0
    report = tmp_path / "monet" / "report.html"
    assert capsys.readouterr().out == f"{report}\n"
    assert "and these painted again." in report.read_text(encoding="utf-8")
    (start, *_), trained = (
        [line for line in metrics_log.read(report.with_name("metrics.jsonl")) if line["kind"] == of]
        for of in ("start", "training")
    )
    assert start["precision"] == "bfloat16" and np.isfinite(trained[0]["cycle"])


@pytest.mark.slow
def test_pairs_of_batches_can_be_a_custom_data_set(make: Make) -> None:
    batch = tf.random.uniform([2, 32, 32, 3], maxval=255.0, seed=0)
    settings = make(max_steps=1)
    opened = session.open_session(settings, runs.ignore, dataset=[(batch, batch / 2.0)])
    assert opened.plan.count is None
    assert not opened.train().interrupted
