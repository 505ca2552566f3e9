"""What `fastnst optimize` and `fastnst dream` keep beside the result: pictures, TensorBoard."""

from __future__ import annotations

import argparse
import collections.abc
import dataclasses
import re
from pathlib import Path

import numpy as np

from fastnst import errors, events, images
from fastnst.cli import terminal


def add_options(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Adds `--save_every`, `--report` and `--tensorboard`; returns their group."""
    extra = parser.add_argument_group("additional output")
    extra.add_argument(
        "--save_every",
        type=terminal.positive,
        metavar="N",
        help="also write the picture after every N iterations",
    )
    extra.add_argument(
        "--report", action="store_true", help="write an HTML report with the pictures and curves"
    )
    extra.add_argument(
        "--tensorboard",
        type=Path,
        metavar="DIR",
        help="write the objective of each iteration, and pictures, for TensorBoard",
    )
    return extra


class Keeper:
    """Writes the result and the pictures on the way to it.

    Attributes:
        pictures: The pictures on the way by step: their files, or uint8 RGB [H, W, 3] if they are
            only for the report.
    """

    def __init__(
        self,
        photo: images.Picture,
        output: Path,
        steps: int,
        inputs: collections.abc.Iterable[Path],
        *,
        saving: bool,
    ) -> None:
        """Writes nothing yet.

        Args:
            photo: Has the size, alpha and color profile of the pictures to write.
            output: The file of the result.
            steps: The most steps of the work.
            inputs: Files that no picture may replace.
            saving: Whether to write the pictures on the way.

        Raises:
            UserError: If a picture on the way would replace an input.
        """
        self._photo, self._output, self._saving = photo, output, saving
        self._digits = len(str(steps))
        self.pictures: dict[int, Path | np.ndarray] = {}
        if saving:
            self._check(inputs)

    def _check(self, inputs: collections.abc.Iterable[Path]) -> None:
        on_the_way = re.compile(
            rf"{re.escape(self._output.stem)}-\d{{{self._digits}}}{re.escape(self._output.suffix)}"
        )
        for path in inputs:
            real = path.resolve()
            beside = real.parent == self._output.parent.resolve()
            if beside and on_the_way.fullmatch(real.name):
                raise errors.UserError(
                    f"{path}: would overwrite an input picture; choose another file with -o"
                )

    def __call__(self, event: events.Event) -> None:
        """Keeps the picture of a `Judged`."""
        if not isinstance(event, events.Judged):
            return
        picture = event.outputs["picture"][0]
        if not self._saving:
            self.pictures[event.step] = picture
            return
        path = self._output.with_stem(f"{self._output.stem}-{event.step:0{self._digits}d}")
        try:
            self.write(path, picture)
            self.pictures[event.step] = path
        except errors.UserError as error:
            # Losing an intermediate picture is no reason to abort the work.
            terminal.say(str(error))

    def write(self, path: Path, picture: np.ndarray) -> np.ndarray:
        """Writes a picture, uint8, with the photo's size, alpha and color profile.

        Returns:
            Its pixels.
        """
        pixels = images.resize(picture, *self._photo.pixels.shape[:2])
        images.write(path, dataclasses.replace(self._photo, pixels=pixels))
        return pixels


def watch(display: events.Action, keeper: Keeper, board: Path | None) -> events.Action:
    """Returns an action that shows each event, keeps pictures, and writes summaries.

    Args:
        display: Shows events.
        keeper: Keeps pictures.
        board: The folder of TensorBoard, which is created now, because a mistake should not show
            after minutes; None for no summaries.
    """
    from fastnst.training.actions import tensorboard

    actions: list[events.Action] = [display, keeper]
    if board:
        board.mkdir(parents=True, exist_ok=True)
        actions.append(tensorboard.TensorBoard(board, every=1))

    def act(event: events.Event) -> None:
        for action in actions:
            action(event)

    return act


def options_text(options: argparse.Namespace) -> str:
    """Returns the options that have a value, one per line, for the report."""
    given = {key: value for key, value in vars(options).items() if value is not None}
    return "\n".join(f"{key}: {_shown(value)}" for key, value in given.items())


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{layer}:{weight:g}" for layer, weight in value.items())
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
