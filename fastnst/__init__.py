"""Fast neural style: train a network that paints any photo in one style, in one pass.

    stylizer = fastnst.load("candy")
    painted = stylizer(photo)

The commands that train, paint and export are in `fastnst.cli`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastnst.models.stylizer import Stylizer

__version__ = "0.1.0"


def load(name: str, precision: str = "auto") -> Stylizer:
    """Loads a model to paint with; see `fastnst.stylizer.load`."""
    # TensorFlow takes seconds to import: `import fastnst` and `--help` do not wait for it.
    from fastnst.models import stylizer

    return stylizer.load(name, precision)
