"""The keys of the transform net's architecture."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from fastnst.config import declaring

_key = declaring.key


@dataclasses.dataclass(frozen=True)
class Network:
    """The architecture of the transform net.

    `width` and `deep` are never None: `null` is resolved when the section is created.
    """

    heading: ClassVar[str] = "Transform net"

    width: int = _key(
        None,
        "Channels of the first convolution; the trunk has 4 times as many. null: 32, or 16 with "
        "lite.",
        minimum=4,
        maximum=1024,
        optional=True,
        fixed=True,
    )
    residual_blocks: int = _key(
        5, "Residual blocks in the trunk.", minimum=0, maximum=100, fixed=True
    )
    output_norm: bool = _key(
        True,
        "Whether an instance norm precedes the last tanh; without it, dark photos stay darker.",
        fixed=True,
    )
    skips: bool = _key(
        True,
        "Whether skips connect encoder and decoder at the same size, which preserves small detail.",
        fixed=True,
    )
    lite: bool = _key(
        False,
        "Whether to use the lite network, which computes at half the size and by default with half "
        "the channels; several times as fast.",
        fixed=True,
    )
    antialias: bool = _key(
        True,
        "Whether a low-pass filter precedes each stride and follows each upsampling, which avoids "
        "a lattice in flat areas, and flicker.",
        fixed=True,
    )
    deep: bool = _key(
        None,
        "Whether all residual blocks but the first and the last compute at half the trunk's size, "
        "which is faster and reaches farther. null: on, but off with lite.",
        optional=True,
        fixed=True,
    )

    def __post_init__(self) -> None:
        if self.width is None:
            # Half the size alone is about 3 times as fast; with half the channels, 7 times
            # (docs/benchmarks.md).
            object.__setattr__(self, "width", 16 if self.lite else 32)
        if self.deep is None:
            object.__setattr__(self, "deep", not self.lite)
