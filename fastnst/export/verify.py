"""Compares an export with the live network, in a fresh process that has only its runtime."""

from __future__ import annotations

import collections.abc
import dataclasses
import functools
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import tensorflow as tf

from fastnst import errors, images, photo_files
from fastnst.models import descriptions
from fastnst.models import model as model_module

# Heights and widths of the photos that every style stylizes, and of those for one or two styles.
_EVERY_STYLE, _OTHERS = (53, 71), ((97, 131), (150, 85))
_STRENGTHS = (0.0, 0.6, 1.4)
# Side of the photo that is timed, and how often it is stylized.
TIMED_SIDE, _RUNS = 512, 5

# Follows the source of `load`; see `paint_elsewhere`.
_PROGRAM = """
import sys
import time
import numpy as np

folder, given, returned = sys.argv[1:]
paint, found = load(folder), {}
with np.load(given) as cases:
    for name in sorted({key.split("/")[0] for key in cases.files}):
        given = [cases[name + "/" + each] for each in ("photos", "shares", "strength")]
        found[name + "/pictures"] = paint(*given)
        seconds = []
        for _ in range(cases[name + "/runs"]):
            start = time.perf_counter()
            paint(*given)
            seconds.append(time.perf_counter() - start)
        found[name + "/seconds"] = np.array(seconds)
np.savez(returned, **found)
assert "fastnst" not in sys.modules
"""


@dataclasses.dataclass(frozen=True)
class Case:
    """Photos to stylize for a comparison.

    Attributes:
        photos: uint8 RGB [B, H, W, 3].
        shares: Shares of the styles, float32 [styles].
        runs: How often to time it.
        strength: Of the style, float32 [1].
    """

    photos: np.ndarray
    shares: np.ndarray
    runs: int = 0
    strength: np.ndarray = dataclasses.field(default_factory=lambda: np.ones(1, np.float32))


@dataclasses.dataclass(frozen=True)
class Painted:
    """The stylized photos of a case.

    Attributes:
        pictures: uint8 RGB [B, H, W, 3].
        seconds: Time of each run.
    """

    pictures: np.ndarray
    seconds: collections.abc.Sequence[float]


@dataclasses.dataclass(frozen=True)
class Parity:
    """An export beside the live network.

    Attributes:
        largest: Largest difference, in levels of 255.
        mean: Mean difference.
        milliseconds: Median time for a photo of `TIMED_SIDE` x `TIMED_SIDE` pixels, or of the
            fixed size; None if the runtime is not available on this machine.
        milliseconds_live: The live network's, in float32.
    """

    largest: float
    mean: float
    milliseconds: float | None
    milliseconds_live: float


def cases(
    description: descriptions.Description, size: tuple[int, int] | None = None
) -> dict[str, Case]:
    """Returns the photos to compare: each style, three odd sizes, one photo and three at a time.

    One photo has a single color, whose rounding an export might amplify.


    Args:
        description: The model's styles, and whether it has strengths.
        size: Height and width of formats with a fixed size, which take one photo at a time.
    """
    each = np.eye(len(description.styles), dtype=np.float32)
    photos = _photos(1, size or _EVERY_STYLE)
    found = {f"style {index}": Case(photos, row) for index, row in enumerate(each)}
    found["one color"] = Case(np.full_like(photos, 128), each[0])
    if description.identity:
        for strength in _STRENGTHS:
            found[f"strength {strength:g}"] = Case(
                photos, each[0], strength=np.array([strength], np.float32)
            )
    if size:
        return found | {"timed": Case(photos, each[0], _RUNS)}
    for index, other in enumerate(_OTHERS):
        blend = 0.5 * (each[0] + each[-1])
        found[f"size {index}"] = Case(_photos(1 + 2 * index, other), blend)
    timed = Case(_photos(1, (TIMED_SIDE, TIMED_SIDE)), each[0], _RUNS)
    return found | {"timed": timed}


def clock(styles: int, sides: collections.abc.Iterable[int], runs: int) -> dict[str, Case]:
    """Returns square photos to time, by side as text, in the first style.

    Args:
        styles: Number of styles.
        sides: Heights and widths in pixels.
        runs: How often to time each, after a first run.
    """
    first = np.eye(styles, dtype=np.float32)[0]
    return {str(side): Case(_photos(1, (side, side)), first, runs) for side in sides}


