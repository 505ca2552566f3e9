"""Compares a network with the optimization method: the iterations that equal one forward pass.

Both minimize the same objective; the network does so in one pass, for photos it has not been
trained on (Johnson et al. 2016, figure 5).
"""

from __future__ import annotations

import collections.abc
import dataclasses
import math
from typing import Any

import numpy as np
import tensorflow as tf

from fastnst import events, images
from fastnst.evaluation import measures
from fastnst.losses import perceptual
from fastnst.pixels import descent

ITERATIONS = (25, 50, 100, 200, 300, 500)
STARTS = ("noise", "photo")


@dataclasses.dataclass(frozen=True)
class Assessment:
    """The results for one photo.

    Attributes:
        photo: Name of the photo.
        of_photo: Objective of the photo itself.
        of_network: Objective of the network's output.
        curves: The optimizer's objective for each start: first that of the start itself, then
            after each iteration.
        figures: Metrics that are not part of the objective, by name; see `measures`.
        pictures: uint8 RGB [H, W, 3] by name: the photo, the network's output, the optimizer's.
    """

    photo: str
    of_photo: float
    of_network: float
    curves: dict[str, list[float]]
    figures: dict[str, float]
    pictures: dict[str, np.ndarray]

    def equal_iterations(self, start: str) -> float:
        """Returns the iterations after which the optimizer equals the network; inf if never."""
        return equal_iterations(self.curves[start], self.of_network)


def equal_iterations(curve: collections.abc.Sequence[float], goal: float) -> float:
    """Returns the iteration at which a falling curve first reaches a value.

    The result is interpolated between iterations, and inf if the curve never reaches the value.
    """
    for iteration, value in enumerate(curve):
        if value <= goal:
            before = curve[iteration - 1] if iteration else value
            part = (before - goal) / (before - value) if before > value else 1.0
            return iteration - 1 + part if iteration else 0.0
    return math.inf


def assess(
    paint: collections.abc.Callable[[np.ndarray], np.ndarray],
    objective: perceptual.PerceptualLoss,
    style: np.ndarray,
    further: measures.GramDistance,
    name: str,
    photo: np.ndarray,
    steps: int,
    seed: int,
    starts: collections.abc.Sequence[str] = STARTS,
    on_event: events.Action = lambda event: None,
) -> Assessment:
    """Compares a network with the optimizer on one photo.

    Args:
        paint: Maps RGB [H, W, 3] in 0..255 to its stylized version, float32 of the same shape.
        objective: The objective that the network was trained with.
        style: The style image, RGB [H, W, 3] in 0..255.
        further: Gram distance at layers that the objective does not use.
        name: Name of the photo.
        photo: uint8 RGB [H, W, 3].
        steps: Iterations of the optimizer from each start.
        seed: Seed of the noise.
        starts: Initial pictures of the optimizer, a subset of `STARTS`.
        on_event: Receives the events of the optimizer.

    Raises:
        KeyboardInterrupt: If Ctrl-C interrupts the optimizer.
    """
    total = objective.towards(photo.astype(np.float32))

    judge = tf.function(lambda picture: total(picture[tf.newaxis])[0], autograph=False)
    stylized = paint(photo)
    pictures = {"photo": photo, "network": images.to_uint8(stylized)}
    height, width = photo.shape[:2]
    beginnings = {
        "noise": images.noise(height, width, seed),
        "photo": photo.astype(np.float32),
    }
    curves: dict[str, list[float]] = {}
    for start in starts:
        found = descent.minimize(total, beginnings[start], steps, on_event=on_event)
        if found.interrupted:
            raise KeyboardInterrupt
        curve = [terms["total"] for terms in found.history]
        # Once it has converged, further iterations would change nothing.
        curves[start] = curve + curve[-1:] * (steps + 1 - len(curve))
        pictures[f"optimizer from {start}"] = images.to_uint8(found.picture)
    gram = further(photo, stylized)
    return Assessment(
        photo=name,
        of_photo=float(judge(tf.constant(photo, tf.float32))),
        of_network=float(judge(tf.constant(stylized))),
        curves=curves,
        figures={
            "structure kept": measures.structure_kept(photo, stylized),
            "color distance": measures.color_distance(stylized, style),
            "photo's color distance": measures.color_distance(photo, style),
            **{f"Gram distance at {layer}": value for layer, value in gram.items()},
        },
        pictures=pictures,
    )


def summary(assessments: collections.abc.Sequence[Assessment]) -> dict[str, Any]:
    """Summarizes the means and spreads (standard deviations) over the photos, for JSON.

    Returns:
        Values by name. "equal_iterations" is the iteration at which the mean curve reaches the
        network's mean, or None if it never does. "ratio_to_best" is the network's mean divided by
        the minimum of all mean curves.
    """
    starts = tuple(assessments[0].curves)
    steps = len(assessments[0].curves[starts[0]]) - 1
    at = [iteration for iteration in ITERATIONS if iteration <= steps] or [steps]
    mean_curves = {
        start: np.mean([assessment.curves[start] for assessment in assessments], axis=0).tolist()
        for start in starts
    }
    of_network = _mean_and_spread([assessment.of_network for assessment in assessments])
    best = min(min(curve) for curve in mean_curves.values())
    by_photo = {
        start: [assessment.equal_iterations(start) for assessment in assessments]
        for start in starts
    }
    return {
        "photos": len(assessments),
        "names": [assessment.photo for assessment in assessments],
        "steps": steps,
        "photo": _mean_and_spread([assessment.of_photo for assessment in assessments]),
        "network": of_network,
        "optimiser": {
            start: {
                iteration: _mean_and_spread(
                    [assessment.curves[start][iteration] for assessment in assessments]
                )
                for iteration in at
            }
            for start in starts
        },
        # JSON has no infinity, so null means that the optimizer never reached the network.
        "equal_iterations": {
            start: _finite(equal_iterations(curve, of_network["mean"]))
            for start, curve in mean_curves.items()
        },
        "equal_iterations_by_photo": {
            start: [_finite(number) for number in numbers] for start, numbers in by_photo.items()
        },
        "ratio_to_best": of_network["mean"] / best,
        "figures": {
            name: _mean_and_spread([assessment.figures[name] for assessment in assessments])
            for name in assessments[0].figures
        },
        "mean_curves": mean_curves,
    }


def _mean_and_spread(values: collections.abc.Sequence[float]) -> dict[str, float]:
    return {"mean": float(np.mean(values)), "spread": float(np.std(values))}


def _finite(number: float) -> float | None:
    return round(number, 1) if math.isfinite(number) else None
