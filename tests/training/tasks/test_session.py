"""Runs built from configurations, and resumed exactly."""

from __future__ import annotations

import dataclasses
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

from fastnst import checkpoint_file, config, errors, events, files, images
from fastnst.models import metrics_log, model, store
from fastnst.nets import transform_net
from fastnst.training import engine
from fastnst.training.tasks import session

ROOT = Path(__file__).resolve().parents[3]
Conf = Callable[..., Path]


# Much of a test is TensorFlow tracing graphs: these are the smallest objective and network.
SHALLOW = {"content_layers": ["relu1_1"], "style_layers": ["relu1_1"]}
LEAST = {"residual_blocks": 0, **SHALLOW}


@pytest.fixture
def no_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the engine do everything but compute."""
    monkeypatch.setattr(engine.Engine, "compile_step", lambda self: lambda batch: {})


def load(path: Path) -> Any:
    """Loads the network of a model."""
    return store.load(store.find(path)).net


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


def final_checkpoint(run: session.Session) -> dict[str, np.ndarray]:
    """All numbers in the newest checkpoint, Adam's moments and the position in the data too."""
    assert run.engine.checkpointer.latest is not None
    tensors = checkpoint_file.read_checkpoint(run.engine.checkpointer.latest)
    del tensors["_CHECKPOINTABLE_OBJECT_GRAPH"]
    # Counts the saves of a process.
    del tensors["save_counter/.ATTRIBUTES/VARIABLE_VALUE"]
    return tensors


def last_metrics(run: session.Session) -> dict[str, float]:
    """Trains a run to its end and returns the metrics of its last steps."""
    steps: list[events.Step] = []
    finished = run.train([lambda e: steps.append(e) if isinstance(e, events.Step) else None])
    assert not finished.interrupted and steps[-1].finished
    return steps[-1].metrics()


def iterations(run: session.Session) -> int:
    """Returns the steps that the optimizer has taken."""
    return int(run.task.kept()["optimizer"].iterations)


def at_step(run: session.Session, step: int) -> Callable[[], bool]:
    """Asks a run to stop after a step."""
    return lambda: int(run.engine.state.step) == step


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
    settings = config.load(conf(tmp_path, **keys, **SHALLOW))

    whole = session.open_session(settings.replace(naming="whole"), unheard)
    assert not whole.train().interrupted

    parts = settings.replace(naming="parts")
    first = session.open_session(parts, unheard)
    assert first.train([], at_step(first, 10)).interrupted
    second = session.open_session(parts, unheard)
    assert second.start_step == 10
    assert not second.train().interrupted

    expected, found = final_checkpoint(whole), final_checkpoint(second)
    assert expected.keys() == found.keys()
    for name, tensor in expected.items():
        np.testing.assert_allclose(found[name], tensor, rtol=1e-6, atol=1e-6, err_msg=name)
    # 40 photos were trained on, and each fifth position is of the broken one.
    assert int(second.engine.state.position) > 40

    def history(run: session.Session) -> list[tuple[str, int, float, float]]:
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
        {"precision": "mixed_bfloat16", "residual_blocks": 1},
        {"optimizer": "muon"},
        {"optimizer": "muon", "xla": "on"},
    ],
    ids=str,
)
def test_every_way_to_compute_takes_steps_with_a_finite_loss(
    tmp_path: Path, conf: Conf, keys: dict[str, Any]
) -> None:
    keys = LEAST | keys
    run = session.open_session(config.load(conf(tmp_path, max_steps=3, **keys)), unheard)
    before = run.task.net.tensors()
    metrics = last_metrics(run)
    assert all(np.isfinite(value) for value in metrics.values())
    for name, tensor in run.task.net.tensors().items():
        assert tensor.dtype == np.float32
        assert np.isfinite(tensor).all() and not np.array_equal(tensor, before[name]), name


