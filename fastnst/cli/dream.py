"""`fastnst dream`: DeepDream. Shows in a picture what a network sees in it.

fastnst dream photo.jpg --layer relu4_3 -o dream.jpg
"""

from __future__ import annotations

import argparse
import collections.abc
import dataclasses
import hashlib
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnst import errors, files, formats, formatting, images
from fastnst.cli import keeping, options, outputs, progress, terminal
from fastnst.features import stacks
from fastnst.painting import photos
from fastnst.reports import dreams as dreams_report

if TYPE_CHECKING:
    from fastnst.features import networks
    from fastnst.losses import dreams
    from fastnst.pixels import deepdream

PROGRAM = "fastnst dream"
# Repeated here, so that --help does not import TensorFlow: the layer to dream of by default.
LAYERS = {
    **{name: stacks.layers(name)[-1].name for name in stacks.NAMES},
    "vgg_16": "relu4_3",
    "vgg_19": "relu4_4",
    "inception5h": "mixed4c",
    "inception_v3": "mixed5",
}
KINDS = ("laplacian", "plain")
# The sides of a picture that begins as noise, and of the guide.
_NOISE_SIDE, _GUIDE_SIDE = 384, 224
# A photo of a phone would take an hour.
DEFAULT_SIDE = 1024
_MOST_SHARE = 1_000_000


def make_parser(program: str) -> argparse.ArgumentParser:
    """Describes the command line."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Show in a picture what a network sees in it (DeepDream).",
        epilog="Ctrl-C stops early and writes the picture so far.",
    )
    parser.add_argument(
        "photo", nargs="?", type=Path, metavar="PHOTO", help="the photo (default: noise)"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE|DIR",
        help="file or folder; with --zoom the folder of the frames, or a video such as .mp4 "
        "(default: generated/PHOTO-LAYER-dream, numbered if it exists)",
    )
    parser.add_argument(
        "--size",
        type=terminal.positive,
        metavar="PX",
        help="shorter side of the dream (default: that of the photo, at most "
        f"{DEFAULT_SIDE}; {_NOISE_SIDE} for noise)",
    )
    parser.add_argument("--list", action="store_true", help="list the network's layers and exit")
    subject = parser.add_argument_group("what to dream of")
    subject.add_argument(
        "--network", choices=tuple(LAYERS), default="vgg_16", help="network (default: %(default)s)"
    )
    subject.add_argument(
        "--network_file",
        type=Path,
        metavar="FILE",
        help="its file: a checkpoint with slim's variable names, a .mat file of VGG, or the .pb "
        "file of inception5h",
    )
    subject.add_argument(
        "--layer",
        metavar="NAME|A:0.7,B:0.3",
        help="layer, or layers with their shares; shallow layers draw lines and textures, deep "
        "ones draw eyes and animals (default: one of the deepest)",
    )
    subject.add_argument(
        "--channel",
        metavar="N|N:0.7,M:0.3",
        help="only this channel of the layer, or these, with their shares",
    )
    subject.add_argument(
        "--guide", type=Path, metavar="IMAGE", help="dream of the motifs of this picture"
    )
    method = parser.add_argument_group("how to dream")
    method.add_argument(
        "--octaves", type=terminal.positive, default=4, metavar="N", help="sizes (default: 4)"
    )
    method.add_argument(
        "--scale",
        type=terminal.number(above=1, most=255),
        default=1.4,
        metavar="X",
        help="ratio of a size to the one before (default: %(default)s)",
    )
    method.add_argument(
        "--iterations",
        type=terminal.positive,
        default=10,
        metavar="N",
        help="iterations at each size (default: %(default)s)",
    )
    method.add_argument(
        "--step",
        type=terminal.number(above=0, most=255),
        default=1.5,
        metavar="X",
        help="mean change of a pixel per iteration, in levels of 255 (default: %(default)s)",
    )
    method.add_argument(
        "--octave_kind",
        choices=KINDS,
        help="laplacian adds the photo's details at each size, plain only enlarges the picture "
        "(default: laplacian for a photo, plain for noise)",
    )
    method.add_argument(
        "--gradient",
        choices=KINDS,
        help="laplacian makes motifs of all sizes equally strong (default: plain for a photo, "
        "laplacian for noise)",
    )
    method.add_argument(
        "--seed",
        type=terminal.natural,
        default=0,
        metavar="N",
        help="seed of noise and tiles (default: %(default)s)",
    )
    keeping.add_options(parser)
    video = parser.add_argument_group("video")
    video.add_argument(
        "--zoom",
        type=terminal.positive,
        metavar="FRAMES",
        help="write so many frames, each a dream of the enlarged frame before; rerun the command "
        "to resume",
    )
    video.add_argument(
        "--zoom_rate",
        type=terminal.number(above=1, most=255),
        default=1.04,
        metavar="X",
        help="enlargement per frame (default: %(default)s)",
    )
    video.add_argument(
        "--fps",
        type=terminal.positive,
        default=25,
        metavar="N",
        help="frames per second of the video (default: %(default)s)",
    )
    options.add_output(parser, as_json=True)
    return parser


def main(argv: collections.abc.Sequence[str] | None = None, program: str = PROGRAM) -> int:
    """Runs the command.

    Args:
        argv: Command-line arguments; None for those of the process.
        program: Name of the command in help and errors.

    Returns:
        0 if the dream was written, 1 for a user error, 130 after Ctrl-C, which writes the picture
        so far.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    arguments = make_parser(program).parse_args(given)
    command = f"{program} {shlex.join(given)}"
    return terminal.guarded(program, lambda: _run(arguments, command), quiet=arguments.quiet)


