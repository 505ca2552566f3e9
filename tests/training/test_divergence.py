"""What counts as an explosion of the loss, and what does not."""

from __future__ import annotations

import collections.abc

import numpy as np
import pytest

from fastnst.training import divergence

RANDOM = np.random.default_rng(0)
# Spread by a factor of e to both sides, as no real losses are.
NOISE = list(np.exp(RANDOM.normal(0.0, 1.0, 400)))


def diverged(losses: collections.abc.Iterable[float]) -> bool:
    """Whether a run diverges at any of its steps."""
    watch = divergence.Watch()
    found = False
    for loss in losses:
        watch.see([loss])
        found |= watch.diverged
    return found


def test_a_loss_that_jumps_to_more_than_a_thousand_times_the_median_and_stays_has_diverged() -> (
    None
):
    watch = divergence.Watch()
    watch.see([2.0] * 60)
    # Six of ten steps are more than half.
    watch.see([2001.0] * 5)
    assert watch.suspects and not watch.diverged
    watch.see([2001.0])
    assert watch.diverged and watch.usual == 2.0


def test_ten_steps_tell_what_is_usual() -> None:
    assert diverged([*[5.0] * 10, *[1e6] * 6])
    assert not diverged([*[5.0] * 9, *[1e6] * 6])


@pytest.mark.parametrize(
    "losses",
    [
        NOISE,
        # A stage of larger crops, or another objective.
        [*NOISE[:200], *(100.0 * loss for loss in NOISE[200:])],
        # The start of a run that rises at once.
        [1.0, 1.0, *[1e6] * 100],
        # Strange photos now and then.
        [1e6 if step % 3 == 0 else 1.0 for step in range(300)],
        # Slowly, over thousands of steps.
        [10 ** (step / 500) for step in range(4000)],
        # Almost nothing is left to learn, and then less of that.
        [*[2.0] * 20, *[1e-9] * 100, *[1e-3] * 20],
        # A loss without a unit, such as a logarithm.
        [-5.0] * 60 + [10.0] * 20,
        [0.0] * 60 + [10.0] * 20,
    ],
    ids=["noise", "stage", "start", "photos", "slow", "learned", "negative", "zero"],
)
def test_noise_stages_and_starts_are_no_divergence(losses: list[float]) -> None:
    assert not diverged(losses)


def test_after_a_rewind_the_run_is_judged_by_the_time_before_the_explosion() -> None:
    watch = divergence.Watch()
    watch.see([*[1.0] * 60, *[5000.0] * 100])
    assert watch.diverged
    watch.rewind()
    assert not watch.suspects
    watch.see([*[1.0] * 3, *[5000.0] * 6])
    assert watch.diverged


def test_a_strange_photo_is_forgotten_after_ten_steps() -> None:
    watch = divergence.Watch()
    watch.see([*[1.0] * 60, 5000.0, *[1.0] * 9])
    assert watch.suspects
    watch.see([1.0])
    assert not watch.suspects
