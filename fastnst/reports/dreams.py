"""The report of a dream: its pictures, and the objective at each iteration of each octave."""

from __future__ import annotations

import collections.abc
import dataclasses
import itertools

import numpy as np

from fastnst.reports import page

_WORDING = page.Wording(
    kind="dream report",
    strips="The picture at each iteration.",
    charts="By iteration. Each octave begins anew, because the picture grows.",
    values="Result",
    columns={},
    config=page.OPTIMIZATION.config,
    next_steps=(),
    curves="Objective",
    values_note="The objective before the last iteration at each size.",
    sides=("the first picture", "the dream"),
    logarithmic=False,
)


def render(
    name: str,
    before: np.ndarray,
    after: np.ndarray,
    samples: page.Samples,
    octaves: collections.abc.Sequence[tuple[tuple[int, int], collections.abc.Sequence[float]]],
    *,
    command: str,
    config_text: str,
    figures: collections.abc.Mapping[str, str],
) -> str:
    """Renders the report of a dream.

    Args:
        name: Name of the photo.
        before: The first picture, uint8 RGB [H, W, 3].
        after: The dream, alike.
        samples: Pictures by iteration.
        octaves: The height and width of each octave, and the objective before each of its
            iterations.
        command: The command that dreams again.
        config_text: The options, one per line.
        figures: Texts by label, in the order in which to show them.

    Returns:
        HTML with all pictures embedded; a sample that cannot be read is named instead.
    """
    activities = itertools.chain.from_iterable(found for _, found in octaves)
    curve = [
        {"kind": "training", "step": step, "activity": activity}
        for step, activity in enumerate(activities, start=1)
    ]
    ends = {f"{width} x {height} px": found[-1] for (height, width), found in octaves}
    return page.render(
        name=name,
        reference=None,
        before=[before],
        after=[after],
        samples=samples,
        metrics=[*curve, *({"kind": size, "activity": end} for size, end in ends.items())],
        terms=("activity",),
        config_text=config_text,
        figures=figures,
        wording=dataclasses.replace(
            _WORDING,
            # One column per octave.
            columns={size: size for size in ends},
            next_steps=(("Dream again:", command),),
        ),
    )
