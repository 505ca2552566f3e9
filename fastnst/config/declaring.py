"""Declares the keys of a configuration as fields of dataclasses."""

from __future__ import annotations

import dataclasses
from typing import Any

# Larger numbers overflow float32 within a step.
LARGE = 1e30
# No run lasts so many steps.
STEPS = 1_000_000_000
# No device trains on larger crops, in pixels.
SIDE = 4096
# No picture has more pixels.
PIXELS = 10**12


def key(default: Any, help: str, **rules: Any) -> Any:
    """Declares a key: its default, its help text, and the rules for its values.

    Rules: `minimum` and `maximum` (inclusive), `above` (exclusive), `choices`, `optional` for keys
    that may be null, `word` for a word that may replace the number, `required`, and `plain_name`.
    Every number has a maximum.

    Effects on a run that resumes: `fixed` keys cannot change; after a change of one that `judges`,
    earlier validations are not comparable.
    """
    rules["help"] = help
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: dict(default), metadata=rules)
    return dataclasses.field(default=default, metadata=rules)