def compare(
    model: model_module.Model,
    given: collections.abc.Mapping[str, Case],
    painted: collections.abc.Mapping[str, Painted],
) -> Parity:
    """Compares the pictures of an export with those of the live network.

    Args:
        model: The model.
        given: The cases, of which one is timed.
        painted: The export's pictures by name of the case; some may be missing.
    """
    live = painter(model)
    differences: list[np.ndarray] = []
    theirs, ours = None, 0.0
    for name, case in given.items():
        expected = timed(functools.partial(live, case), case.runs)
        if case.runs:
            ours = median(expected.seconds)
        if name in painted:
            found = painted[name]
            difference = found.pictures.astype(np.float32) - expected.pictures
            differences.append(np.abs(difference).ravel())
            if case.runs:
                theirs = median(found.seconds)
    every = np.concatenate(differences)
    return Parity(float(every.max()), float(every.mean()), theirs, ours)


def painter(model: model_module.Model) -> collections.abc.Callable[[Case], np.ndarray]:
    """Returns a function that stylizes the photos of a case with the live network."""
    net, table = model.net.frozen(), model.net.table.numpy()
    styles = table[: len(model.description.styles)]
    specs = [tf.TensorSpec([None, None, None, 3]), tf.TensorSpec([net.layout.size])]
    whole = tf.function(net, specs, autograph=False)
    keeping = tf.function(net, [*specs, tf.TensorSpec([1])], autograph=False)

    def paint(case: Case) -> np.ndarray:
        photos, row = tf.constant(case.photos, tf.float32), case.shares @ styles
        if case.strength == 1.0:
            return images.to_uint8(whole(photos, row).numpy())
        row += (case.strength - 1.0) * (row - table[-1])
        return images.to_uint8(keeping(photos, row, np.maximum(0.0, 1.0 - case.strength)).numpy())

    return paint


def median(seconds: collections.abc.Sequence[float]) -> float:
    """Returns the median of durations, in milliseconds."""
    return 1e3 * float(np.median(seconds))


def timed(paint: collections.abc.Callable[[], np.ndarray], runs: int) -> Painted:
    """Paints once, and again so many times with a clock."""
    pictures, seconds = paint(), []
    for _ in range(runs):
        start = time.perf_counter()
        paint()
        seconds.append(time.perf_counter() - start)
    return Painted(pictures, seconds)


def _photos(count: int, size: tuple[int, int]) -> np.ndarray:
    """Returns photos that come with fastnst, scaled to a size: uint8 [count, H, W, 3]."""
    paths = photo_files.bundled()[:count]
    photos = (images.decode(images.read_bytes(path), path.name) for path in paths)
    return np.stack([images.resize(photo, *size) for photo in photos])


def paint_elsewhere(
    folder: Path, loader: str, given: collections.abc.Mapping[str, Case]
) -> dict[str, Painted]:
    """Stylizes photos with an export in a fresh process, as another program would.

    Args:
        folder: The export.
        loader: Python source that defines `load(folder)`. It returns a function of photos, uint8
            [B, H, W, 3], of shares of the styles, float32 [styles], and of a strength, float32
            [1], which returns stylized photos, uint8.
        given: The cases.

    Returns:
        The pictures by name of the case.

    Raises:
        UserError: If the export cannot be used in another process.
    """
    with tempfile.TemporaryDirectory() as scratch:
        sent, returned = Path(scratch, "given.npz"), Path(scratch, "returned.npz")
        arrays = {
            f"{name}/{field.name}": getattr(case, field.name)
            for name, case in given.items()
            for field in dataclasses.fields(case)
        }
        np.savez(sent, **arrays)
        finished = subprocess.run(
            [sys.executable, "-c", loader + _PROGRAM, str(folder.absolute()), sent, returned],
            cwd=scratch,
            env=os.environ | {"PYTHONPATH": "", "TF_CPP_MIN_LOG_LEVEL": "3"},
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode != 0:
            reason = (finished.stderr.strip().splitlines() or ["no message"])[-1]
            raise errors.UserError(f"{folder.name}: the export cannot be used elsewhere ({reason})")
        with np.load(returned) as found:
            return {
                name: Painted(found[f"{name}/pictures"], found[f"{name}/seconds"]) for name in given
            }
