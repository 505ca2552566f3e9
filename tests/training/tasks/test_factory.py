"""Building runs from configurations, and going on with them exactly."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from fastnst import checkpoint_file, config, errors, files
from fastnst.models import metrics_log, store
from fastnst.training import engine
from fastnst.training.tasks import factory

Conf = Callable[..., Path]


def unheard(line: str) -> None:
    """Hears nothing."""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory, photo: Callable[..., np.ndarray]) -> Path:
    """Five small photos, of which one is none, so that positions and photos differ."""
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(4):
        Image.fromarray(photo(40 + seed, 36, seed)).save(folder / f"{seed}.png")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    return folder


def final_checkpoint(run: factory.Run) -> dict[str, np.ndarray]:
    """All numbers in the newest checkpoint, Adam's moments and the position in the data too."""
    assert run.checkpointer.latest is not None
    tensors = checkpoint_file.read_checkpoint(run.checkpointer.latest)
    del tensors["_CHECKPOINTABLE_OBJECT_GRAPH"]
    # Counts the saves of a process.
    del tensors["save_counter/.ATTRIBUTES/VARIABLE_VALUE"]
    return tensors


def test_ten_steps_and_ten_more_are_twenty_steps(tmp_path: Path, conf: Conf, photos: Path) -> None:
    keys = {
        "dataset": str(photos),
        "max_steps": 20,
        "schedule": "cosine",
        "warmup_steps": 5,
        "checkpoint_every": 10,
        "preview_every": 10,
        "log_every": 1,
    }
    settings = config.load(conf(tmp_path, **keys))

    whole = factory.build(settings.replace(naming="whole"), unheard)
    assert whole.train([], lambda: False).finished

    parts = settings.replace(naming="parts")
    first = factory.build(parts, unheard)
    assert first.train([], lambda: int(first.state.step) == 10).interrupted
    second = factory.build(parts, unheard)
    assert second.start_step == 10
    assert second.train([], lambda: False).finished

    expected, found = final_checkpoint(whole), final_checkpoint(second)
    assert expected.keys() == found.keys()
    for name, tensor in expected.items():
        np.testing.assert_allclose(found[name], tensor, rtol=1e-6, atol=1e-6, err_msg=name)
    # 40 photos were trained on, and each fifth position is of the broken one.
    assert int(second.state.position) > 40

    def history(run: factory.Run) -> list[tuple[str, int, float, float]]:
        lines = metrics_log.read(run.folder.metrics)
        return [
            (line["kind"], line["step"], line["total"], line.get("learning_rate", 0.0))
            for line in lines
            if line["kind"] != "start"
        ]

    starts = [line for line in metrics_log.read(second.folder.metrics) if line["kind"] == "start"]
    assert [(line["step"], line["photos"], line["precision"]) for line in starts] == [
        (0, 5, "float32"),
        (10, 5, "float32"),
    ]
    for one, two in zip(history(whole), history(second), strict=True):
        assert one[:2] == two[:2] and one[2:] == pytest.approx(two[2:], rel=1e-5)
    # Up over five steps, and down to nothing at the twentieth (step 20 is taken at 19 of 20).
    rates = [rate for kind, _, _, rate in history(whole) if kind == "training"]
    assert rates[0] == 0.0
    assert rates[5] == pytest.approx(1e-3)
    assert rates == sorted(rates[:6]) + sorted(rates[6:], reverse=True)
    assert rates[-1] == pytest.approx(1e-3 * 0.5 * (1 + np.cos(np.pi * 14 / 15)), rel=1e-3)


@pytest.mark.parametrize(
    "keys",
    [
        {"precision": "mixed_bfloat16"},
        {"xla": "on"},
        {"optimizer": "muon"},
        {"optimizer": "muon", "xla": "on"},
    ],
    ids=str,
)
def test_every_way_to_compute_takes_steps_with_a_finite_loss(
    tmp_path: Path, conf: Conf, keys: dict[str, str]
) -> None:
    run = factory.build(config.load(conf(tmp_path, max_steps=3, **keys)), unheard)
    before = run.state.net.tensors()
    progress = run.train([], lambda: False)
    assert progress.finished
    assert all(np.isfinite(value) for value in progress.metrics().values())
    for name, tensor in run.state.net.tensors().items():
        assert tensor.dtype == np.float32
        assert np.isfinite(tensor).all() and not np.array_equal(tensor, before[name]), name


