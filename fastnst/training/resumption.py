"""What may be configured otherwise when a run goes on, and what comes of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import yaml

from fastnst import errors
from fastnst.models import run_folder
from fastnst.nets import transform_net

# A run cannot go on with another style or other shapes; any other key may change under way.
_FIXED_KEYS = (
    "style_image",
    *(field.name for field in dataclasses.fields(transform_net.Architecture)),
)
# After a change of these, validation losses from before it cannot be compared with.
JUDGING_KEYS = frozenset(
    {
        "content_weight",
        "style_weight",
        "strength",
        "tv_weight",
        "content_layers",
        "style_layers",
        "style_size",
        "image_size",
        "loss_model_file",
        "validation",
    }
)


def changes(current: dict[str, Any], folder: run_folder.RunFolder) -> dict[str, Any]:
    """Finds what is configured otherwise than before, if the folder holds a run.

    Args:
        current: What is configured now, by key.
        folder: Where the run is kept.

    Returns:
        The values before, by key.

    Raises:
        UserError: If the run cannot go on so, or what it was configured with is damaged.
    """
    if not folder.config.exists():
        return {}
    try:
        earlier = yaml.safe_load(folder.config.read_text(encoding="utf-8"))
        assert isinstance(earlier, dict)
    except (yaml.YAMLError, ValueError, AssertionError):
        raise errors.UserError(
            f"{folder.config}: damaged; take it away to go on as configured now, or start anew "
            "with --fresh"
        ) from None
    changed = {
        key: earlier[key] for key in current if earlier.get(key, current[key]) != current[key]
    }
    for key, before in changed.items():
        # The style image may have been moved, but a network learns one style.
        moved = key == "style_image" and Path(str(before)).name == Path(current[key]).name
        if key in _FIXED_KEYS and not moved:
            raise errors.UserError(
                f"{key}: {folder.path} was begun with {before} and cannot go on with "
                f"{current[key]}; set it back, start anew with --fresh, or choose another naming"
            )
    return changed
