"""Runs of several styles in one network."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import runs

from fastnst import config, images
from fastnst.models import descriptions, metrics_log, restore, store
from fastnst.nets import transform_net
from fastnst.training.tasks import inputs, session, start

Conf = Callable[..., Path]
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
    keys |= {"log_every": 1, **runs.SHALLOW}
    path = conf(folder, style_image=None, styles=STYLES, tv_weight=1.0, **keys)
    return lambda **values: config.load(path).replace(**values)


@pytest.fixture(scope="module")
def three(gallery: Callable[..., config.Config]) -> session.Session:
    """A finished run of twelve steps in three styles; must not be trained further."""
    run = session.open_session(gallery(naming="three"), runs.ignore)
    assert not run.train().interrupted
    return run


def test_every_row_and_kernel_of_three_styles_is_trained(three: session.Session) -> None:
    described = descriptions.Description.read(three.folder.path / descriptions.FILE)
    assert described.names == ("candy", "dots", "wave") and described.identity
    trained, untrained = (
        three.task.net.tensors(),
        transform_net.TransformNet(described.architecture, styles=4).tensors(),
    )
    assert trained["styles"].shape == untrained["styles"].shape
    assert (trained["styles"] != untrained["styles"]).any(axis=1).all()
    for name, values in trained.items():
        assert not np.array_equal(values, untrained[name]), name


def test_validation_reports_each_style_and_the_average(three: session.Session) -> None:
    lines = metrics_log.read(three.folder.metrics)
    judged = [line for line in lines if line["kind"] == "validation"]
    assert [line["step"] for line in judged] == [6, 12]
    for line in judged:
        for term in TERMS:
            each = [line[f"{name}/{term}"] for name in STYLES]
            mean = np.exp(np.mean(np.log(each))) if term == "total" else np.mean(each)
            assert line[term] == pytest.approx(mean) and len({*each}) > 1
    taught = [line for line in lines if line["kind"] == "training"]
    # Step 10 trains the identity row.
    assert [line["step"] for line in taught if line["pixels"] > 0] == [10]
    assert [line["step"] for line in taught if line["style"] == 0] == [10]


def test_a_strip_of_samples_has_a_row_for_each_style(three: session.Session) -> None:
    (first, last) = three.folder.sample_strips().values()
    strip = images.read(last)
    # The photos of 40 x 50 and 48 x 40 at 32 pixels are 32 x 40 and 38 x 32.
    photos = 40 + round(32 * 32 / 38)
    assert images.read(first).shape == strip.shape == (3 * 32, strip.shape[1], 3)
    # Right of the names.
    rows = np.split(strip[:, -photos:], 3)
    assert all(not np.array_equal(rows[0], other) for other in rows[1:])


@pytest.mark.slow
def test_a_run_of_three_styles_resumes_exactly(
    three: session.Session, gallery: Callable[..., config.Config]
) -> None:
    settings = gallery(naming="parts")
    first = session.open_session(settings, runs.ignore)
    assert first.train([], runs.stop_after(first, 5)).interrupted
    second = session.open_session(settings, runs.ignore)
    assert second.start_step == 5
    assert not second.train().interrupted
    expected, found = runs.final_checkpoint(three), runs.final_checkpoint(second)
    assert expected.keys() == found.keys()
    for name, tensor in expected.items():
        np.testing.assert_allclose(found[name], tensor, rtol=1e-6, atol=1e-6, err_msg=name)


def rows_of(run: session.Session) -> dict[str, np.ndarray]:
    """Returns the rows by style name; the name of the identity row is empty."""
    described = start.describe(run.settings)
    names = [*described.names, *([""] if described.identity else [])]
    table = run.task.net.tensors()["styles"]
    np.testing.assert_array_equal(table, run.task.average.tensors()["styles"])
    return dict(zip(names, table, strict=True))


@pytest.fixture(scope="module")
def parent(three: session.Session) -> dict[str, np.ndarray]:
    """The averaged rows of the finished run by style name."""
    table = runs.load(three.folder.path).tensors()["styles"]
    return dict(zip(("candy", "dots", "wave", ""), table, strict=True))


def best_row(three: session.Session, run: session.Session, style: str) -> np.ndarray:
    """The row of the finished run that suits a style of another run best."""
    objectives, _ = inputs.make_objectives(run.settings)
    _, photos = inputs.read_validation(run.settings.data)
    return start.best_row(restore.load(store.find(three.folder.path)), objectives[style], photos)


@pytest.mark.slow
def test_styles_start_from_the_rows_of_their_paintings_and_new_styles_from_the_best_one(
    tmp_path: Path, conf: Conf, three: session.Session, parent: dict[str, np.ndarray]
) -> None:
    styles = ["img/wave.jpg", "img/starry.jpg", "img/candy.jpg"]
    keys = {"style_image": None, "start_from": str(three.folder.path)}
    run = session.open_session(config.load(conf(tmp_path, styles=styles, **keys)), runs.ignore)
    found = rows_of(run)
    assert [*found] == ["wave", "starry", "candy", ""]
    for name in ("wave", "candy", ""):
        np.testing.assert_array_equal(found[name], parent[name], err_msg=name)
    np.testing.assert_array_equal(found["starry"], best_row(three, run, "starry"))
    kernels = runs.load(three.folder.path).tensors()
    for name, tensor in run.task.net.tensors().items():
        assert name == "styles" or np.array_equal(tensor, kernels[name]), name


@pytest.mark.slow
@pytest.mark.parametrize(("naming", "image"), [("mine", "img/wave.jpg"), ("wave", "img/ink.jpg")])
def test_a_single_style_is_known_by_its_painting_not_its_name(
    tmp_path: Path,
    conf: Conf,
    three: session.Session,
    parent: dict[str, np.ndarray],
    naming: str,
    image: str,
) -> None:
    keys = {"naming": naming, "style_image": image, "start_from": str(three.folder.path)}
    run = session.open_session(config.load(conf(tmp_path, **keys)), runs.ignore)
    (row,) = rows_of(run).values()
    expected = parent["wave"] if image == "img/wave.jpg" else best_row(three, run, naming)
    np.testing.assert_array_equal(row, expected)


@pytest.mark.slow
def test_start_from_can_name_one_style_of_several(
    tmp_path: Path,
    conf: Conf,
    three: session.Session,
    parent: dict[str, np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copytree(three.folder.path, tmp_path / "models" / "gallery")
    monkeypatch.chdir(tmp_path)
    run = session.open_session(config.load(conf(tmp_path, start_from="dots")), runs.ignore)
    (row,) = rows_of(run).values()
    np.testing.assert_array_equal(row, parent["dots"])


@pytest.mark.slow
def test_several_styles_start_from_the_row_of_a_single_style(
    tmp_path: Path, conf: Conf, tiny_run: Path
) -> None:
    keys = {"style_image": None, "styles": STYLES, "start_from": str(tiny_run)}
    run = session.open_session(config.load(conf(tmp_path, **keys)), runs.ignore)
    (row,) = runs.load(tiny_run).tensors()["styles"]
    assert len(rows_of(run)) == 4
    for name, found in rows_of(run).items():
        np.testing.assert_array_equal(found, row, err_msg=name)
