"""A user's choices about a painting: size of strokes, colors, masks, grain.

`Controls` holds the choices; the other modules carry them out on pixels, around any network.
"""

from fastnst.controls.controls import Controls

__all__ = ["Controls"]