def test_float16_scales_the_loss_goes_on_with_the_scale_and_can_go_on_in_float32(
    tmp_path: Path, conf: Conf
) -> None:
    # A loss whose scale comes down to what float16 can hold within a few steps.
    large = {"content_weight": 3.0, "style_weight": 30.0, "max_steps": 14}
    settings = config.load(conf(tmp_path, precision="mixed_float16", **large))
    run = factory.build(settings, unheard)
    before = run.state.net.tensors()
    progress = run.train([], lambda: False)
    assert all(np.isfinite(value) for value in progress.metrics().values())
    after = run.state.net.tensors()
    assert [name for name in after if np.array_equal(before[name], after[name])] == []
    # It came down from 1 until the gradients were finite; only then steps were taken.
    scale, taken = float(run.state.loss_scale), int(run.state.optimizer.iterations)
    assert scale == 2.0 ** (taken - 14) and 0 < taken < 14

    again = factory.build(settings.replace(max_steps=15), unheard)
    assert again.start_step == 14 and float(again.state.loss_scale) == scale
    assert again.train([], lambda: False).finished
    assert int(again.state.optimizer.inner_optimizer.iterations) == taken + 1

    # What is advised where a loss became NaN.
    advised = settings.replace(precision="float32", max_steps=16)
    run = factory.build(advised, unheard)
    assert run.start_step == 15
    assert run.train([], lambda: False).finished
    assert int(run.state.optimizer.iterations) == taken + 2


def test_the_steps_follow_from_the_epochs_where_none_are_given(
    tmp_path: Path, conf: Conf, photos: Path
) -> None:
    path = conf(tmp_path, dataset=str(photos), max_steps=None, epoch=3)
    run = factory.build(config.load(path), unheard)
    assert run.last_step == 3 * 5 // 2
    assert run.start_step == 0 and run.style_image.shape[0] == 32


def test_a_run_goes_from_coarse_to_fine_and_goes_on_within_a_stage(
    tmp_path: Path, conf: Conf
) -> None:
    stages = {32: 2, 48: 3}
    whole = config.load(conf(tmp_path, stages=stages, max_steps=7, image_size=64, naming="whole"))
    sizes: list[int] = []

    def train(settings: config.Config) -> factory.Run:
        run = factory.build(settings, unheard)
        original = factory.engine.make_train_step

        def watched(*arguments: Any, **options: Any) -> Any:
            step = original(*arguments, **options)
            return lambda images: (sizes.append(images.shape[1]), step(images))[1]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(factory.engine, "make_train_step", watched)
            run.train([], lambda: False)
        return run

    train(whole)
    assert sizes == [32, 32, 48, 48, 48, 64, 64]
    sizes.clear()
    for last in (3, 7):
        parts = whole.replace(naming="parts", max_steps=last)
        run = train(parts)
    assert sizes == [32, 32, 48, 48, 48, 64, 64]
    assert int(run.state.position) == 7 * whole.data.batch_size


def test_a_run_begins_with_the_weights_of_another_and_goes_on_without_it(
    tmp_path: Path, tiny_run: Path, conf: Conf
) -> None:
    other = tmp_path / "other"
    shutil.copytree(tiny_run, other)
    expected = store.load_net(other).tensors()
    heard: list[str] = []
    settings = config.load(conf(tmp_path, start_from=str(other)))
    run = factory.build(settings, heard.append)
    assert heard == [f"beginning with the weights of {other}"]
    for net in (run.state.net, run.state.average):
        for name, tensor in net.tensors().items():
            np.testing.assert_array_equal(tensor, expected[name], err_msg=name)
    run.train([], lambda: int(run.state.step) == 2)
    shutil.rmtree(other)
    again = factory.build(settings, heard.append)
    assert again.start_step == 2 and len(heard) == 1
    for change, message in (
        ({"start_from": str(other)}, "start_from: no model "),
        ({"start_from": str(tiny_run), "width": 8}, "start_from: weights of another architecture"),
    ):
        with pytest.raises(errors.UserError, match=f"^{message}"):
            factory.build(settings.replace(naming="new", **change), unheard)
        assert not (tmp_path / "models" / "new").exists()


@pytest.mark.parametrize(
    ("keys", "begins_with_base"),
    [
        ({"start_from": "auto"}, True),
        ({"start_from": None}, False),
        ({"width": 4}, False),
        ({"skips": False}, False),
    ],
)
def test_by_default_a_run_begins_with_the_base_if_it_has_its_shapes(
    tmp_path: Path, conf: Conf, keys: dict[str, object], begins_with_base: bool
) -> None:
    defaults = config.load(conf(tmp_path, width=32, residual_blocks=5))
    heard: list[str] = []
    run = factory.build(defaults.replace(**keys), heard.append)
    path = files.find("pretrained/base.ckpt")
    assert heard == [f"beginning with the weights of {path}"] * begins_with_base
    base, found = store.load_net(path).tensors(), run.state.average.tensors()
    for name in ("conv1/kernel", "norm5/scale"):
        assert np.array_equal(found[name], base[name]) == begins_with_base, name


