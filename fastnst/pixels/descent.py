"""Minimising an objective over the pixels of one picture (Gatys et al. 2015).

The slow method: hundreds of passes through the loss network for a single painting, and no network
to train. It tells how well a transform net could do at most.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import math
from typing import TypeAlias

import numpy as np
import tensorflow as tf

from fastnst import errors

METHODS = ("lbfgs", "adam")
# Pairs of steps that L-BFGS models the curvature by.
_MEMORY = 20
_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8

# Maps float32 RGB [1, H, W, 3] in [0, 255] to a float32 scalar and its terms by name.
Objective: TypeAlias = collections.abc.Callable[
    [tf.Tensor], tuple[tf.Tensor, collections.abc.Mapping[str, tf.Tensor]]
]
# Takes the iteration, the total, its terms and the picture float32 [H, W, 3] in [0, 255].
OnStep: TypeAlias = collections.abc.Callable[[int, float, dict[str, float], np.ndarray], object]


@dataclasses.dataclass(frozen=True)
class Result:
    """What came of a minimisation.

    Attributes:
        picture: The best picture met, float32 RGB [H, W, 3] in [0, 255].
        total: The objective of it.
        iteration: When it was met.
        history: The terms after each iteration, with "total" among them; first those of the start.
        interrupted: Whether Ctrl-C ended it early.
    """

    picture: np.ndarray
    total: float
    iteration: int
    history: tuple[dict[str, float], ...]
    interrupted: bool


@dataclasses.dataclass(frozen=True)
class _Point:
    """A picture as a vector, float64 as SciPy wants it, and what the objective says of it."""

    place: np.ndarray
    total: float
    gradient: np.ndarray
    terms: dict[str, float]


class _Descent:
    """Evaluates the objective, and keeps the history and the best picture."""

    def __init__(self, objective: Objective, start: np.ndarray, on_step: OnStep) -> None:
        self._shape = start.shape
        self._on_step = on_step
        self.history: list[dict[str, float]] = []

        @tf.function(
            input_signature=[tf.TensorSpec([1, *start.shape], tf.float32)], autograph=False
        )
        def judge(
            pictures: tf.Tensor,
        ) -> tuple[tf.Tensor, tf.Tensor, collections.abc.Mapping[str, tf.Tensor]]:
            with tf.GradientTape() as tape:
                tape.watch(pictures)
                total, terms = objective(pictures)
            return total, tape.gradient(total, pictures), terms

        self._judge = judge
        self.last = self.evaluate(np.clip(start, 0, 255).astype(np.float64).ravel())
        if not math.isfinite(self.last.total):
            raise errors.UserError(
                f"the objective of the picture to begin with is {self.last.total}; choose smaller "
                "weights"
            )
        self.best, self.best_iteration = self.last, 0
        self.history.append({"total": self.last.total} | self.last.terms)

    def evaluate(self, place: np.ndarray) -> _Point:
        """Judges a picture; `last` is what was judged last."""
        pictures = place.astype(np.float32).reshape(1, *self._shape)
        try:
            total, gradient, terms = self._judge(tf.constant(pictures))
        except tf.errors.ResourceExhaustedError:
            height, width = self._shape[:2]
            raise errors.UserError(
                f"memory does not suffice for {width} x {height} px; choose a smaller --size"
            ) from None
        self.last = _Point(
            place.copy(),
            float(total),
            gradient.numpy().astype(np.float64).ravel(),
            {name: float(term) for name, term in terms.items()},
        )
        return self.last

    def step(self, place: np.ndarray) -> None:
        """Ends an iteration, at a picture that most often was the last to be judged."""
        if not np.array_equal(place, self.last.place):
            self.evaluate(place)
        point, iteration = self.last, len(self.history)
        if point.total < self.best.total:
            self.best, self.best_iteration = point, iteration
        terms = {"total": point.total} | point.terms
        self.history.append(terms)
        self._on_step(iteration, point.total, terms, self._picture(point))

    def result(self, interrupted: bool) -> Result:
        """What there is to hand back by now."""
        return Result(
            self._picture(self.best),
            self.best.total,
            self.best_iteration,
            tuple(self.history),
            interrupted,
        )

    def _picture(self, point: _Point) -> np.ndarray:
        return point.place.astype(np.float32).reshape(self._shape)


def minimize(
    objective: Objective,
    start: np.ndarray,
    steps: int,
    *,
    method: str = "lbfgs",
    learning_rate: float = 10.0,
    on_step: OnStep = lambda iteration, total, terms, picture: None,
) -> Result:
    """Changes a picture until the objective is low; every pixel stays in [0, 255].

    Args:
        objective: Is built as a graph, once.
        start: Where to begin, float [H, W, 3] in [0, 255].
        steps: Iterations; L-BFGS ends sooner where it finds no way down any more. Each of its
            iterations asks for the objective once, seldom twice.
        method: "lbfgs", with bounds (Byrd et al. 1995), or "adam" (Kingma & Ba 2014).
        learning_rate: Of Adam, in levels of 255.
        on_step: Called after each iteration, the first of which is 1.

    Returns:
        The best picture met and what led there; after Ctrl-C, that by then.

    Raises:
        UserError: If L-BFGS is asked for and SciPy is not installed, the objective of `start` is
            no finite number, or memory does not suffice.
    """
    if method not in METHODS:
        raise ValueError(f"no method {method}; there are {', '.join(METHODS)}")
    scipy_minimize = _scipy_minimize() if method == "lbfgs" else None
    descent = _Descent(objective, start, on_step)
    try:
        if scipy_minimize:
            _lbfgs(descent, steps, scipy_minimize)
        else:
            _adam(descent, steps, learning_rate)
    except KeyboardInterrupt:
        return descent.result(interrupted=True)
    return descent.result(interrupted=False)


def _scipy_minimize() -> collections.abc.Callable[..., object]:
    try:
        from scipy import optimize
    except ImportError:
        raise errors.UserError(
            '--method lbfgs needs SciPy: `pip install -e ".[optimize]"`, or use --method adam'
        ) from None
    return optimize.minimize


def _lbfgs(
    descent: _Descent, steps: int, scipy_minimize: collections.abc.Callable[..., object]
) -> None:
    def value(place: np.ndarray) -> tuple[float, np.ndarray]:
        point = descent.evaluate(place)
        return point.total, point.gradient

    while (done := len(descent.history) - 1) < steps:
        # It gives up where float32 is too coarse for its line search. Begun again there, without
        # its memory, it most often finds a way on.
        scipy_minimize(
            value,
            descent.best.place,
            jac=True,
            method="L-BFGS-B",
            bounds=[(0.0, 255.0)] * descent.best.place.size,
            callback=descent.step,
            options={
                "maxiter": steps - done,
                "maxcor": _MEMORY,
                "maxfun": 20 * steps + 100,
                "ftol": 0.0,
                "gtol": 0.0,
            },
        )
        if len(descent.history) - 1 == done:
            return


def _adam(descent: _Descent, steps: int, learning_rate: float) -> None:
    point = descent.last
    mean, square = np.zeros_like(point.place), np.zeros_like(point.place)
    for step in range(1, steps + 1):
        mean += (1 - _BETA_1) * (point.gradient - mean)
        square += (1 - _BETA_2) * (point.gradient**2 - square)
        speed = (mean / (1 - _BETA_1**step)) / (np.sqrt(square / (1 - _BETA_2**step)) + _EPSILON)
        point = descent.evaluate(np.clip(point.place - learning_rate * speed, 0, 255))
        descent.step(point.place)
