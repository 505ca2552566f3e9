"""The keys of training a transform net in one style or many, besides those of each style."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from fastnst.config import declaring

_key = declaring.key
_LARGE = declaring.LARGE


@dataclasses.dataclass(frozen=True)
class Transfer:
    """How a transform net learns its styles."""

    heading: ClassVar[str] = "Style transfer"

    scales: int = _key(
        2,
        "Number of sizes at which the objective sees the pictures: 2 adds half the size, 3 also a "
        "quarter; gives larger motifs.",
        minimum=1,
        maximum=3,
    )
    steady: float = _key(
        400.0,
        "Weight of the squared difference between a stylized crop, with noise, and the same crop "
        "of the stylized photo; reduces flicker. Runs the network twice per step. 0: off.",
        minimum=0,
        maximum=_LARGE,
    )
    wallpaper: float = _key(
        5e6,
        "Weight of motifs that repeat in flat areas, such as skies. 0: off.",
        minimum=0,
        maximum=_LARGE,
    )
    start_from: str | None = _key(
        "auto",
        "Model whose weights training starts from. auto: the one of pretrained/gallery and "
        "pretrained/gallery-lite that has the same architecture, if any. null: random weights.",
        optional=True,
    )
    identity: str = _key(
        "auto",
        "Whether to also train a row that reproduces the photo, which stylizing with --strength "
        "needs. auto: on if there are several styles.",
        choices=("auto", "on", "off"),
        fixed=True,
    )
