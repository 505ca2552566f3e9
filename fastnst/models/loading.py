"""Loads models to stylize with. Nothing of training is imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastnst import devices
from fastnst.models import model, restore, served, store, stylizer, tiled, work
from fastnst.nets import transform_net


def load(
    name: str | Path | store.Reference,
    precision: str = "auto",
    *,
    tiles: str = "auto",
    max_memory: int | None = None,
    **defaults: Any,
) -> stylizer.Stylizer:
    """Loads a model to stylize with.

    Args:
        name: Name of a model, which is looked up in ./models and then among the shipped models;
            the name of one of their styles; or the path of a run, a checkpoint or an exported
            SavedModel.
        precision: "float32"; "bfloat16", whose pictures differ slightly; or "auto", which selects
            bfloat16 if the device is fast at it. A SavedModel keeps its own precision.
        tiles: How to paint large photos: "exact", in tiles that give the same picture; "thumbnail",
            in tiles with the statistics of a small version; "off", whole; or "auto".
        max_memory: Bytes of memory that the program may use; None for three quarters of what is
            free.
        **defaults: Choices for all calls that make none, the attributes of
            `fastnst.controls.Controls`: style, strength, stroke, colors, masks, grain, seed.

    Raises:
        UserError: If the model or a choice is not available; the message says what is.
    """
    reference = name if isinstance(name, store.Reference) else store.find(name)
    if not (reference.path / store.SAVED_MODEL).exists():
        dtype = devices.compute_dtype(precision)
        restored = restore.load(reference, dtype, fused_norms=not devices.has_gpu())
        return of_model(
            restored,
            reference.name,
            reference.style,
            tiles=tiles,
            max_memory=max_memory,
            **defaults,
        )
    names, grain = restore.styles(reference.path), store.grain(reference.path)
    paint, check = served.load(reference.path, names)
    return stylizer.Stylizer(
        paint,
        reference.name,
        names,
        stylizer.checked(check, reference.style, grain, defaults),
        first=reference.style,
        in_tiles=None,
        tiles=work.Tiles(tiles, max_memory),
        check=check,
    )


def of_model(
    restored: model.Model,
    name: str,
    first: str | None = None,
    *,
    tiles: str = "auto",
    max_memory: int | None = None,
    **defaults: Any,
) -> stylizer.Stylizer:
    """Makes a stylizer of a model that has been restored, or imported from another project.

    Args:
        restored: The model.
        name: Its name.
        first: The style of calls that choose none; None for the first.
        tiles: As in `load`.
        max_memory: As in `load`.
        **defaults: As in `load`.

    Raises:
        UserError: As in `load`.
    """
    description = restored.description
    # Constants can be folded, and single photos have faster norms.
    net = restored.net.frozen()
    can_tile = isinstance(net, transform_net.TransformNet)
    return stylizer.Stylizer(
        served.of_network(restored, net),
        name,
        description.names,
        stylizer.checked(restored.select, first, description.grain, defaults),
        first=first,
        in_tiles=tiled.TiledPainter(restored, net) if can_tile else None,
        tiles=work.Tiles(tiles, max_memory),
        check=restored.select,
    )