def test_the_style_weight_can_be_left_to_the_painting(tmp_path: Path, conf: Conf) -> None:
    settings = config.load(conf(tmp_path, style_weight="auto", strength=2.0, max_steps=1))
    heard: list[str] = []
    factory.build(settings, heard.append)
    objective, _ = factory.make_objective(settings)
    assert heard == [f"style_weight: auto, which is {objective.weights.style:.3g}"]
    once, _ = factory.make_objective(settings.replace(strength=1.0))
    assert objective.weights.style == pytest.approx(2 * once.weights.style)
    given, _ = factory.make_objective(settings.replace(style_weight=3.0))
    assert given.weights.style == 6.0


def test_going_on_with_other_settings_says_what_changed(tmp_path: Path, conf: Conf) -> None:
    settings = config.load(conf(tmp_path))
    factory.build(settings, unheard)
    heard: list[str] = []
    changed = settings.replace(learning_rate=0.002, max_steps=9)
    run = factory.build(changed, heard.append)
    assert heard == [
        "going on with max_steps 6 -> 9",
        "going on with learning_rate 0.001 -> 0.002",
    ]
    assert config.load(run.folder.config) == changed


def test_after_a_change_of_the_objective_the_best_is_looked_for_anew(
    tmp_path: Path, conf: Conf, photos: Path
) -> None:
    settings = config.load(conf(tmp_path, dataset=str(photos), max_steps=4, preview_every=1))
    run = factory.build(settings, unheard)
    run.train([], lambda: False)
    best = run.folder.checkpoints / "best"
    for number, change in enumerate(({"learning_rate": 0.002}, {"style_weight": 90.0}), start=1):
        settings = settings.replace(max_steps=4 + number, **change)
        heard: list[str] = []
        kept = sorted(path.name for path in best.iterdir())
        run = factory.build(settings, heard.append)
        if "style_weight" not in change:
            assert np.isfinite(float(run.state.best_loss))
        else:
            # All losses are now higher than the lowest before.
            old = best.with_name("best.old1")
            assert f"what was best by the earlier settings is kept as {old}" in heard
            assert sorted(path.name for path in old.iterdir()) == kept
            assert float(run.state.best_loss) == np.inf
            # A crash before the first checkpoint changes nothing of that.
            run = factory.build(settings, unheard)
            assert float(run.state.best_loss) == np.inf
        run.train([], lambda: False)
    newest = store.load_net(run.folder.path).tensors()
    for name, tensor in run.state.average.tensors().items():
        np.testing.assert_array_equal(newest[name], tensor)


def test_a_run_cannot_go_on_with_another_architecture(tmp_path: Path, conf: Conf) -> None:
    settings = config.load(conf(tmp_path))
    factory.build(settings, unheard)
    written = (tmp_path / "models" / "tiny" / "config.yml").read_bytes()
    with pytest.raises(errors.UserError) as caught:
        factory.build(settings.replace(residual_blocks=2), unheard)
    message = str(caught.value)
    assert message.startswith("residual_blocks: ") and "\n" not in message
    assert "begun with 1 and cannot resume with 2" in message and "--fresh" in message
    assert (tmp_path / "models" / "tiny" / "config.yml").read_bytes() == written


def test_a_network_learns_one_style_which_may_be_moved(tmp_path: Path, conf: Conf) -> None:
    settings = config.load(conf(tmp_path))
    factory.build(settings, unheard)
    style = Path(settings.styles["tiny"].style_image)
    (tmp_path / "elsewhere").mkdir()
    for name in (style.name, "another.jpg"):
        shutil.copy(files.find(str(style)), tmp_path / "elsewhere" / name)
    moved = settings.replace(style_image=str(tmp_path / "elsewhere" / style.name))
    factory.build(moved, unheard)
    another = settings.replace(style_image=str(tmp_path / "elsewhere/another.jpg"))
    with pytest.raises(errors.UserError, match=r"^style_image: .* was begun with .*--fresh"):
        factory.build(another, unheard)


def test_a_damaged_configuration_of_a_run_is_told_and_left(tmp_path: Path, conf: Conf) -> None:
    settings = config.load(conf(tmp_path))
    written = factory.build(settings, unheard).folder.config
    for damaged in (b"naming: [", b"\xff\xfe", b"", b"naming"):
        written.write_bytes(damaged)
        with pytest.raises(errors.UserError, match=r"models/tiny/config\.yml: damaged; delete it"):
            factory.build(settings, unheard)
        assert written.read_bytes() == damaged