def _run(arguments: argparse.Namespace, command: str) -> int:
    kept = [name for name in ("save_every", "report", "tensorboard") if getattr(arguments, name)]
    if arguments.zoom and kept:
        raise errors.UserError(f"--zoom writes only its frames; omit --{' and --'.join(kept)}")
    photo = _photo(arguments)
    terminal.import_tensorflow()
    from fastnst.features import networks
    from fastnst.pixels import deepdream

    network = networks.load(arguments.network, arguments.network_file)
    if arguments.list:
        for layer, channels in network.layers.items():
            terminal.show(f"{layer:<44} {channels:>5} channels")
        return terminal.DONE
    layers = _shares(arguments.layer or LAYERS[arguments.network], "layer", tuple(network.layers))
    output = _output(arguments, layers, photo)
    dreamer = deepdream.Dreamer(
        _objective(arguments, network, layers, photo.pixels),
        deepdream.Options(
            octaves=arguments.octaves,
            scale=arguments.scale,
            step=arguments.step,
            iterations=arguments.iterations,
            details=_kind(arguments, "octave_kind", of_photo="laplacian") == "laplacian",
            gradient=_kind(arguments, "gradient", of_photo="plain"),
            seed=arguments.seed,
            smallest=_smallest(network, layers),
        ),
    )
    if arguments.zoom:
        return _zoom(arguments, dreamer, photo.pixels, output)
    return _still(arguments, dreamer, photo, output, layers, command)


def _still(
    arguments: argparse.Namespace,
    dreamer: deepdream.Dreamer,
    photo: images.Picture,
    output: Path,
    layers: dict[str, float],
    command: str,
) -> int:
    steps, saving = arguments.octaves * arguments.iterations, bool(arguments.save_every)
    keeper = keeping.Keeper(photo, output, steps, _inputs(arguments), saving=saving)
    every: int | None = arguments.save_every
    if not saving and (arguments.report or arguments.tensorboard):
        # The picture after each octave.
        every = arguments.iterations
    began = time.monotonic()
    with progress.Progress("iteration", every=1) as display:
        act = keeping.watch(display, keeper, arguments.tensorboard)
        result = dreamer(photo.pixels, act, show_every=every)
    seconds = time.monotonic() - began
    dream = keeper.write(output, images.to_uint8(result.picture))
    height, width = dream.shape[:2]
    facts: dict[str, Any] = {"size": [width, height], "layers": layers}
    if arguments.report:
        facts["report"] = str(output.with_suffix(".html"))
        figures = {
            "Network": arguments.network,
            "Layers": arguments.layer or ", ".join(layers),
            "Size": f"{width} x {height} px",
            "Iterations": f"{sum(len(octave.activities) for octave in result.octaves):,}",
            "Time": f"{seconds:,.0f} s",
        }
        html = dreams_report.render(
            arguments.photo.stem if arguments.photo else "noise",
            photo.pixels,
            dream,
            keeper.pictures,
            result.octaves,
            command=command,
            config_text=keeping.options_text(arguments),
            figures=figures,
        )
        files.write(facts["report"], html)
    terminal.result(output, as_json=arguments.json, **facts)
    if arguments.report and not arguments.json:
        terminal.show(facts["report"])
    return terminal.INTERRUPTED if result.interrupted else terminal.DONE


def _smallest(network: networks.Network, layers: dict[str, float]) -> int:
    """Returns the smallest side of a picture in which to dream of these layers."""
    from fastnst.features import loss_network
    from fastnst.pixels import deepdream

    if isinstance(network, loss_network.LossNetwork):
        return max(deepdream.MIN_SIDE, network.smallest_side(layers))
    return deepdream.MIN_SIDE


def _photo(arguments: argparse.Namespace) -> images.Picture:
    """Returns the initial picture at the size of the dream, with its alpha and color profile."""
    if arguments.photo is None:
        side = arguments.size or _NOISE_SIDE
        formats.check_pixels(side, side, f"--size {side}")
        # Little contrast, so that the first motifs outweigh it.
        noise = 100.0 + images.noise(side, side, arguments.seed) / 10.0
        return images.Picture(images.to_uint8(noise))
    photo = images.read_picture(arguments.photo, size=arguments.size)
    side = arguments.size or min(*photo.pixels.shape[:2], DEFAULT_SIDE)
    return photos.scaled(photo, side)


