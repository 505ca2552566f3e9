"""Recipes: named sets of training settings that work together."""

from __future__ import annotations

from typing import Any

_MUON: dict[str, Any] = {
    "optimizer": "muon",
    "learning_rate": 3e-3,
    "schedule": "cosine",
    "warmup_steps": 50,
}

# Every recipe's keys and values. A conf file's own keys win over them.
RECIPES: dict[str, dict[str, Any]] = {
    # On a CPU, many steps of one photo train better than fewer steps of four in the same time.
    "cpu": {
        "image_size": 256,
        "stages": {192: 2000},
        "batch_size": 1,
        "max_steps": 6000,
        **_MUON,
        "preview_every": 1000,
        "checkpoint_every": 500,
    },
    "gpu": {
        "image_size": 256,
        "stages": {192: 6000},
        "batch_size": 4,
        "max_steps": 20000,
        **_MUON,
        "preview_every": 1000,
        "checkpoint_every": 500,
    },
    # The settings of hzy46/fast-neural-style-tensorflow. The network is not part of a recipe.
    "original": {
        "image_size": 256,
        "stages": {},
        "batch_size": 4,
        "augment": "none",
        "zoom": 1.0,
        "scales": 1,
        "steady": 0.0,
        "wallpaper": 0.0,
        "epoch": 2,
        "max_steps": None,
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "schedule": "constant",
        "warmup_steps": 0,
        "average": 0.0,
        "start_from": None,
        "preview_every": 1000,
        "checkpoint_every": 1000,
    },
    # A first picture of a style within minutes on two CPU cores.
    "quick": {
        "dataset": "bundled",
        "validation": "bundled",
        "image_size": 192,
        "stages": {},
        "batch_size": 1,
        "max_steps": 1000,
        **_MUON,
        "preview_every": 250,
        "checkpoint_every": 250,
    },
}

# A recipe's value for the first key makes sense only with its value for the second: if the user
# sets the second, the first returns to its default.
YIELDS = {"max_steps": "epoch", "stages": "image_size", "learning_rate": "optimizer"}
