"""Comparing exports with the live network."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from fastnst import errors, files, images
from fastnst.export import verify
from fastnst.models import loading, restore, store
from fastnst.models import model as model_module

# Paints the negative of the photo, darker by the first share and the strength.
NEGATIVE = """
def load(folder):
    def paint(photos, shares, strength):
        return (255 - photos) - numpy.uint8(10 * shares[0] + 10 * strength[0])
    import numpy
    return paint
"""


@pytest.fixture(scope="module")
def model(gallery: Path) -> model_module.Model:
    """A model of three styles and an identity row."""
    return restore.load(store.find(gallery))


@pytest.fixture(scope="module")
def painted(model: model_module.Model) -> dict[str, verify.Painted]:
    """The cases as the live network paints them."""
    live = verify.painter(model)
    return {
        name: verify.Painted(live(case), [0.25, 0.5, 0.125] if case.runs else [])
        for name, case in verify.cases(model.description).items()
    }


def test_the_live_network_paints_a_blend_of_rows(model: model_module.Model) -> None:
    photos = np.random.default_rng(0).integers(0, 256, (2, 17, 20, 3)).astype(np.uint8)
    found = verify.painter(model)(verify.Case(photos, np.array([0.25, 0.0, 0.75], np.float32)))
    row = 0.25 * model.net.table[0] + 0.75 * model.net.table[2]
    expected = images.to_uint8(model.net(tf.constant(photos, tf.float32), row).numpy())
    assert np.abs(found.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.3])
def test_the_live_network_paints_with_a_strength(
    model: model_module.Model, strength: float
) -> None:
    photos = np.random.default_rng(0).integers(0, 256, (1, 17, 20, 3)).astype(np.uint8)
    case = verify.Case(photos, np.eye(3, dtype=np.float32)[1], strength=np.float32([strength]))
    stylized = loading.of_model(model, "gallery")
    expected = stylized(photos, model.description.names[1], strength, stroke=1, grain=0.0)
    assert np.abs(verify.painter(model)(case).astype(int) - expected).max() <= 1


def test_the_cases_have_strengths_only_where_the_model_has_them(model: model_module.Model) -> None:
    strengths = [float(case.strength[0]) for case in verify.cases(model.description).values()]
    assert min(strengths) == 0.0 and max(strengths) > 1.0 and 1.0 in strengths
    without = dataclasses.replace(model.description, identity=False)
    assert {float(case.strength[0]) for case in verify.cases(without).values()} == {1.0}


def test_the_cases_have_odd_sizes_every_style_and_batches(
    model: model_module.Model,
) -> None:
    found = verify.cases(model.description)
    sides = {
        side for name, case in found.items() for side in case.photos.shape[1:3] if not case.runs
    }
    assert any(side % 2 for side in sides) and any(side % 4 == 2 for side in sides)
    assert {len(case.photos) for case in found.values()} == {1, 3}
    assert [case.shares.tolist() for case in found.values()][:3] == np.eye(3).tolist()
    (timed,) = (case for case in found.values() if case.runs)
    assert timed.photos.shape == (1, 512, 512, 3)
    # Real photos, and not all the same.
    batch = next(case.photos for case in found.values() if len(case.photos) == 3)
    assert np.abs(batch[0].astype(int) - batch[1]).mean() > 20


def test_a_picture_that_somebody_left_beside_the_bundled_ones_is_not_compared(
    model: model_module.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = verify.cases(model.description, (40, 56))["style 0"].photos
    shutil.copytree(files.asset("img/photos"), tmp_path / "img" / "photos")
    (tmp_path / "img" / "photos" / "a.jpg").write_bytes(b"no photo")
    monkeypatch.setattr(files, "asset", lambda name: tmp_path / name)
    found = verify.cases(model.description, (40, 56))["style 0"].photos
    np.testing.assert_array_equal(found, expected)


def test_cases_of_a_fixed_size_are_single_photos_of_it(model: model_module.Model) -> None:
    found = verify.cases(model.description, (40, 56)).values()
    assert {case.photos.shape for case in found} == {(1, 40, 56, 3)}
    assert [case.shares.tolist() for case in found if not case.runs][:3] == np.eye(3).tolist()


def test_equal_pictures_do_not_differ(
    model: model_module.Model, painted: dict[str, verify.Painted]
) -> None:
    parity = verify.compare(model, verify.cases(model.description), painted)
    assert (parity.largest, parity.mean, parity.milliseconds) == (0.0, 0.0, 250.0)
    assert parity.milliseconds_live > 0.0


@pytest.mark.slow
@pytest.mark.parametrize("case", ["style 0", "style 2", "size 1", "timed"])
def test_the_difference_is_the_largest_of_all_cases_and_pixels_up_or_down(
    model: model_module.Model, painted: dict[str, verify.Painted], case: str
) -> None:
    changed = painted[case].pictures.copy()
    value = int(changed[-1, 5, 6, 2])
    # uint8 would wrap around.
    changed[-1, 5, 6, 2] = value - 7 if value >= 7 else value + 7
    others = painted | {case: verify.Painted(changed, [1.0])}
    parity = verify.compare(model, verify.cases(model.description), others)
    assert parity.largest == 7.0
    numbers = sum(each.pictures.size for each in painted.values())
    assert parity.mean == pytest.approx(7.0 / numbers, rel=1e-3)


def test_styles_in_another_order_differ(
    model: model_module.Model, painted: dict[str, verify.Painted]
) -> None:
    swapped = {"style 0": painted["style 1"], "style 1": painted["style 0"]}
    assert verify.compare(model, verify.cases(model.description), painted | swapped).largest > 20.0


def test_a_format_that_cannot_run_here_has_no_time(
    model: model_module.Model, painted: dict[str, verify.Painted]
) -> None:
    untimed = {name: each for name, each in painted.items() if not each.seconds}
    parity = verify.compare(model, verify.cases(model.description), untimed)
    assert parity.milliseconds is None and parity.largest == 0.0


def test_an_export_is_used_in_a_process_without_fastnst(tmp_path: Path) -> None:
    photos = np.full((2, 3, 4, 3), 100, np.uint8)
    shares = np.array([0.5, 0.5], np.float32)
    given = {"a": verify.Case(photos, shares), "b": verify.Case(photos[:1], shares, 3)}
    found = verify.paint_elsewhere(tmp_path, NEGATIVE, given)
    assert found["a"].pictures.tolist() == np.full((2, 3, 4, 3), 140).tolist()
    assert len(found["a"].seconds) == 0 and len(found["b"].seconds) == 3


@pytest.mark.parametrize(
    ("loader", "reason"),
    [
        ("import fastnst" + NEGATIVE, "AssertionError"),
        ("def load(folder): 1 / 0", "division by zero"),
    ],
)
def test_an_export_that_fails_elsewhere_is_one_line(
    loader: str, reason: str, tmp_path: Path
) -> None:
    given = {"a": verify.Case(np.zeros((1, 3, 4, 3), np.uint8), np.ones(1, np.float32))}
    with pytest.raises(errors.UserError, match=f"cannot be used elsewhere .*{reason}") as caught:
        verify.paint_elsewhere(tmp_path, loader + "\n", given)
    assert "\n" not in str(caught.value)
