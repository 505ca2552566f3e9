"""Stylizes one photo by optimizing its pixels, at one size or from coarse to fine.

At a small size, a few iterations move large shapes. A large picture begins as the enlarged result
of a smaller one, and needs fewer of its slow iterations (Gatys et al. 2017, section 6).
"""

from __future__ import annotations

import collections.abc
import dataclasses
from typing import Any, TypeAlias

import numpy as np

from fastnst import events, images
from fastnst.losses import perceptual
from fastnst.pixels import descent

# The side up to which pictures are optimized at one size: the layers see much of it at once.
FINE_SIDE = 512

# A style image, float32 RGB [H, W, 3] in [0, 255], and its share of the style.
Styles: TypeAlias = collections.abc.Sequence[tuple[np.ndarray, float]]
# Builds the objective of a photo, float32 RGB [H, W, 3] in [0, 255], and styles.
MakeObjective: TypeAlias = collections.abc.Callable[[np.ndarray, Styles], perceptual.PerceptualLoss]


@dataclasses.dataclass(frozen=True)
class Scale:
    """One size of a picture.

    Attributes:
        side: Shorter side in pixels.
        steps: Iterations at this size.
    """

    side: int
    steps: int


def plan(side: int, steps: int, scales: int | None = None) -> list[Scale]:
    """Plans the sizes of a search from coarse to fine; each is twice the one before.

    Args:
        side: Shorter side of the result.
        steps: Iterations at the first size; each further one has half of those before it.
        scales: Number of sizes; None for as many as bring the first one to `FINE_SIDE` or less.
    """
    if scales is None:
        scales = 1
        while side / 2 ** (scales - 1) > FINE_SIDE:
            scales += 1
    return [
        Scale(round(side / 2 ** (scales - 1 - index)), max(1, steps >> index))
        for index in range(scales)
    ]


def stylize(
    photo: np.ndarray,
    styles: Styles,
    make_objective: MakeObjective,
    start: collections.abc.Callable[[np.ndarray], np.ndarray],
    scales: collections.abc.Sequence[Scale],
    *,
    on_event: events.Action = lambda event: None,
    **search: Any,
) -> descent.Result:
    """Searches for the picture with the lowest objective.

    Args:
        photo: The photo, uint8 RGB [H, W, 3].
        styles: The style images at their size beside the last scale.
        make_objective: Builds the objective, once for each scale.
        start: Maps the photo at the first scale to the initial picture of the same size, both
            float32 RGB [H, W, 3] in [0, 255].
        scales: The sizes, as planned by `plan`.
        on_event: Receives the events of `descent.minimize`, whose iterations are counted over all
            scales.
        **search: Further arguments of `descent.minimize`.

    Returns:
        The result at the last scale, or after Ctrl-C at the one that was reached. Its history is
        that of all scales, whose objectives may differ.

    Raises:
        UserError: As in `descent.minimize`.
    """
    relay = _Relay(on_event, sum(scale.steps for scale in scales))
    result: descent.Result | None = None
    for scale in scales:
        pixels = images.resize_shorter_side(photo, scale.side).astype(np.float32)
        ratio = scale.side / scales[-1].side
        try:
            objective = make_objective(pixels, [(_scaled(each, ratio), by) for each, by in styles])
            first = start(pixels) if result is None else _enlarged(result.picture, pixels.shape)
            found = descent.minimize(
                objective.towards(pixels), first, scale.steps, on_event=relay, **search
            )
        except KeyboardInterrupt:
            if result is None:
                raise
            result = dataclasses.replace(result, interrupted=True)
            break
        result = found if result is None else _joined(result, found)
        relay.done = len(result.history) - 1
        if result.interrupted:
            break
    assert result is not None
    on_event(events.Finished(relay.done, relay.total))
    return result


class _Relay:
    """Passes on the events of several searches as those of one."""

    def __init__(self, on_event: events.Action, total: int) -> None:
        self._on_event, self.total = on_event, total
        self.done = 0

    def __call__(self, event: events.Event) -> None:
        match event:
            case events.Started() if not self.done:
                self._on_event(dataclasses.replace(event, last_step=self.total))
            case events.Step():
                step = self.done + event.step
                self._on_event(dataclasses.replace(event, step=step, last_step=self.total))
            case events.Judged():
                self._on_event(dataclasses.replace(event, step=self.done + event.step))


def _joined(before: descent.Result, found: descent.Result) -> descent.Result:
    # The first entry of a history belongs to the initial picture, the last one of the scale before.
    done = len(before.history) - 1
    return dataclasses.replace(
        found, iteration=done + found.iteration, history=(*before.history, *found.history[1:])
    )


def _scaled(style: np.ndarray, ratio: float) -> np.ndarray:
    if ratio == 1.0:
        return style
    side = max(1, round(min(style.shape[:2]) * ratio))
    return images.resize_shorter_side(images.to_uint8(style), side).astype(np.float32)


def _enlarged(picture: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return images.resize(images.to_uint8(picture), shape[0], shape[1]).astype(np.float32)
