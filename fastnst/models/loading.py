"""Loads models to stylize with. Nothing of training is imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastnst import devices, errors
from fastnst.models import descriptions, model, restore, served, store, stylizer, tiled, work
from fastnst.nets import transform_net


def load(
    name: str | Path | store.Reference,
    precision: str = "auto",
    *,
    tiles: str = "auto",
    max_memory: int | None = None,
    trust: bool = False,
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
        trust: Whether to load a SavedModel that is no export of fastnst. A SavedModel is a program,
            which can do with your files whatever you can.
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
    is_export = (reference.path / descriptions.FILE).is_file()
    if not (is_export or trust):
        raise errors.UserError(
            f"{reference.path}: is a SavedModel without the {descriptions.FILE} of an export of "
            "fastnst. A SavedModel is a program, which can do with your files whatever you can; if "
            "you trust its source, add --trust (in Python, trust=True)"
        )
    names, grain = restore.styles(reference.path), store.grain(reference.path)
    paint, check = served.load(reference.path, names)
    if not is_export:
        served.check_pictures(paint, reference.path)
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