def _kind(arguments: argparse.Namespace, option: str, *, of_photo: str) -> str:
    of_noise = next(kind for kind in KINDS if kind != of_photo)
    chosen: str | None = getattr(arguments, option)
    return chosen or (of_photo if arguments.photo else of_noise)


def _shares(text: str, what: str, names: tuple[str, ...]) -> dict[str, float]:
    """Parses "NAME" or "A:0.7,B:0.3"; the shares add up to 1."""
    found: dict[str, float] = {}
    for part in text.split(","):
        name, _, share = part.strip().partition(":")
        if name not in names:
            raise errors.UserError(
                f"--{what} {name}: no such {what}{errors.did_you_mean(name, names)}; "
                f"`fastnst dream --list` shows those of the network"
            )
        try:
            found[name] = float(share or 1.0)
            if not 0 < found[name] <= _MOST_SHARE:
                raise ValueError
        except ValueError:
            raise errors.UserError(
                f"--{what} {part.strip()}: the share should be a number above 0, at most "
                f"{_MOST_SHARE:,}"
            ) from None
    total = sum(found.values())
    return {name: share / total for name, share in found.items()}


def _objective(
    arguments: argparse.Namespace,
    network: networks.Network,
    layers: dict[str, float],
    picture: np.ndarray,
) -> dreams.Objective:
    from fastnst.losses import dreams

    if arguments.guide:
        if arguments.channel:
            raise errors.UserError("--guide compares all channels; omit --channel")
        guide = images.read(files.find(arguments.guide, "img"), _GUIDE_SIDE)
        return dreams.likeness(network, layers, guide)
    if not arguments.channel:
        small = images.resize_shorter_side(picture, min(*picture.shape[:2], _GUIDE_SIDE))
        return dreams.activity(network, layers, small)
    if len(layers) > 1:
        raise errors.UserError("--channel needs a single --layer")
    (layer,) = layers
    numbers = tuple(map(str, range(network.layers[layer])))
    shares = _shares(arguments.channel, "channel", numbers)
    return dreams.channels(network, layer, {int(name): share for name, share in shares.items()})


def _output(arguments: argparse.Namespace, layers: dict[str, float], photo: images.Picture) -> Path:
    """Returns the path to write; a folder or a video with --zoom."""
    source = arguments.photo.stem if arguments.photo else "noise"
    stem = "-".join([source, *layers, "dream"]).replace("/", "_")
    if arguments.zoom:
        return Path(arguments.output or outputs.FOLDER / stem)
    path = outputs.place(arguments.output, stem, ".jpg" if arguments.photo else ".png")
    outputs.check(path, inputs=_inputs(arguments), picture=photo)
    return path


def _inputs(arguments: argparse.Namespace) -> list[Path]:
    return [path for path in (arguments.photo, arguments.guide) if path]


def _zoom(
    arguments: argparse.Namespace,
    dreamer: deepdream.Dreamer,
    first: np.ndarray,
    output: Path,
) -> int:
    from fastnst.pixels import zoom
    from fastnst.video import containers, ffmpeg, frames

    # The name of a photo, and so of the folder by default, may have a dot.
    as_video = bool(arguments.output) and not files.names_folder(arguments.output)
    folder = output
    if as_video:
        # A mistake should not show after an hour.
        containers.of(output)
        ffmpeg.program("ffmpeg")
        folder = output.with_name(f"{output.stem}-frames")
    subject = ("network", "network_file", "layer", "channel", "zoom_rate")
    settings = dataclasses.asdict(dreamer.options)
    settings |= {name: str(getattr(arguments, name)) for name in subject}
    # Pictures by their content: another one may have taken the name.
    guide = images.read_bytes(files.find(arguments.guide, "img")) if arguments.guide else b""
    settings["guide"] = hashlib.sha256(guide).hexdigest()
    settings["picture"] = hashlib.sha256(f"{first.shape}".encode() + first.tobytes()).hexdigest()
    with progress.Progress("frame", every=1) as display:
        done = zoom.write(
            dreamer, first, arguments.zoom, arguments.zoom_rate, folder, settings, display
        )
    if done < arguments.zoom:
        terminal.say(
            f"stopped after {done} of {formatting.count(arguments.zoom, 'frame')}; rerun to resume"
        )
        return terminal.INTERRUPTED
    if as_video:
        height, width = first.shape[:2]
        frames.encode(
            folder, zoom.PATTERN, (height, width), arguments.fps, output, count=arguments.zoom
        )
    terminal.result(output, as_json=arguments.json, frames=done)
    return terminal.DONE
