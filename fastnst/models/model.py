"""Trained models: a network and its description."""

from __future__ import annotations

import collections.abc
import dataclasses
import re
from typing import TypeAlias

import numpy as np
import tensorflow as tf

from fastnst import errors
from fastnst.controls import blends
from fastnst.models import descriptions
from fastnst.nets import architectures, listed_net, transform_net, unet

Net: TypeAlias = transform_net.TransformNet | unet.UNet | listed_net.ListedNet


@dataclasses.dataclass(frozen=True)
class Model:
    """A network and its description.

    Attributes:
        net: The network, restored.
        description: Its architecture and styles.
        outdated: Names of styles that were added for earlier kernels, and cannot be used.
    """

    net: Net
    description: descriptions.Description
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
        shares = blends.parse(style, self.description.names)
        row = sum(share * table[index] for index, share in enumerate(shares) if share)
        row = np.asarray(row, np.float32)
        if strength is None or strength == 1.0:
            return row, None
        blends.check_strength(strength, identity=self.description.identity)
        # Beyond 1 the row moves away from the photo's.
        mixed = table[-1] + np.float32(strength) * (row - table[-1])
        return mixed, max(0.0, 1.0 - strength)


def build(
    architecture: descriptions.Architecture,
    compute_dtype: tf.DType = tf.float32,
    seed: int = 0,
    *,
    styles: int = 1,
    fused_norms: bool = True,
) -> Net:
    """Builds the network of an architecture; its weights are still to be trained or assigned.

    Args:
        architecture: The architecture.
        compute_dtype: Dtype of the convolutions, except of imported networks.
        seed: Seed of the initial kernels.
        styles: Number of rows.
        fused_norms: As in `network.Network`.
    """
    if isinstance(architecture, architectures.Listed):
        return listed_net.ListedNet(architecture, styles=styles, fused_norms=fused_norms)
    if isinstance(architecture, architectures.UNet):
        return unet.UNet(architecture, compute_dtype, seed, styles=styles, fused_norms=fused_norms)
    return transform_net.TransformNet(
        architecture, compute_dtype, seed, styles=styles, fused_norms=fused_norms
    )


def extend(
    model: Model,
    styles: collections.abc.Sequence[descriptions.Style],
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
        styles=tuple(
            known.get(style, descriptions.Style(blends.file_name(style))) for style in styles
        ),
        identity=identity,
    )
    return Model(model.net.with_table(np.stack(rows)), described)
