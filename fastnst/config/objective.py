"""The keys of a style: its painting, and the objective that transfers it."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from fastnst.config import declaring

_key = declaring.key
_LARGE, _SIDE = declaring.LARGE, declaring.SIDE


@dataclasses.dataclass(frozen=True)
class Style:
    """One style: its painting, and the objective that transfers it."""

    heading: ClassVar[str] = "Style"

    style_image: str = _key(
        "",
        "Painting whose style is learned, any image format; or a folder of several.",
        required=True,
        fixed=True,
    )
    style_size: int | None = _key(
        None,
        "Shorter side that the painting is scaled to: larger gives larger strokes. null: the same "
        "as image_size.",
        minimum=16,
        maximum=_SIDE,
        optional=True,
        judges=True,
    )
    strength: float = _key(
        1.0,
        "Factor of style_weight: at 0.25 the style is faint, at 4 the photo is hard to recognize.",
        above=0,
        maximum=_LARGE,
        judges=True,
    )
    content_weight: float = _key(
        1.0, "Weight of the content loss.", minimum=0, maximum=_LARGE, judges=True
    )
    style_weight: float | str = _key(
        "auto",
        "Weight of the style loss, which has the same effect at every image_size. auto: computed "
        "from the painting.",
        minimum=0,
        maximum=_LARGE,
        word="auto",
        judges=True,
    )
    tv_weight: float = _key(
        0.0,
        "Weight of the total variation loss, which penalizes noise; 20 smooths flat areas.",
        minimum=0,
        maximum=_LARGE,
        judges=True,
    )
    content_layers: dict[str, float] = _key(  # noqa: RUF009 (returns a field)
        {"relu3_3": 1.0},
        "Layers of the content loss: a list, or a mapping of layer to weight.",
        judges=True,
    )
    style_layers: dict[str, float] = _key(  # noqa: RUF009 (returns a field)
        {"relu1_2": 10.0, "relu2_2": 1.0, "relu3_3": 0.3, "relu4_3": 400.0},
        "Layers of the style loss: a list, or a mapping of layer to weight.",
        judges=True,
    )

    def side(self, image_size: int) -> int:
        """Returns the shorter side of the painting in pixels, for crops of `image_size`."""
        return self.style_size or image_size
