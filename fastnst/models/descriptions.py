"""The description of a model, which is stored as model.json beside its weights.

Nothing here needs TensorFlow.
"""

from __future__ import annotations

import collections.abc
import contextlib
import dataclasses
import json
import re
from pathlib import Path
from typing import Any, TypeAlias

from fastnst import errors, files
from fastnst.nets import architectures, classifier_architecture

FILE = "model.json"
# Incremented when older releases cannot read newer folders.
FORMAT = 1
# In levels; see `controls.Controls`.
_MOST_GRAIN = 64.0

Architecture: TypeAlias = architectures.Transform | architectures.UNet | architectures.Listed
_ARCHITECTURES: dict[str, type] = {
    kind.NAME: kind for kind in (architectures.Transform, architectures.UNet, architectures.Listed)
}
_CONTRACT = {
    "input": "RGB [B, H, W, 3] in 0..255, at least 16 x 16 pixels",
    "output": "RGB of the same shape in 0..255",
}


def is_classifier(path: Path) -> bool:
    """Returns whether a model.json describes a classifier, which stylizes nothing."""
    try:
        content = json.loads(files.read(path))
        name = content["architecture"]["name"]
    except (KeyError, OSError, RecursionError, TypeError, ValueError):
        return False
    return bool(name == classifier_architecture.Architecture.NAME)


def of_classifier(path: Path) -> errors.UserError:
    """Returns the error to raise where a classifier is named, but cannot stylize."""
    return errors.UserError(
        f"{path}: describes a classifier, which stylizes nothing; name it to `fastnst classify`"
    )


@dataclasses.dataclass(frozen=True)
class Style:
    """One style of a model.

    Attributes:
        name: Name of the style in commands.
        painting: File of the style image, as in the configuration; empty if unknown.
    """

    name: str
    painting: str = ""


@dataclasses.dataclass(frozen=True)
class Description:
    """The description of a model, the content of model.json.

    Attributes:
        architecture: Shapes of the kernels.
        styles: One for each row of the network's table, in order.
        identity: Whether the table has another row at the end, which reproduces the photo.
        grain: Standard deviation of the grain that photos receive by default, in levels.
    """

    architecture: Architecture
    styles: tuple[Style, ...]
    identity: bool = False
    grain: float = 0.0

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the styles, in order."""
        return tuple(style.name for style in self.styles)

    @property
    def rows(self) -> int:
        """The number of rows in the network's table."""
        return len(self.styles) + self.identity

    def check(self) -> None:
        """Checks values that come from a file.

        Raises:
            ValueError: If one is of another type, or impossible.
        """
        if not self.styles:
            raise ValueError("no styles")
        for style in self.styles:
            # Names become parts of the names of files.
            if not isinstance(style.name, str) or not re.fullmatch(r"[^/\\\x00-\x1f]+", style.name):
                raise ValueError(f"style {style.name!r:.80}: should be a name without slashes")
            if not isinstance(style.painting, str):
                raise ValueError(f"painting of {style.name}: should be text")
        if len(set(self.names)) < len(self.styles):
            raise ValueError("two styles have the same name")
        if not isinstance(self.identity, bool):
            raise ValueError("identity: should be true or false")
        if isinstance(self.grain, bool) or not isinstance(self.grain, int | float):
            raise ValueError("grain: should be a number")
        if not 0.0 <= self.grain <= _MOST_GRAIN:
            raise ValueError(f"grain: should be from 0 to {_MOST_GRAIN:g}")
        self.architecture.check()

    def to_json(self) -> str:
        """Renders the content of model.json."""
        content = {
            "format": FORMAT,
            "architecture": {
                "name": self.architecture.NAME,
                **dataclasses.asdict(self.architecture),
            },
            "styles": [dataclasses.asdict(style) for style in self.styles],
            "identity": self.identity,
            **({"grain": self.grain} if self.grain else {}),
            **_CONTRACT,
        }
        return json.dumps(content, indent=2) + "\n"

    @classmethod
    def read(cls, path: Path) -> Description:
        """Reads model.json.

        Raises:
            UserError: If it is damaged, or was written by a newer release.
        """
        with content_of(path) as content:
            shapes = dict(content["architecture"])
            name = shapes.pop("name")
            if name == classifier_architecture.Architecture.NAME:
                raise of_classifier(path)
            if name not in _ARCHITECTURES:
                raise errors.UserError(f"{path}: unknown architecture {name}")
            found = cls(
                _ARCHITECTURES[name](**shapes),
                tuple(Style(**style) for style in content["styles"]),
                content["identity"],
                content.get("grain", 0.0),
            )
            found.check()
        return found


@contextlib.contextmanager
def content_of(path: Path) -> collections.abc.Iterator[dict[str, Any]]:
    """Yields the content of a model.json to a block that interprets it.

    Raises:
        UserError: If the file was written by a newer release, or the block finds it damaged.
    """
    try:
        content: dict[str, Any] = json.loads(files.read(path))
        if content["format"] > FORMAT:
            raise errors.UserError(
                f"{path}: has format {content['format']}, but this release reads only formats up "
                f"to {FORMAT}; install a newer fastnst"
            )
        yield content
    # Deeply nested lists raise a RecursionError.
    except (
        AttributeError,
        KeyError,
        OSError,
        OverflowError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        reason = str(error) or type(error).__name__
        raise errors.UserError(f"{path}: cannot be read ({reason:.200})") from None
