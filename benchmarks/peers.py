"""The same network, losses and training step in PyTorch, as in pytorch/examples and tuned.

This code was written for these benchmarks. Its transform net loads our weights and makes the same
picture; a test checks that.
"""

from __future__ import annotations

import collections.abc
import contextlib
import functools
import os
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks import contest
from fastnst import files
from fastnst.features import vgg

STYLE_LAYERS = {"relu1_2": 10.0, "relu2_2": 1.0, "relu3_3": 0.3, "relu4_3": 400.0}
CONTENT_LAYER = "relu3_3"
STYLE_WEIGHT = 8.0
_BLOCKS = vgg.MODELS["vgg_16"][:4]
_VGG16 = "pretrained/vgg_16.ckpt"


class Conv(nn.Module):
    """A convolution with reflection padding."""

    def __init__(self, inputs: int, outputs: int, size: int, stride: int = 1) -> None:
        super().__init__()
        self.pad = nn.ReflectionPad2d(size // 2)
        self.conv = nn.Conv2d(inputs, outputs, size, stride, bias=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Maps [B, C, H, W]."""
        return self.conv(self.pad(images))


def norm(channels: int) -> nn.InstanceNorm2d:
    """An instance norm with scale and shift."""
    return nn.InstanceNorm2d(channels, eps=1e-5, affine=True)


class Residual(nn.Module):
    """Two convolutions with a skip connection."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.norm1 = Conv(channels, channels, 3), norm(channels)
        self.conv2, self.norm2 = Conv(channels, channels, 3), norm(channels)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Maps [B, C, H, W]."""
        net = functional.relu(self.norm1(self.conv1(images)))
        return images + self.norm2(self.conv2(net))


class TransformNet(nn.Module):
    """The network of `fastnst.nets.transform_net`, with its default shapes."""

    def __init__(self, width: int = 32, blocks: int = 5) -> None:
        super().__init__()
        trunk = 4 * width
        self.conv1, self.norm1 = Conv(3, width, 9), norm(width)
        self.conv2, self.norm2 = Conv(width, 2 * width, 3, 2), norm(2 * width)
        self.conv3, self.norm3 = Conv(2 * width, trunk, 3, 2), norm(trunk)
        self.residuals = nn.ModuleList(Residual(trunk) for _ in range(blocks))
        self.upsample1, self.norm4 = Conv(trunk, 2 * width, 3), norm(2 * width)
        self.upsample2, self.norm5 = Conv(2 * width, width, 3), norm(width)
        self.skip1 = nn.Parameter(torch.ones(2 * width, 1, 1))
        self.skip2 = nn.Parameter(torch.ones(width, 1, 1))
        self.conv4, self.norm6 = Conv(width, 3, 9), norm(3)
        nn.init.constant_(self.norm6.weight, 0.3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Stylizes RGB [B, 3, H, W] in 0..255, where H and W are multiples of 4."""
        full = functional.relu(self.norm1(self.conv1(images / 127.5 - 1.0)))
        half = functional.relu(self.norm2(self.conv2(full)))
        net = functional.relu(self.norm3(self.conv3(half)))
        for residual in self.residuals:
            net = residual(net)
        net = functional.relu(
            self.norm4(self.upsample1(functional.interpolate(net, scale_factor=2)))
        )
        net = net + self.skip1 * half
        net = functional.relu(
            self.norm5(self.upsample2(functional.interpolate(net, scale_factor=2)))
        )
        net = net + self.skip2 * full
        return (torch.tanh(self.norm6(self.conv4(net))) + 1.0) * 127.5

    def take(self, tensors: collections.abc.Mapping[str, np.ndarray]) -> None:
        """Loads the kernels and the entries of one style's row by fastnst's names."""
        mine = dict(self.named_parameters())
        with torch.no_grad():
            for name, tensor in tensors.items():
                *path, kind = name.split("/")
                if kind == "kernel":
                    mine[".".join([*path, "conv", "weight"])].copy_(
                        torch.from_numpy(tensor.transpose(3, 2, 0, 1).copy())
                    )
                elif path[0].startswith("skip"):
                    mine[path[0]].copy_(torch.from_numpy(tensor[:, None, None].copy()))
                else:
                    other = {"scale": "weight", "shift": "bias"}[kind]
                    mine[".".join([*path, other])].copy_(torch.from_numpy(tensor.copy()))


class Vgg16(nn.Module):
    """The loss network up to relu4_3, with the zero padding that it was trained with."""

    mean: torch.Tensor

    def __init__(self, layers: collections.abc.Collection[str]) -> None:
        super().__init__()
        # The file consists of kernels and biases in sequence, so it is read without TensorFlow.
        rest = np.fromfile(f"{files.find(_VGG16)}.data-00000-of-00001", np.float16)
        self.layers = set(layers)
        self.convs = nn.ModuleDict()
        inputs = 3
        for block, (repeats, outputs) in enumerate(_BLOCKS, start=1):
            for index in range(1, repeats + 1):
                conv = nn.Conv2d(inputs, outputs, 3, padding=1)
                kernel, bias, rest = np.split(rest, np.cumsum([9 * inputs * outputs, outputs]))
                kernel = kernel.reshape(3, 3, inputs, outputs).transpose(3, 2, 0, 1)
                conv.weight.data = torch.from_numpy(kernel.astype(np.float32))
                conv.bias = nn.Parameter(torch.from_numpy(bias.astype(np.float32)))
                self.convs[f"relu{block}_{index}"] = conv
                inputs = outputs
        self.register_buffer("mean", torch.tensor(vgg.MEAN_RGB).view(1, 3, 1, 1))
        self.requires_grad_(False)

    def forward(
        self, images: torch.Tensor, layers: collections.abc.Collection[str] | None = None
    ) -> dict[str, torch.Tensor]:
        """Maps RGB [B, 3, H, W] in 0..255 to features by layer, up to the deepest one requested."""
        wanted = self.layers if layers is None else set(layers)
        net, features = images - self.mean, {}
        for layer, conv in self.convs.items():
            if layer.endswith("_1") and layer != "relu1_1":
                net = functional.max_pool2d(net, 2)
            net = functional.relu(conv(net))
            if layer in wanted:
                features[layer] = net
            if len(features) == len(wanted):
                break
        return features


def gram(features: torch.Tensor) -> torch.Tensor:
    """Returns the Gram matrices, [B, C, C]."""
    batch, channels, height, width = features.shape
    flat = features.reshape(batch, channels, height * width)
    return flat.bmm(flat.transpose(1, 2)) / (channels * height * width)


def train_step(
    size: int, batch: int, *, tuned: bool, compiled: bool = False
) -> collections.abc.Callable[[], float]:
    """Returns a function that runs a training step once, as published or tuned.

    Published: eager float32, features of content and stylized images up to relu4_3, Adam. Tuned:
    channels last, bfloat16 autocast, content features without gradient and only up to relu3_3,
    fused Adam.
    """
    _use_threads()
    torch.manual_seed(0)
    layout = torch.channels_last if tuned else torch.contiguous_format
    net = TransformNet().to(memory_format=layout)  # type: ignore[call-overload]
    vgg = Vgg16(STYLE_LAYERS).to(memory_format=layout)  # type: ignore[call-overload]
    if compiled:
        net, vgg = torch.compile(net), torch.compile(vgg)
    optimizer = torch.optim.Adam(net.parameters(), 1e-3, fused=tuned)
    pixels = torch.from_numpy(contest.photos(size, batch).astype(np.float32))
    images = pixels.permute(0, 3, 1, 2).contiguous(memory_format=layout)
    with torch.no_grad():
        style = torch.from_numpy(contest.photos(256, 1).astype(np.float32)).permute(0, 3, 1, 2)
        targets = {layer: gram(features) for layer, features in vgg(style).items()}

    def loss() -> torch.Tensor:
        stylized = net(images)
        found = vgg(stylized)
        if tuned:
            with torch.no_grad():
                content = vgg(images, [CONTENT_LAYER])
        else:
            content = vgg(images)
        total = functional.mse_loss(found[CONTENT_LAYER].float(), content[CONTENT_LAYER].float())
        for layer, weight in STYLE_LAYERS.items():
            features = found[layer]
            difference = gram(features).float() - targets[layer].float()
            total = total + STYLE_WEIGHT * weight * difference.square().sum() / features.numel()
        return total

    def step() -> float:
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16) if tuned else contextlib.nullcontext():
            total = loss()
        total.backward()
        optimizer.step()
        return total.item()

    return step


def painter(
    size: int, *, tuned: bool = False, compiled: bool = False
) -> collections.abc.Callable[[], np.ndarray]:
    """Returns a function that stylizes one photo, uint8 in and out; as published or tuned."""
    _use_threads()
    paint = stylizer(torch.from_numpy(contest.photos(size, 1)), tuned=tuned, compiled=compiled)
    return lambda: paint().numpy()


def stylizer(
    photos: torch.Tensor, *, tuned: bool = False, compiled: bool = False
) -> collections.abc.Callable[[], torch.Tensor]:
    """Returns a function that stylizes photos on their device: uint8 RGB [B, H, W, 3].

    Tuned: channels last and bfloat16 autocast.
    """
    layout = torch.channels_last if tuned else torch.contiguous_format
    net: Any = TransformNet().eval().to(photos.device)
    net = net.to(memory_format=layout)
    if compiled:
        net = torch.compile(net)

    def stylize() -> torch.Tensor:
        images = photos.permute(0, 3, 1, 2).float().contiguous(memory_format=layout)
        with (
            torch.inference_mode(),
            torch.autocast(photos.device.type, torch.bfloat16, enabled=tuned),
        ):
            stylized = net(images)
        return stylized.float().round().byte().permute(0, 2, 3, 1).contiguous()

    return stylize


def onnx_painter(size: int) -> collections.abc.Callable[[], np.ndarray]:
    """Returns a function that stylizes one photo with ONNX Runtime, from an exported network."""
    import tempfile
    import warnings

    import onnxruntime

    _use_threads()
    photo = contest.photos(size, 1)
    example = torch.zeros(1, 3, size, size)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # Silences warnings of unfoldable constants and of instance norms in training mode.
        warnings.simplefilter("ignore")
        path = os.path.join(folder, "net.onnx")
        torch.onnx.export(TransformNet().eval(), (example,), path, dynamo=False, opset_version=17)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = contest.threads()
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def paint() -> np.ndarray:
        images = photo.transpose(0, 3, 1, 2).astype(np.float32)
        stylized = session.run(None, {name: images})[0]
        return stylized.round().astype(np.uint8).transpose(0, 2, 3, 1)

    return paint


@functools.cache
def _use_threads() -> None:
    torch.set_num_threads(contest.threads())
