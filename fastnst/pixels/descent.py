"""Minimizes an objective over the pixels of one picture (Gatys et al. 2015).

This is slow: a single picture takes hundreds of passes through the loss network, but no training.
Its result bounds how well a transform net can do.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import math
from typing import TypeAlias

import numpy as np
import tensorflow as tf

from fastnst import errors, events, images

METHODS = ("lbfgs", "adam")
# Number of corrections from which L-BFGS approximates the curvature.
_MEMORY = 20
_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8

# Maps float32 RGB [1, H, W, 3] in [0, 255] to a float32 scalar and its terms by name.
Objective: TypeAlias = collections.abc.Callable[
    [tf.Tensor], tuple[tf.Tensor, collections.abc.Mapping[str, tf.Tensor]]
]


@dataclasses.dataclass(frozen=True)
class Result:
    """The result of a minimization.

    Attributes:
        picture: The best picture found, float32 RGB [H, W, 3] in [0, 255].
        total: Its objective.
        iteration: The iteration that found it.
        history: The terms, including "total": first those of the start, then after each iteration.
        interrupted: Whether Ctrl-C ended it early.
    """

    picture: np.ndarray
    total: float
    iteration: int
    history: tuple[dict[str, float], ...]
    interrupted: bool


@dataclasses.dataclass(frozen=True)
class _Point:
    """A picture as a float64 vector, which SciPy requires, with its objective and gradient."""

    vector: np.ndarray
    total: float
    gradient: np.ndarray
    terms: dict[str, float]


class _Descent:
    """Evaluates the objective and records the history and the best picture."""

    def __init__(
        self,
        objective: Objective,
        start: np.ndarray,
        steps: int,
        show_every: int | None,
        show_improvements: bool,
        on_event: events.Action,
    ) -> None:
        self._shape = start.shape
        self._steps = steps
        self._show_every, self._show_improvements = show_every, show_improvements
        self._on_event = on_event
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
                f"the objective of the initial picture is {self.last.total}; choose smaller weights"
            )
        self.best, self.best_iteration = self.last, 0
        self.history.append({"total": self.last.total} | self.last.terms)

    def evaluate(self, vector: np.ndarray) -> _Point:
        """Evaluates the objective at a picture and stores the result as `last`."""
        pictures = vector.astype(np.float32).reshape(1, *self._shape)
        try:
            total, gradient, terms = self._judge(tf.constant(pictures))
        except tf.errors.ResourceExhaustedError:
            height, width = self._shape[:2]
            raise errors.UserError(
                f"out of memory at {width} x {height} px; choose a smaller --size"
            ) from None
        self.last = _Point(
            vector.copy(),
            float(total),
            gradient.numpy().astype(np.float64).ravel(),
            {name: float(term) for name, term in terms.items()},
        )
        return self.last

    def step(self, vector: np.ndarray) -> None:
        """Ends an iteration at a picture, usually the one evaluated last."""
        if not np.array_equal(vector, self.last.vector):
            self.evaluate(vector)
        point, iteration = self.last, len(self.history)
        improved = point.total < self.best.total
        if improved:
            self.best, self.best_iteration = point, iteration
        terms = {"total": point.total} | point.terms
        self.history.append(terms)
        self._on_event(events.Step(iteration, self._steps, recent=(terms,)))
        due = self._show_every is not None and iteration % self._show_every == 0
        if due or (improved and self._show_improvements):
            shown = images.to_uint8(self._picture(point))
            self._on_event(events.Judged(iteration, terms, outputs={"picture": (shown,)}))

    def result(self, interrupted: bool) -> Result:
        """Returns the result so far."""
        return Result(
            self._picture(self.best),
            self.best.total,
            self.best_iteration,
            tuple(self.history),
            interrupted,
        )

    def _picture(self, point: _Point) -> np.ndarray:
        return point.vector.astype(np.float32).reshape(self._shape)


def minimize(
    objective: Objective,
    start: np.ndarray,
    steps: int,
    *,
    method: str = "lbfgs",
    learning_rate: float = 10.0,
    show_every: int | None = None,
    show_improvements: bool = False,
    on_event: events.Action = lambda event: None,
) -> Result:
    """Minimizes an objective over the pixels of a picture, which stay in [0, 255].

    Args:
        objective: The objective; it is traced once into a graph.
        start: The initial picture, float [H, W, 3] in [0, 255].
        steps: Number of iterations. L-BFGS stops earlier if it finds no further descent. Each of
            its iterations evaluates the objective once, rarely twice.
        method: "lbfgs", with bounds (Byrd et al. 1995), or "adam" (Kingma & Ba 2014).
        learning_rate: Learning rate of Adam, in levels of 255.
        show_every: Iterations between intermediate pictures; None for no such pictures.
        show_improvements: Whether each picture that is better than all before is an intermediate
            picture too.
        on_event: Receives a `Started`, a `Step` after each iteration, a `Judged` with each
            intermediate picture, and a `Finished`.

    Returns:
        The best picture found and the history; after Ctrl-C, those found so far.

    Raises:
        UserError: If `method` is "lbfgs" and SciPy is not installed, the objective of `start` is
            not finite, or memory runs out.
        ValueError: If `method` is unknown.
    """
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}; choose one of {', '.join(METHODS)}")
    scipy_minimize = _scipy_minimize() if method == "lbfgs" else None
    descent = _Descent(objective, start, steps, show_every, show_improvements, on_event)
    names = tuple(name for name in descent.history[0] if "/" not in name)
    on_event(events.Started(0, steps, names, items="iterations"))
    interrupted = False
    try:
        if scipy_minimize:
            _lbfgs(descent, steps, scipy_minimize)
        else:
            _adam(descent, steps, learning_rate)
    except KeyboardInterrupt:
        interrupted = True
    on_event(events.Finished(len(descent.history) - 1, steps))
    return descent.result(interrupted)


def _scipy_minimize() -> collections.abc.Callable[..., object]:
    try:
        from scipy import optimize
    except ImportError:
        raise errors.UserError(
            "--method lbfgs needs SciPy; run `pip install scipy`, or use --method adam"
        ) from None
    return optimize.minimize


def _lbfgs(
    descent: _Descent, steps: int, scipy_minimize: collections.abc.Callable[..., object]
) -> None:
    def value(vector: np.ndarray) -> tuple[float, np.ndarray]:
        point = descent.evaluate(vector)
        return point.total, point.gradient

    while (done := len(descent.history) - 1) < steps:
        # SciPy stops where float32 is too coarse for its line search. Restarted at the best picture
        # without the earlier corrections, it usually descends further.
        scipy_minimize(
            value,
            descent.best.vector,
            jac=True,
            method="L-BFGS-B",
            bounds=[(0.0, 255.0)] * descent.best.vector.size,
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
    mean, square = np.zeros_like(point.vector), np.zeros_like(point.vector)
    for step in range(1, steps + 1):
        mean += (1 - _BETA_1) * (point.gradient - mean)
        square += (1 - _BETA_2) * (point.gradient**2 - square)
        update = (mean / (1 - _BETA_1**step)) / (np.sqrt(square / (1 - _BETA_2**step)) + _EPSILON)
        point = descent.evaluate(np.clip(point.vector - learning_rate * update, 0, 255))
        descent.step(point.vector)
