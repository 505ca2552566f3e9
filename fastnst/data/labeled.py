"""Pictures with a class each, whatever they are stored in."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from fastnst import errors


@dataclasses.dataclass(frozen=True)
class LabeledSet:
    """Pictures with a class each.

    Attributes:
        root: Where they are: a folder, a file, a glob pattern, or the name of a data set.
        classes: Names of the classes.
        labels: The class of each picture, an index of `classes`, int32 [N].
        read: Returns a picture by its number, uint8 [H, W, 1 or 3]; thread-safe. Raises UserError
            if it is damaged.
        left_out: How many damaged items were left out, in words; "" if none.
        files: The files that hold the pictures, and perhaps others; empty if they are not known.
    """

    root: str
    classes: tuple[str, ...]
    labels: np.ndarray
    read: Callable[[int], np.ndarray]
    left_out: str = ""
    files: tuple[Path, ...] = ()

    @property
    def count(self) -> int:
        """Number of pictures."""
        return len(self.labels)

    @property
    def description(self) -> str:
        """One line for the log."""
        others = f"; {self.left_out}" if self.left_out else ""
        return f"{self.count:,} pictures of {len(self.classes)} classes in {self.root}{others}"

    def part(self, numbers: Sequence[int] | np.ndarray) -> LabeledSet:
        """Returns some of the pictures, in the given order."""
        chosen = np.asarray(numbers, np.int64)
        return dataclasses.replace(
            self, labels=self.labels[chosen], read=lambda number: self.read(int(chosen[number]))
        )

    def split(self, share: float, seed: int) -> tuple[LabeledSet, LabeledSet]:
        """Splits the pictures at random: the rest, and a share of each class to hold out.

        Args:
            share: Share of each class to hold out, in (0, 1), rounded; at least one picture.
            seed: Seed of the choice.

        Raises:
            UserError: If a class has a single picture.
        """
        random = np.random.default_rng([seed, 1])
        held: list[int] = []
        for label, name in enumerate(self.classes):
            numbers = np.flatnonzero(self.labels == label)
            if len(numbers) == 1:
                raise errors.UserError(
                    f"{self.root}: the class {name} has a single picture; add pictures, or name "
                    "others with `validation`"
                )
            most = max(len(numbers) - 1, 0)
            count = min(max(round(share * len(numbers)), 1), most)
            held += random.permutation(numbers)[:count].tolist()
        rest = np.setdiff1d(np.arange(self.count), held)
        return self.part(rest), self.part(sorted(held))

    def with_classes(self, classes: tuple[str, ...]) -> LabeledSet:
        """Returns the same pictures, numbered by the classes of another set.

        Raises:
            UserError: If a picture is of a class that the other set lacks.
        """
        if classes == self.classes:
            return self
        used = {self.classes[label] for label in np.unique(self.labels)}
        if unknown := sorted(used.difference(classes)):
            raise errors.UserError(
                f"{self.root}: has pictures of {', '.join(unknown[:3])}, which are no classes to "
                f"train; classes are {', '.join(classes[:10])}"
            )
        numbers = {name: number for number, name in enumerate(classes)}
        table = np.array([numbers.get(name, -1) for name in self.classes], np.int32)
        return dataclasses.replace(self, classes=classes, labels=table[self.labels])


def of_arrays(
    root: str, pictures: np.ndarray, labels: np.ndarray, classes: Sequence[str]
) -> LabeledSet:
    """Wraps arrays.

    Args:
        root: Where they come from.
        pictures: uint8 [N, H, W] or [N, H, W, 1 or 3].
        labels: Numbers of the classes, [N], of any integer dtype.
        classes: Names of the classes.

    Raises:
        UserError: If there are no pictures, or the labels do not match them.
    """
    if not len(pictures):
        raise errors.UserError(f"{root}: holds no pictures")
    if len(pictures) != len(labels):
        raise errors.UserError(
            f"{root}: has {len(pictures):,} pictures but {len(labels):,} labels; name files that "
            "belong together"
        )
    if (most := int(labels.max())) >= len(classes):
        raise errors.UserError(
            f"{root}: has the label {most}, but only the classes 0 to {len(classes) - 1}"
        )
    if pictures.ndim == 3:
        pictures = pictures[..., np.newaxis]
    return LabeledSet(
        root, tuple(classes), labels.astype(np.int32), lambda number: pictures[number]
    )
