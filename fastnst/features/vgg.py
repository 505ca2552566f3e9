"""Facts about the VGG networks (Simonyan & Zisserman 2014): layers, names, mean color.

A layer is named after its ReLU, "relu3_3". Its convolution is "conv3_3", whose variables slim calls
"vgg_16/conv3/conv3_3/weights" and "vgg_16/conv3/conv3_3/biases".
"""

from __future__ import annotations

# By slim's name of the network, the blocks of configurations D, E and A: (number of 3x3
# convolutions, channels). Each block ends with a pooling.
MODELS = {
    "vgg_16": ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)),
    "vgg_19": ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512)),
    "vgg_a": ((1, 64), (1, 128), (2, 256), (2, 512), (2, 512)),
}
# Of ImageNet, in [0, 255]; subtracted from every image that the networks were trained on.
MEAN_RGB = (123.68, 116.78, 103.94)


def convolutions_of(model: str) -> tuple[str, ...]:
    """Lists the convolutions of a network of `MODELS` in order: conv1_1, conv1_2, conv2_1, ..."""
    return tuple(
        f"conv{block}_{index}"
        for block, (repeats, _) in enumerate(MODELS[model], start=1)
        for index in range(1, repeats + 1)
    )


def layers_of(model: str) -> tuple[str, ...]:
    """Lists the layers of a network of `MODELS` in order: relu1_1, relu1_2, relu2_1, ..."""
    return tuple(name.replace("conv", "relu") for name in convolutions_of(model))


def scope(layer: str) -> str:
    """Returns slim's scope of a layer within its network: conv3/conv3_3 for relu3_3 or conv3_3."""
    convolution = layer.replace("relu", "conv")
    return f"{convolution.partition('_')[0]}/{convolution}"


def variables(model: str, layer: str) -> tuple[str, str]:
    """Returns slim's names of the weights and the biases of a layer, say relu3_3 or conv3_3."""
    path = f"{model}/{scope(layer)}"
    return f"{path}/weights", f"{path}/biases"
