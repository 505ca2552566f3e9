"""DeepDream, with objectives whose gradients are known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from fastnst import errors, events
from fastnst.pixels import deepdream

PHOTO = np.random.default_rng(0).uniform(60, 190, (48, 64, 3)).astype(np.float32)


def red(pictures: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(pictures[..., 0])


def contrast(pictures: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(tf.square(pictures - 128.0))


def windows(pictures: tf.Tensor) -> tf.Tensor:
    """The mean of all windows of 3 x 3 pixels, in fewer of which those at a border are."""
    return tf.reduce_mean(tf.nn.avg_pool2d(pictures, 3, 1, "VALID"))


def dream(
    objective: Callable[[tf.Tensor], tf.Tensor] = contrast,
    picture: np.ndarray = PHOTO,
    on_event: events.Action = lambda event: None,
    **options: object,
) -> deepdream.Result:
    return deepdream.Dreamer(objective, deepdream.Options(**options))(picture, on_event)


def test_each_iteration_changes_a_pixel_by_the_step_on_average() -> None:
    result = dream(red, octaves=1, iterations=2, step=1.5)
    # The gradient is a third of the values, all equal; their mean size is the step.
    np.testing.assert_allclose(result.picture[..., 0], PHOTO[..., 0] + 2 * 4.5, rtol=1e-4)
    np.testing.assert_allclose(result.picture[..., 1:], PHOTO[..., 1:], rtol=1e-4)
    assert not result.interrupted


def test_tiles_give_the_gradient_of_the_whole() -> None:
    whole, tiled = (dream(octaves=1, iterations=2, tile=tile).picture for tile in (512, 20))
    np.testing.assert_allclose(tiled, whole, rtol=1e-4, atol=1e-2)


def test_the_seams_of_the_tiles_are_spread_over_the_picture() -> None:
    flat = np.full((48, 48, 3), 100, np.float32)
    grown = dream(windows, flat, octaves=1, iterations=30, tile=16).picture - flat
    for lines in (grown.mean((0, 2)), grown.mean((1, 2))):
        # The pixels at a seam are in a third as many windows. If the tiles never moved, those of
        # some lines would always be there, and grow 0.38 times as much as on average.
        assert lines.min() > 0.75 * lines.mean()


def test_a_picture_keeps_its_details_through_the_octaves() -> None:
    kept = dream(iterations=1, step=1e-4).picture
    np.testing.assert_allclose(kept, PHOTO, atol=0.1)
    enlarged = dream(iterations=1, step=1e-4, octaves=2, details=False).picture
    assert enlarged.shape == PHOTO.shape
    assert enlarged.std() < 0.8 * PHOTO.std()


def test_octaves_that_would_be_too_small_are_left_out() -> None:
    seen: list[events.Event] = []
    dream(octaves=9, scale=1.2, iterations=3, on_event=seen.append)
    # 48 -> 40 -> 33 px, and 28 would be too small.
    assert seen[0] == events.Started(0, 9, ("activity",), items="iterations")
    assert seen[-1] == events.Finished(9, 9)
    steps = [event for event in seen if isinstance(event, events.Step)]
    assert [step.step for step in steps] == [*range(1, 10)]
    assert steps[-1].mean_metrics["activity"] > steps[-2].mean_metrics["activity"]


def test_pictures_are_shown_on_the_way_at_the_size_of_their_octave() -> None:
    seen: list[events.Event] = []
    dreamer = deepdream.Dreamer(red, deepdream.Options(octaves=2, iterations=3, step=2.0))
    result = dreamer(PHOTO, seen.append, show_every=3)
    shown = [event for event in seen if isinstance(event, events.Judged)]
    assert [event.step for event in shown] == [3, 6]
    first, last = (event.outputs["picture"][0] for event in shown)
    assert (first.shape, first.dtype) == ((34, 46, 3), np.uint8)
    np.testing.assert_array_equal(last, np.rint(result.picture).astype(np.uint8))
    # All the change of 2 levels per pixel goes into red, a third of the values.
    assert [octave.size for octave in result.octaves] == [(34, 46), (48, 64)]
    for octave in result.octaves:
        np.testing.assert_allclose(np.diff(octave.activities), 6.0, rtol=1e-3)


def test_the_laplacian_gradient_gives_all_sizes_of_motifs_the_same_strength() -> None:
    fine = np.random.default_rng(1).normal(0, 100, (64, 64, 1))
    gradient = (fine + np.linspace(-1, 1, 64)[:, np.newaxis, np.newaxis]) * np.ones(3)
    normalized = deepdream._laplacian_normalized(gradient.astype(np.float32))
    slope = normalized.mean((1, 2))
    assert np.corrcoef(slope, np.linspace(-1, 1, 64))[0, 1] > 0.5
    assert abs(np.corrcoef(gradient.mean((1, 2)), np.linspace(-1, 1, 64))[0, 1]) < 0.3


def test_the_defaults_are_those_of_the_tutorial() -> None:
    options = deepdream.Options()
    assert (options.octaves, options.scale, options.tile) == (4, 1.4, 512)
    assert (options.step, options.iterations) == (1.5, 10)


def test_the_same_seed_gives_the_same_dream_and_another_seed_another() -> None:
    first, again, other = (dream(windows, tile=20, seed=seed).picture for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    # The seams are elsewhere.
    assert 0.5 < np.abs(first - other).max() < 10


def test_ctrl_c_keeps_the_dream_so_far_at_full_size() -> None:
    def stop(event: events.Event) -> None:
        if isinstance(event, events.Step) and event.step == 3:
            raise KeyboardInterrupt

    result = dream(iterations=2, octaves=2, on_event=stop)
    assert result.interrupted and result.picture.shape == PHOTO.shape
    assert [len(octave.activities) for octave in result.octaves] == [2, 1]
    early = dream(iterations=2, octaves=2, on_event=lambda event: None)
    assert np.abs(early.picture - result.picture).max() > 0


def test_a_picture_that_is_too_small_is_refused() -> None:
    with pytest.raises(errors.UserError, match=r"60 x 31 px is too small.*at least 32 px"):
        dream(picture=PHOTO[:31, :60])


def test_an_objective_without_a_gradient_is_refused() -> None:
    with pytest.raises(errors.UserError, match="does not react to the picture; choose another"):
        dream(lambda pictures: 0.0 * tf.reduce_mean(pictures))


def test_impossible_options_are_refused() -> None:
    for options in ({"gradient": "x"}, {"scale": 1.0}, {"octaves": 0}, {"tile": 0}):
        with pytest.raises(ValueError, match=r"unknown gradient|impossible options"):
            dream(**options)


def test_enlarging_shows_the_middle() -> None:
    rows = np.arange(33, dtype=np.float32)[:, np.newaxis, np.newaxis] * np.ones([1, 33, 3])
    large = deepdream.enlarged(rows, 2.0)
    np.testing.assert_allclose(large[:, 0, 0], np.linspace(8, 24, 33), atol=1e-4)