def test_a_finished_run_keeps_its_configuration(tiny_run: Path, tmp_path: Path, conf: Conf) -> None:
    shutil.copytree(tiny_run, tmp_path / "models" / "tiny")
    before = (tmp_path / "models" / "tiny" / "config.yml").read_bytes()
    heard: list[str] = []
    shorter = config.load(conf(tmp_path)).replace(max_steps=3)
    assert factory.build(shorter, heard.append).start_step == 6
    assert heard == []
    assert (tmp_path / "models" / "tiny" / "config.yml").read_bytes() == before


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (
            "No space left on device\n...",
            "no space left on the disk; make room and run the same command again",
        ),
        (
            "OOM when allocating tensor\n...",
            "not enough memory for a step; run again with a smaller batch_size or image_size",
        ),
    ],
)
def test_a_disk_or_memory_that_becomes_full_says_where_the_run_goes_on(
    tmp_path: Path, conf: Conf, reason: str, told: str
) -> None:
    run = factory.build(config.load(conf(tmp_path)), unheard)

    def fill(progress: engine.Progress) -> None:
        if progress.step == 3:
            raise tf.errors.ResourceExhaustedError(None, None, reason)

    with pytest.raises(errors.UserError) as caught:
        run.train([fill], lambda: False)
    saved = tmp_path / "models" / "tiny" / "checkpoints" / "step-2"
    assert str(caught.value) == f"{run.folder.path}: {told}, which goes on from {saved}"


# Devices are laid out before TensorFlow begins, so this needs a process of its own. The one
# device is treated as a graphics card is.
_ONE_AND_TWO_DEVICES = """
import sys
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from fastnst import devices
from fastnst.training import engine
from fastnst.cli import train

make_train_step = engine.make_train_step

def make_watched_step(state, *arguments):
    step = make_train_step(state, *arguments)

    def watched(images):
        assert images.device == state.net.trainable_variables[0].device, images.device
        assert images.device.endswith("CPU:1"), images.device
        return step(images)

    return watched

conf = sys.argv[1]
engine.make_train_step = make_watched_step
devices.make_strategy = lambda batch_size: tf.distribute.OneDeviceStrategy("CPU:1")
assert train.main(["-c", conf, "--set", "naming=one"]) == 0
engine.make_train_step = make_train_step
devices.make_strategy = lambda batch_size: tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
assert train.main(["-c", conf, "--set", "naming=two"]) == 0
"""


def test_two_devices_learn_what_one_learns_from_the_same_batches(
    tmp_path: Path, conf: Conf, photos: Path
) -> None:
    path = conf(tmp_path, dataset=str(photos), max_steps=2, log_every=1)
    finished = subprocess.run(
        [sys.executable, "-c", _ONE_AND_TWO_DEVICES, str(path)],
        cwd=config.PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    one, two = (
        checkpoint_file.read_checkpoint(tmp_path / "models" / naming / "checkpoints" / "step-2")
        for naming in ("one", "two")
    )
    assert one.keys() == two.keys()
    net = [name for name in one if name.startswith("net/")]
    assert len(net) == 26
    # Sums are taken in another order, which moves a gradient by a millionth, and a step of 1e-3 by
    # as much, or a little more where a gradient is near 0, for Adam's first steps are of full size
    # however small it is: 7e-6 was seen. But what the last residual block adds everywhere, the norm
    # behind it takes away. That gradient is noise about 0.
    net.remove("net/residuals.S0.Snorm2.Sshift/.ATTRIBUTES/VARIABLE_VALUE")
    for name in (*net, "position/.ATTRIBUTES/VARIABLE_VALUE"):
        np.testing.assert_allclose(two[name], one[name], atol=3e-5, err_msg=name)
    # Adam's steps do not tell a gradient from its double, its moments do.
    moments = [name for name in one if name.startswith("optimizer/_variables/")]
    assert len(moments) == 2 * 26
    expected, found = (np.concatenate([of[name].ravel() for name in moments]) for of in (one, two))
    assert np.linalg.norm(found - expected) < 1e-3 * np.linalg.norm(expected)
    logs = [
        metrics_log.read(tmp_path / "models" / naming / "metrics.jsonl")
        for naming in ("one", "two")
    ]
    assert [len(log) for log in logs] == [4, 4]
    for of_one, of_two in zip(*(log[1:] for log in logs), strict=True):
        assert of_two["total"] == pytest.approx(of_one["total"], rel=1e-4)


def test_the_lite_network_has_half_the_channels(tmp_path: Path, conf: Conf) -> None:
    for lite, width in ((False, 32), (True, 16)):
        settings = config.load(conf(tmp_path, width=None, lite=lite))
        assert factory.architecture(settings).width == width