def test_float16_scales_the_loss_resumes_with_the_scale_and_can_resume_in_float32(
    tmp_path: Path, conf: Conf
) -> None:
    # A loss whose scale comes down to what float16 can hold within a few steps.
    large = {"content_weight": 1e3, "style_weight": 1e4, "max_steps": 14}
    settings = config.load(conf(tmp_path, precision="mixed_float16", **large, **SHALLOW))
    run = session.open_session(settings, unheard)
    before = run.task.net.tensors()
    assert all(np.isfinite(value) for value in last_metrics(run).values())
    after = run.task.net.tensors()
    assert [name for name in after if np.array_equal(before[name], after[name])] == []
    # It came down from 1 until the gradients were finite; only then steps were taken.
    scale, taken = (float(run.task.kept()["loss_scale"]), iterations(run))
    assert scale == 2.0 ** (taken - 14) and 0 < taken < 14

    again = session.open_session(settings.replace(max_steps=15), unheard)
    assert again.start_step == 14 and float(again.task.kept()["loss_scale"]) == scale
    assert not again.train().interrupted
    assert iterations(again) == taken + 1

    # The advice where a loss became NaN.
    advised = settings.replace(precision="float32", max_steps=16)
    run = session.open_session(advised, unheard)
    assert run.start_step == 15
    assert not run.train().interrupted
    assert iterations(run) == taken + 2


def test_the_steps_follow_from_the_epochs_if_none_are_given(
    tmp_path: Path, conf: Conf, photos: Path
) -> None:
    path = conf(tmp_path, dataset=str(photos), max_steps=None, epoch=3)
    run = session.open_session(config.load(path), unheard)
    assert run.last_step == 3 * 5 // 2
    assert run.start_step == 0 and run.photos == 5
    assert run.task.references()["tiny"].shape[0] == 32


def test_a_run_goes_from_coarse_to_fine_and_resumes_within_a_stage(
    tmp_path: Path, conf: Conf, request: pytest.FixtureRequest
) -> None:
    stages = {32: 2, 48: 3}
    keys = {"stages": stages, "max_steps": 7, "image_size": 64, "naming": "whole"}
    whole = config.load(conf(tmp_path, **keys, **LEAST))
    sizes: list[int] = []

    def train(settings: config.Config) -> session.Session:
        run = session.open_session(settings, unheard)

        def watched(*arguments: Any) -> Any:
            for batch, position in run.feed(*arguments):
                sizes.append(batch.shape[1])
                yield batch, position

        # The engine asks for no batch that it does not train on.
        dataclasses.replace(run, feed=watched).train()
        return run

    train(whole)
    assert sizes == [32, 32, 48, 48, 48, 64, 64]
    sizes.clear()
    request.getfixturevalue("no_steps")
    for last in (3, 7):
        parts = whole.replace(naming="parts", max_steps=last)
        run = train(parts)
    assert sizes == [32, 32, 48, 48, 48, 64, 64]
    assert int(run.engine.state.position) == 7 * whole.data.batch_size


def test_a_run_starts_from_the_weights_of_another_and_resumes_without_it(
    tmp_path: Path, tiny_run: Path, conf: Conf
) -> None:
    other = tmp_path / "other"
    shutil.copytree(tiny_run, other)
    expected = load(other).tensors()
    heard: list[str] = []
    settings = config.load(conf(tmp_path, start_from=str(other)))
    run = session.open_session(settings, heard.append)
    assert heard == [f"starting from the weights of {other}"]
    for net in (run.task.net, run.task.average):
        for name, tensor in net.tensors().items():
            np.testing.assert_array_equal(tensor, expected[name], err_msg=name)
    run.engine.state.step.assign(2)
    run.engine.checkpointer.save()
    shutil.rmtree(other)
    again = session.open_session(settings, heard.append)
    assert again.start_step == 2 and len(heard) == 1
    for change, message in (
        ({"start_from": str(other)}, "start_from: no model "),
        ({"start_from": str(tiny_run), "width": 8}, "start_from: weights of another architecture"),
    ):
        with pytest.raises(errors.UserError, match=f"^{message}"):
            session.open_session(settings.replace(naming="new", **change), unheard)
        assert not (tmp_path / "models" / "new").exists()


@pytest.mark.parametrize(
    ("keys", "starts_from_base"),
    [
        ({"start_from": "auto"}, True),
        ({"start_from": None}, False),
        ({"width": 4}, False),
        ({"skips": False}, False),
    ],
)
def test_by_default_a_run_starts_from_the_base_if_it_has_its_shapes(
    tmp_path: Path, conf: Conf, keys: dict[str, object], starts_from_base: bool
) -> None:
    defaults = config.load(conf(tmp_path, width=32, residual_blocks=5))
    heard: list[str] = []
    run = session.open_session(defaults.replace(**keys), heard.append)
    path = files.find("pretrained/base.ckpt")
    assert heard == [f"starting from the weights of {path}"] * starts_from_base
    base, found = load(path).tensors(), run.task.average.tensors()
    for name in ("conv1/kernel", "styles"):
        assert np.array_equal(found[name], base[name]) == starts_from_base, name


