"""Trained models: a network and its description, stored beside its weights as model.json."""

from __future__ import annotations

import collections.abc
import dataclasses
import json
import re
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf

from fastnst import errors
from fastnst.nets import listed_net, transform_net

FILE = "model.json"
# Incremented when older releases cannot read newer folders.
FORMAT = 1
# Higher strengths distort the picture beyond recognition.
MAX_STRENGTH = 1.5

Architecture: TypeAlias = transform_net.Architecture | listed_net.Architecture
Net: TypeAlias = transform_net.TransformNet | listed_net.ListedNet
_ARCHITECTURES: dict[str, type] = {
    kind.NAME: kind for kind in (transform_net.Architecture, listed_net.Architecture)
}
_CONTRACT = {
    "input": "RGB [B, H, W, 3] in 0..255, at least 16 x 16 pixels",
    "output": "RGB of the same shape in 0..255",
}


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
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if content["format"] > FORMAT:
                raise errors.UserError(
                    f"{path}: has format {content['format']}, but this release reads only formats "
                    f"up to {FORMAT}; install a newer fastnst"
                )
            shapes = dict(content["architecture"])
            name = shapes.pop("name")
            if name not in _ARCHITECTURES:
                raise errors.UserError(f"{path}: unknown architecture {name}")
            return cls(
                _ARCHITECTURES[name](**shapes),
                tuple(Style(**style) for style in content["styles"]),
                content["identity"],
                content.get("grain", 0.0),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            reason = str(error) or type(error).__name__
            raise errors.UserError(f"{path}: cannot be read ({reason})") from None


@dataclasses.dataclass(frozen=True)
class Model:
    """A network and its description.

    Attributes:
        net: The network, restored.
        description: Its architecture and styles.
        outdated: Names of styles that were added for earlier kernels, and cannot be used.
    """

    net: Net
    description: Description
    outdated: tuple[str, ...] = ()

    def select(
        self, style: str | None = None, strength: float | None = None
    ) -> tuple[np.ndarray, float | None]:
        """Interpolates the rows of styles.

        Args:
            style: A style's name, or a blend such as "wave:0.6,candy:0.4", whose shares are scaled
                to a sum of 1; None for the first style.
            strength: From 0 (the photo itself) through 1 (the style as trained) to 1.5; None for 1.

        Returns:
            `row` and `keep` for the network: float32 [R], and how much of the photo's own color
            and contrast is kept, in [0, 1], or None for none.

        Raises:
            UserError: If the style is unknown, or the model does not support the strength.
        """
        table = np.asarray(self.net.table)
        for name in self.outdated:
            if style and name in re.split("[,:]", style):
                raise errors.UserError(
                    f"style {name}: was learned before this model was trained further; learn it "
                    "again"
                )
        shares = parse_blend(style, self.description.names)
        row = sum(share * table[index] for index, share in enumerate(shares) if share)
        row = np.asarray(row, np.float32)
        if strength is None or strength == 1.0:
            return row, None
        check_strength(strength)
        if not self.description.identity:
            raise errors.UserError(
                f"strength {strength:g}: only 1 is possible, because this model was trained "
                "without the photo as a style; train it with `identity: on`"
            )
        # Beyond 1 the row moves away from the photo's.
        mixed = table[-1] + np.float32(strength) * (row - table[-1])
        return mixed, max(0.0, 1.0 - strength)


def build(
    architecture: Architecture,
    compute_dtype: tf.DType = tf.float32,
    *,
    styles: int = 1,
    fused_norms: bool = True,
) -> Net:
    """Builds the network of an architecture; its weights are still to be assigned.

    Args:
        architecture: The architecture.
        compute_dtype: Dtype of a transform net's convolutions.
        styles: Number of rows.
        fused_norms: As in `network.Network`.
    """
    if isinstance(architecture, listed_net.Architecture):
        return listed_net.ListedNet(architecture, styles=styles, fused_norms=fused_norms)
    return transform_net.TransformNet(
        architecture, compute_dtype, styles=styles, fused_norms=fused_norms
    )


def check_strength(strength: float) -> None:
    """Raises a UserError unless a strength is possible."""
    if not 0.0 <= strength <= MAX_STRENGTH:
        raise errors.UserError(f"strength {strength:g}: should be from 0 to {MAX_STRENGTH:g}")


def extend(
    model: Model,
    styles: collections.abc.Sequence[Style],
    rows: collections.abc.Sequence[np.ndarray],
) -> Model:
    """Returns a model with further styles, after its own.

    Args:
        model: A model.
        styles: The new styles.
        rows: float32 [R] each.
    """
    if not styles:
        return model
    table = model.net.table.numpy()
    own = len(model.description.styles)
    described = dataclasses.replace(model.description, styles=(*model.description.styles, *styles))
    net = model.net.with_table(np.concatenate([table[:own], np.stack(rows), table[own:]]))
    return dataclasses.replace(model, net=net, description=described)


def only(model: Model, *styles: str) -> Model:
    """Returns a model with some of its styles, in the given order.

    Args:
        model: A model.
        *styles: Names, or blends such as "wave:0.6,candy:0.4". A single one is for programs that
            choose neither style nor strength, so that the row of the photo is left out as well.

    Raises:
        UserError: If a style is unknown, or named twice.
    """
    if twice := [style for style in styles if styles.count(style) > 1]:
        raise errors.UserError(f"style {twice[0]}: is named twice")
    known = {entry.name: entry for entry in model.description.styles}
    rows = [model.select(style)[0] for style in styles]
    identity = model.description.identity and len(styles) > 1
    if identity:
        rows.append(np.asarray(model.net.table)[-1])
    described = dataclasses.replace(
        model.description,
        styles=tuple(known.get(style, Style(file_name(style))) for style in styles),
        identity=identity,
    )
    return Model(model.net.with_table(np.stack(rows)), described)


def file_name(blend: str) -> str:
    """Names files after a style or a blend: "wave:0.6,candy:0.4" becomes "wave0.6+candy0.4"."""
    # Windows allows no colon in a name.
    return blend.replace(" ", "").replace(":", "").replace(",", "+")


def parse_blend(text: str | None, names: collections.abc.Sequence[str]) -> list[float]:
    """Parses shares of styles, such as "wave" or "wave:0.6,candy:0.4".

    Args:
        text: A style or a blend; None for the first style.
        names: Names of all styles.

    Returns:
        A share for each of `names`; they add up to 1.

    Raises:
        UserError: If a style is unknown or a share is not a positive number.
    """
    if text is None:
        return [1.0] + [0.0] * (len(names) - 1)
    if text in names:  # Even one with a comma or a colon.
        return [float(text == name) for name in names]
    shares = dict.fromkeys(names, 0.0)
    for part in text.split(","):
        name, colon, share = part.strip().partition(":")
        if name not in shares:
            raise errors.UserError(
                f"no style {name}{errors.did_you_mean(name, names)} (styles: {', '.join(names)})"
            )
        try:
            value = float(share) if colon else 1.0
            if not 0.0 < value < float("inf"):
                raise ValueError
        except ValueError:
            raise errors.UserError(
                f"style {part.strip()}: the share should be a number above 0, as in "
                "wave:0.6,candy:0.4"
            ) from None
        shares[name] += value
    # The sum of the shares themselves could overflow.
    largest = max(shares.values())
    relative = [share / largest for share in shares.values()]
    return [share / sum(relative) for share in relative]
