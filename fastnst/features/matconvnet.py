"""Reads the VGG networks that MatConvNet publishes as .mat files.

The file of vlfeat.org holds "layers", a cell of structs in the order of computation (of VGG19, 43:
conv1_1, relu1_1, conv1_2, ... pool5, fc6, ... prob), and the mean image. In files up to beta 16
that is `normalization.averageImage`, of 224 x 224 pixels; later `meta.normalization.averageImage`,
which may be the mean colour alone. A convolution's kernels lie as [width, height, in, out].
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from fastnst import errors
from fastnst.features import vgg


def read(path: str | Path, model: str = "vgg_19") -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Reads the convolutions and the mean colour.

    Args:
        path: The file.
        model: Whether "vgg_19" or "vgg_16" is expected in it.

    Returns:
        Slim's variables by name, float32, kernels [height, width, in, out], as
        `loss_network.load_weights` returns them; and the mean, float32 RGB [3] in [0, 255].

    Raises:
        UserError: If there is no such file, it is no network of this kind, or SciPy is missing.
    """
    content = _load(Path(path))
    try:
        mean = _mean(content)
        convolutions = _convolutions(content["layers"], len(vgg.MODELS[model]))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        raise errors.UserError(
            f"{path}: no network of MatConvNet's; imagenet-vgg-verydeep-19.mat is one"
        ) from None
    known = vgg.layers_of(model)
    # A file may end early; what it holds until there has to be as in the model.
    if not convolutions or tuple(convolutions) != known[: len(convolutions)]:
        count = f"{len(convolutions)} convolutions, in blocks that are not those of {model}"
        raise errors.UserError(f"{path}: holds {count}; --loss_model is {' or '.join(vgg.MODELS)}")
    weights = {}
    sizes = [channels for repeats, channels in vgg.MODELS[model] for _ in range(repeats)]
    for inputs, outputs, layer in zip([3, *sizes], sizes, convolutions, strict=False):
        kernels, biases = convolutions[layer]
        if kernels.shape != (3, 3, inputs, outputs) or biases.size != outputs:
            raise errors.UserError(
                f"{path}: the kernels of {layer} are {kernels.shape}, should be "
                f"{(3, 3, inputs, outputs)} with {outputs} biases"
            )
        # MATLAB counts columns first: width lies before height.
        weights_name, biases_name = vgg.variables(model, layer)
        weights[weights_name] = kernels.transpose(1, 0, 2, 3)
        weights[biases_name] = biases
    return weights, mean


def _load(path: Path) -> dict[str, Any]:
    try:
        from scipy import io
    except ImportError:
        raise errors.UserError(
            f'{path}: a .mat file takes SciPy to read: `pip install -e ".[optimize]"`'
        ) from None
    if not path.is_file():
        raise errors.UserError(
            f"{path}: no such file; imagenet-vgg-verydeep-19.mat is to be had from "
            "https://www.vlfeat.org/matconvnet/pretrained/"
        )
    try:
        return io.loadmat(
            path,
            simplify_cells=True,
            appendmat=False,
            variable_names=("layers", "meta", "normalization"),
        )
    # SciPy's reader lets through whatever a damaged file makes it stumble over.
    except Exception as error:
        raise errors.UserError(f"{path}: not a .mat file that can be read ({error})") from None


def _mean(content: dict[str, Any]) -> np.ndarray:
    holder = content.get("meta", content)
    image = np.asarray(holder["normalization"]["averageImage"], np.float32)
    return image.reshape(-1, 3).mean(axis=0)


def _convolutions(layers: Any, blocks: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Kernels and biases by layer, located by their place: a block ends with a pooling."""
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    block, index = 1, 0
    for layer in layers:
        if layer["type"] == "pool":
            block, index = block + 1, 0
        # The fully connected layers behind the last pooling are convolutions, too.
        elif layer["type"] == "conv" and block <= blocks:
            index += 1
            kernels, biases = layer["weights"]
            found[f"relu{block}_{index}"] = (
                np.asarray(kernels, np.float32),
                np.asarray(biases, np.float32).reshape(-1),
            )
    return found