def test_a_measured_style_weight_is_reported(
    tmp_path: Path, conf: Conf, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = iter([12.3456, 20.0])
    monkeypatch.setattr(
        session.inputs.auto_weight, "style_weight", lambda *arguments: next(measured)
    )
    heard: list[str] = []
    one = conf(tmp_path, style_weight="auto", strength=2.0, max_steps=1)
    session.open_session(config.load(one), heard.append)
    assert heard == ["style_weight: auto, computed as 24.7"]
    styles = {
        "candy": "img/candy.jpg",
        "wave": {"style_image": "img/wave.jpg", "style_weight": 3.0},
    }
    several = conf(tmp_path, naming="two", style_image=None, styles=styles, style_weight="auto")
    heard.clear()
    session.open_session(config.load(several), heard.append)
    assert heard == ["candy: style_weight: auto, computed as 20"]


def test_resuming_with_other_settings_reports_the_changes(tmp_path: Path, conf: Conf) -> None:
    settings = config.load(conf(tmp_path))
    session.open_session(settings, unheard)
    heard: list[str] = []
    changed = settings.replace(learning_rate=0.002, max_steps=9)
    run = session.open_session(changed, heard.append)
    assert heard == [
        "resuming with a changed max_steps: 6 -> 9",
        "resuming with a changed learning_rate: 0.001 -> 0.002",
    ]
    assert config.load(run.folder.config) == changed


def test_after_a_change_of_the_objective_the_next_validation_is_the_best(
    tmp_path: Path, conf: Conf, photos: Path
) -> None:
    keys = {"dataset": str(photos), "max_steps": 4, "preview_every": 1}
    settings = config.load(conf(tmp_path, **keys, **LEAST))
    run = session.open_session(settings, unheard)
    run.train()
    best = run.folder.checkpoints / "best"
    for number, change in enumerate(({"learning_rate": 0.002}, {"style_weight": 90.0}), start=1):
        settings = settings.replace(max_steps=4 + number, **change)
        heard: list[str] = []
        kept = sorted(path.name for path in best.iterdir())
        run = session.open_session(settings, heard.append)
        if "style_weight" not in change:
            assert np.isfinite(float(run.engine.state.best_loss))
        else:
            # All losses are now higher than the lowest before.
            old = best.with_name("best.old1")
            assert f"the best checkpoint under the earlier settings is kept as {old}" in heard
            assert sorted(path.name for path in old.iterdir()) == kept
            assert float(run.engine.state.best_loss) == np.inf
            # A crash before the first checkpoint changes nothing of that.
            run = session.open_session(settings, unheard)
            assert float(run.engine.state.best_loss) == np.inf
        run.train()
    newest = load(run.folder.path).tensors()
    for name, tensor in run.task.average.tensors().items():
        np.testing.assert_array_equal(newest[name], tensor)


def test_a_run_cannot_resume_with_another_architecture(tmp_path: Path, conf: Conf) -> None:
    settings = config.load(conf(tmp_path))
    session.open_session(settings, unheard)
    written = (tmp_path / "models" / "tiny" / "config.yml").read_bytes()
    with pytest.raises(errors.UserError) as caught:
        session.open_session(settings.replace(residual_blocks=2), unheard)
    message = str(caught.value)
    assert message.startswith("residual_blocks: ") and "\n" not in message
    assert "begun with 1 and cannot resume with 2" in message and "--fresh" in message
    assert (tmp_path / "models" / "tiny" / "config.yml").read_bytes() == written


def test_a_network_learns_one_style_which_may_be_moved(tmp_path: Path, conf: Conf) -> None:
    settings = config.load(conf(tmp_path))
    session.open_session(settings, unheard)
    style = Path(settings.styles["tiny"].style_image)
    (tmp_path / "elsewhere").mkdir()
    for name in (style.name, "another.jpg"):
        shutil.copy(files.find(str(style)), tmp_path / "elsewhere" / name)
    moved = settings.replace(style_image=str(tmp_path / "elsewhere" / style.name))
    session.open_session(moved, unheard)
    another = settings.replace(style_image=str(tmp_path / "elsewhere/another.jpg"))
    with pytest.raises(errors.UserError, match=r"^style_image: .* was begun with .*--fresh"):
        session.open_session(another, unheard)


def test_a_damaged_configuration_of_a_run_is_reported_and_left(tmp_path: Path, conf: Conf) -> None:
    settings = config.load(conf(tmp_path))
    written = session.open_session(settings, unheard).folder.config
    for damaged in (b"naming: [", b"\xff\xfe", b"", b"naming"):
        written.write_bytes(damaged)
        with pytest.raises(errors.UserError, match=r"models/tiny/config\.yml: damaged; delete it"):
            session.open_session(settings, unheard)
        assert written.read_bytes() == damaged


def test_a_finished_run_keeps_its_configuration(tiny_run: Path, tmp_path: Path, conf: Conf) -> None:
    shutil.copytree(tiny_run, tmp_path / "models" / "tiny")
    before = (tmp_path / "models" / "tiny" / "config.yml").read_bytes()
    heard: list[str] = []
    shorter = config.load(conf(tmp_path)).replace(max_steps=3)
    assert session.open_session(shorter, heard.append).start_step == 6
    assert heard == []
    assert (tmp_path / "models" / "tiny" / "config.yml").read_bytes() == before


@pytest.mark.usefixtures("no_steps")
@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (
            "No space left on device\n...",
            "no space left on the disk; make room and run the same command again",
        ),
        (
            "OOM when allocating tensor\n...",
            "not enough memory for a step; set a smaller batch_size or image_size and run the "
            "same command again",
        ),
    ],
)
def test_a_full_disk_or_memory_names_the_checkpoint_to_resume_from(
    tmp_path: Path, conf: Conf, reason: str, told: str
) -> None:
    run = session.open_session(config.load(conf(tmp_path)), unheard)

    def fill(event: events.Event) -> None:
        if isinstance(event, events.Step) and event.step == 3:
            raise tf.errors.ResourceExhaustedError(None, None, reason)

    with pytest.raises(errors.UserError) as caught:
        run.train([fill])
    saved = tmp_path / "models" / "tiny" / "checkpoints" / "step-2"
    assert str(caught.value) == f"{run.folder.path}: {told}, which resumes from {saved}"


