"""The keys of a translation between photos and a domain of pictures."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from fastnst.config import declaring

_key = declaring.key
_LARGE = declaring.LARGE


@dataclasses.dataclass(frozen=True)
class Translation:
    """The domain that photos are translated into, the networks, and their losses."""

    heading: ClassVar[str] = "Translation"

    domain: str = _key(
        "",
        "Pictures of the domain to translate photos into, such as all paintings of a painter: a "
        "folder of pictures, or TFRecord files given by path, glob or folder.",
        required=True,
        judges=True,
    )
    generator: str = _key(
        "transform_net",
        "transform_net: the network of styles, by the keys under Transform net. unet: the U-Net of "
        "Kaggle's CycleGAN tutorial, with transposed convolutions.",
        choices=("transform_net", "unet"),
        fixed=True,
    )
    unet_width: int = _key(
        64,
        "Channels of the first convolution of a U-Net; deeper ones have up to 8 times as many.",
        minimum=1,
        maximum=1024,
        fixed=True,
    )
    unet_depth: int = _key(
        8,
        "Convolutions of a U-Net that halve the size; 8 suit 256 px.",
        minimum=1,
        maximum=16,
        fixed=True,
    )
    discriminator_width: int = _key(
        64,
        "Channels of the discriminators' first convolution; deeper ones have up to 8 times as "
        "many.",
        minimum=1,
        maximum=1024,
        fixed=True,
    )
    adversarial: str = _key(
        "cross_entropy",
        "Loss of the discriminators: cross_entropy of their logits, or least_squares.",
        choices=("cross_entropy", "least_squares"),
    )
    cycle_weight: float = _key(
        10.0,
        "Weight of the difference of a picture and its translation there and back.",
        minimum=0,
        maximum=_LARGE,
    )
    identity_weight: float = _key(
        5.0,
        "Weight of the difference of a picture and its translation into its own domain, which "
        "keeps the colors. 0: off, which saves a third of the work.",
        minimum=0,
        maximum=_LARGE,
    )
    history: int = _key(
        50,
        "Earlier translations that each discriminator is also trained on. 0: none.",
        minimum=0,
        maximum=10_000,
        fixed=True,
    )