# Devices are laid out before TensorFlow begins, so this needs a process of its own. The one
# device is treated as a graphics card is.
_ONE_AND_TWO_DEVICES = """
import sys
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from fastnst import config, devices
from fastnst.training import engine
from fastnst.training.tasks import session

compile_step = engine.Engine.compile_step

def compile_watched_step(self):
    step = compile_step(self)

    def watched(images):
        assert images.device == self.task.variables[0].device, images.device
        assert images.device.endswith("CPU:1"), images.device
        return step(images)

    return watched

def train(naming):
    settings = config.load(sys.argv[1]).replace(naming=naming)
    assert not session.open_session(settings, print).train().interrupted

engine.Engine.compile_step = compile_watched_step
devices.make_strategy = lambda batch_size: tf.distribute.OneDeviceStrategy("CPU:1")
train("one")
engine.Engine.compile_step = compile_step
devices.make_strategy = lambda batch_size: tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
train("two")
"""


def test_two_devices_learn_what_one_learns_from_the_same_batches(
    tmp_path: Path, conf: Conf, photos: Path
) -> None:
    path = conf(tmp_path, dataset=str(photos), max_steps=2, log_every=1, **SHALLOW)
    finished = subprocess.run(
        [sys.executable, "-c", _ONE_AND_TWO_DEVICES, str(path)],
        cwd=ROOT,
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
    # Eight kernels and the row.
    assert len(net) == 9
    # Sums are taken in another order, which moves a gradient by a millionth, and a step of 1e-3 by
    # as much, or a little more where a gradient is near 0, for Adam's first steps are of full size
    # however small it is: 7e-6 was seen. But the norm after the last residual block removes what
    # that block adds everywhere. Its gradient is noise about 0.
    layout = transform_net.Architecture(width=4, residual_blocks=1).layout()
    noise = np.concatenate(
        [[entry.name == "residuals/0/norm2/shift"] * entry.size for entry in layout.entries]
    )
    for of in (one, two):
        of["net/styles/.ATTRIBUTES/VARIABLE_VALUE"][:, noise] = 0.0
    for name in (*net, "position/.ATTRIBUTES/VARIABLE_VALUE"):
        np.testing.assert_allclose(two[name], one[name], atol=3e-5, err_msg=name)
    # Adam's steps do not tell a gradient from its double, its moments do.
    moments = [name for name in one if name.startswith("optimizer/_variables/")]
    assert len(moments) == 2 * 9
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
        assert session.architecture(settings).width == width


# Several styles.

STYLES = {
    "candy": "img/candy.jpg",
    "dots": {"style_image": "img/mosaic.jpg", "strength": 2.0},
    "wave": "img/wave.jpg",
}
TERMS = ("total", "content", "style", "tv")


@pytest.fixture(scope="module")
def gallery(
    tmp_path_factory: pytest.TempPathFactory, conf: Conf, photos: Path
) -> Callable[..., config.Config]:
    """Makes the configuration of a run of three styles."""
    folder = tmp_path_factory.mktemp("gallery")
    keys = {"dataset": str(photos), "max_steps": 12, "checkpoint_every": 6, "preview_every": 6}
    keys |= {"log_every": 1, **SHALLOW}
    path = conf(folder, style_image=None, styles=STYLES, tv_weight=1.0, **keys)
    return lambda **values: config.load(path).replace(**values)


@pytest.fixture(scope="module")
def three(gallery: Callable[..., config.Config]) -> session.Session:
    """A finished run of twelve steps in three styles; not to be trained further."""
    run = session.open_session(gallery(naming="three"), unheard)
    assert not run.train().interrupted
    return run


def test_every_row_and_every_kernel_of_three_styles_is_trained(three: session.Session) -> None:
    described = model.Description.read(three.folder.path / model.FILE)
    assert described.names == ("candy", "dots", "wave") and described.identity
    trained, untrained = (
        three.task.net.tensors(),
        transform_net.TransformNet(described.architecture, styles=4).tensors(),
    )
    assert trained["styles"].shape == untrained["styles"].shape
    assert (trained["styles"] != untrained["styles"]).any(axis=1).all()
    for name, values in trained.items():
        assert not np.array_equal(values, untrained[name]), name


def test_three_styles_are_validated_each_and_on_average(three: session.Session) -> None:
    lines = metrics_log.read(three.folder.metrics)
    judged = [line for line in lines if line["kind"] == "validation"]
    assert [line["step"] for line in judged] == [6, 12]
    for line in judged:
        for term in TERMS:
            each = [line[f"{name}/{term}"] for name in STYLES]
            mean = np.exp(np.mean(np.log(each))) if term == "total" else np.mean(each)
            assert line[term] == pytest.approx(mean) and len({*each}) > 1
    taught = [line for line in lines if line["kind"] == "training"]
    # The tenth step trains the row that reproduces the photo.
    assert [line["step"] for line in taught if line["pixels"] > 0] == [10]
    assert [line["step"] for line in taught if line["style"] == 0] == [10]


def test_the_samples_of_three_styles_have_a_row_for_each(three: session.Session) -> None:
    (first, last) = three.folder.sample_strips().values()
    strip = images.read(last)
    # The photos of 40 x 50 and 48 x 40 at 32 pixels are 32 x 40 and 38 x 32.
    assert images.read(first).shape == strip.shape == (3 * 32, 40 + round(32 * 32 / 38), 3)
    rows = np.split(strip, 3)
    assert all(not np.array_equal(rows[0], other) for other in rows[1:])


def test_three_styles_resume_exactly(
    three: session.Session, gallery: Callable[..., config.Config]
) -> None:
    settings = gallery(naming="parts")
    first = session.open_session(settings, unheard)
    assert first.train([], at_step(first, 5)).interrupted
    second = session.open_session(settings, unheard)
    assert second.start_step == 5
    assert not second.train().interrupted
    expected, found = final_checkpoint(three), final_checkpoint(second)
    assert expected.keys() == found.keys()
    for name, tensor in expected.items():
        np.testing.assert_allclose(found[name], tensor, rtol=1e-6, atol=1e-6, err_msg=name)


def rows_of(run: session.Session) -> dict[str, np.ndarray]:
    """Returns the rows by the name of the style; that of the photo has no name."""
    described = session.describe(run.settings)
    names = [*described.names, *([""] if described.identity else [])]
    table = run.task.net.tensors()["styles"]
    np.testing.assert_array_equal(table, run.task.average.tensors()["styles"])
    return dict(zip(names, table, strict=True))


@pytest.fixture(scope="module")
def parent(three: session.Session) -> dict[str, np.ndarray]:
    """The rows of the finished run, as they paint, and their mean."""
    table = load(three.folder.path).tensors()["styles"]
    names = ("candy", "dots", "wave", "")
    return dict(zip(names, table, strict=True)) | {"mean": table[:3].mean(axis=0)}


def test_styles_adopt_the_rows_of_their_names_and_new_ones_the_mean(
    tmp_path: Path, conf: Conf, three: session.Session, parent: dict[str, np.ndarray]
) -> None:
    styles = ["img/wave.jpg", "img/starry.jpg", "img/candy.jpg"]
    keys = {"style_image": None, "start_from": str(three.folder.path)}
    run = session.open_session(config.load(conf(tmp_path, styles=styles, **keys)), unheard)
    found = rows_of(run)
    assert [*found] == ["wave", "starry", "candy", ""]
    for name, source in {"wave": "wave", "candy": "candy", "": "", "starry": "mean"}.items():
        np.testing.assert_array_equal(found[name], parent[source], err_msg=name)
    kernels = load(three.folder.path).tensors()
    for name, tensor in run.task.net.tensors().items():
        assert name == "styles" or np.array_equal(tensor, kernels[name]), name


def test_a_single_style_adopts_its_row_of_several_by_name(
    tmp_path: Path, conf: Conf, three: session.Session, parent: dict[str, np.ndarray]
) -> None:
    for naming, source in (("wave", "wave"), ("new", "mean")):
        keys = {"naming": naming, "start_from": str(three.folder.path)}
        run = session.open_session(config.load(conf(tmp_path, **keys)), unheard)
        (row,) = rows_of(run).values()
        np.testing.assert_array_equal(row, parent[source], err_msg=naming)


def test_a_run_starts_from_one_style_of_several(
    tmp_path: Path,
    conf: Conf,
    three: session.Session,
    parent: dict[str, np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copytree(three.folder.path, tmp_path / "models" / "gallery")
    monkeypatch.chdir(tmp_path)
    run = session.open_session(config.load(conf(tmp_path, start_from="dots")), unheard)
    (row,) = rows_of(run).values()
    np.testing.assert_array_equal(row, parent["dots"])


def test_several_styles_start_from_the_row_of_a_single_one(
    tmp_path: Path, conf: Conf, tiny_run: Path
) -> None:
    keys = {"style_image": None, "styles": STYLES, "start_from": str(tiny_run)}
    run = session.open_session(config.load(conf(tmp_path, **keys)), unheard)
    (row,) = load(tiny_run).tensors()["styles"]
    assert len(rows_of(run)) == 4
    for name, found in rows_of(run).items():
        np.testing.assert_array_equal(found, row, err_msg=name)


def test_a_custom_data_set_is_any_iterable_of_batches(
    tmp_path: Path,
    conf: Conf,
    photo: Callable[..., np.ndarray],
    request: pytest.FixtureRequest,
) -> None:
    batches = [photo(32, 32, seed)[np.newaxis].astype(np.float32) for seed in range(3)]
    settings = config.load(conf(tmp_path, max_steps=4, **LEAST))
    dataset = tf.data.Dataset.from_tensor_slices(batches)
    run = session.open_session(settings, unheard, dataset=dataset)
    assert run.description == "a custom data set" and run.photos is None
    assert run.train([], at_step(run, 2)).interrupted
    request.getfixturevalue("no_steps")
    run = session.open_session(settings, unheard, dataset=batches)
    assert run.start_step == 2 and int(run.engine.state.position) == 2
    assert not run.train().interrupted and int(run.engine.state.position) == 4
    start, *_ = metrics_log.read(run.folder.metrics)
    assert "photos" not in start


@pytest.mark.parametrize(
    ("keys", "dataset", "message"),
    [
        (
            {"max_steps": None},
            [],
            "max_steps: the size of a custom data set is unknown; set the number of steps",
        ),
        ({}, iter([]), "dataset: is an iterator"),
    ],
)
def test_an_unfit_custom_data_set_is_refused_before_anything_is_written(
    tmp_path: Path, conf: Conf, keys: dict[str, Any], dataset: Any, message: str
) -> None:
    settings = config.load(conf(tmp_path, recipe="original", **keys))
    with pytest.raises(errors.UserError, match=f"^{message}"):
        session.open_session(settings, unheard, dataset=dataset)
    assert not (tmp_path / "models").exists()
