"""`fastnst video`: stylizes videos with a trained model."""

from __future__ import annotations

import argparse
import collections.abc
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastnst import errors
from fastnst.cli import options, terminal

if TYPE_CHECKING:
    from fastnst.models import store
    from fastnst.video import clip, containers, encoding


def make_parser(program: str) -> argparse.ArgumentParser:
    """Describes the command line."""
    parser = argparse.ArgumentParser(
        prog=program, description="Stylize a video; its sound, times and colors are kept."
    )
    parser.add_argument("input", type=Path, metavar="VIDEO", help="the video")
    parser.add_argument(
        "--model",
        metavar="NAME|PATH",
        help="name of a model or of one of its styles, or the path of a run, a checkpoint or an "
        "exported SavedModel (default: the model that has the style)",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE|DIR",
        help="file to write, .mp4, .mov, .m4v, .mkv or .webm, or its folder (default: "
        "generated/VIDEO-STYLE)",
    )
    options.add_controls(parser, over_time=True)
    parser.add_argument(
        "--smooth",
        type=_share,
        default=0.0,
        metavar="X",
        help="how much flicker is smoothed along the motion, from 0 to 1; needs OpenCV "
        "(default: 0)",
    )
    parser.add_argument(
        "--size",
        type=terminal.positive,
        metavar="PX",
        help="scale the shorter side to PX first; a smaller size is faster and gives larger "
        "strokes",
    )
    parser.add_argument(
        "--quality",
        type=terminal.natural,
        metavar="CRF",
        help="constant rate factor of the encoder: lower is better and larger (default: 18; for "
        ".webm 28)",
    )
    parser.add_argument(
        "--preset",
        default="medium",
        metavar="NAME",
        help="speed of the encoder, from ultrafast to veryslow; slower makes smaller files "
        "(default: medium)",
    )
    parser.add_argument(
        "--precision",
        choices=("auto", "float32", "bfloat16"),
        default="auto",
        help="auto selects bfloat16 if the CPU or GPU is fast at it (default: auto)",
    )
    options.add_max_pixels(parser)
    options.add_trust(parser)
    options.add_output(parser, as_json=True)
    return parser


def _share(text: str) -> float:
    try:
        number = float(text)
        if not 0 <= number <= 1:
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} should be a number from 0 to 1") from None
    return number


def main(argv: collections.abc.Sequence[str] | None = None, program: str = "video") -> int:
    """Runs the command and returns its exit code."""
    parser = make_parser(program)
    arguments = parser.parse_args(argv)
    if not (arguments.model or arguments.style):
        parser.error("name a style (--style) or a model (--model)")
    return terminal.guarded(program, lambda: _run(arguments, program), quiet=arguments.quiet)


def _run(arguments: argparse.Namespace, program: str) -> int:
    from fastnst.video import clip, ffmpeg

    # The arguments are checked before TensorFlow is imported, which takes longer.
    ffmpeg.program("ffmpeg")
    source = clip.read(arguments.input, max_pixels=arguments.max_pixels, size=arguments.size)
    output = _output(arguments, source)
    settings = _encoding(arguments, output)

    terminal.import_tensorflow()
    from fastnst.cli import progress
    from fastnst.controls import blends
    from fastnst.models import loading
    from fastnst.video import containers, keyframes, painting, smoothing

    strength = (
        keyframes.parse(arguments.strength, "--strength", blends.MAX_STRENGTH)
        if arguments.strength
        else None
    )
    if arguments.smooth:
        smoothing.Smoother(arguments.smooth)  # Raises an error now if OpenCV is missing.
    reference = _find(arguments.model, arguments.style)
    codecs = containers.codecs(source, settings.container)
    for line in _changes(source, codecs, settings.container, output):
        terminal.say(f"{program}: {line}")
    # A strength other than 1 tells whether the model supports it.
    needed = next((value for value in strength.values if value != 1.0), 1.0) if strength else None
    choices = options.controls(arguments, arguments.style, needed)
    if choices.grain is None:
        # Grain stays in place while the picture moves.
        choices = dataclasses.replace(choices, grain=0.0)
    # All frames alike, however much memory is free at the moment.
    model = loading.load(
        reference, arguments.precision, tiles="exact", trust=arguments.trust, **vars(choices)
    )
    terminal.say(f"stylizing with {reference.path}")

    def paint(pixels: Any, seconds: float) -> Any:
        return model(pixels, strength=None if strength is None else strength(seconds))

    how = painting.Options(settings, arguments.size, arguments.smooth)
    try:
        with progress.Progress("frame", every=1) as bar:
            result = painting.paint(
                source, output, paint, how, _job(arguments, source, reference), codecs, bar
            )
    except KeyboardInterrupt:
        terminal.complain(
            f"{program}: interrupted; repeat the command to resume from {output}.part"
        )
        return terminal.INTERRUPTED
    terminal.result(
        result.path,
        as_json=arguments.json,
        input=arguments.input,
        style=arguments.style,
        frames=result.frames,
    )
    if result.damage:
        terminal.complain(
            f"{program}: {source.path}: is damaged or cut off ({result.damage}); the "
            f"{result.frames} frames that could be read are painted"
        )
        return terminal.USER_ERROR
    return terminal.DONE


def _output(arguments: argparse.Namespace, source: clip.Clip) -> Path:
    from fastnst.cli import outputs
    from fastnst.video import containers

    suffix = source.path.suffix.lower()
    suffix = suffix if suffix in containers.CONTAINERS else containers.DEFAULT
    stem = source.path.stem
    if arguments.output is None:
        style = (arguments.style or Path(arguments.model).name).replace(":", "").replace(",", "+")
        stem = f"{stem}-{style}"
    output = outputs.place(arguments.output, stem, suffix, numbered=False)
    containers.of(output)
    if output.resolve() == source.path.resolve():
        raise errors.UserError(f"{output}: would overwrite the input; name another file with -o")
    outputs.check(output)
    return output


def _encoding(arguments: argparse.Namespace, output: Path) -> encoding.Settings:
    from fastnst.video import containers, encoding

    container = containers.of(output)
    if arguments.preset not in containers.PRESETS:
        hint = errors.did_you_mean(arguments.preset, containers.PRESETS)
        raise errors.UserError(
            f"--preset {arguments.preset}: should be one of {', '.join(containers.PRESETS)}{hint}"
        )
    quality = container.quality if arguments.quality is None else arguments.quality
    if quality > container.most:
        raise errors.UserError(f"--quality {quality}: should be from 0 to {container.most}")
    return encoding.Settings(container, quality, arguments.preset)


def _find(model: str | None, style: str | None) -> store.Reference:
    """Finds the named model, or the first one that has all styles of a blend."""
    from fastnst.models import restore, store

    if model:
        return store.find(model)
    assert style is not None
    names = {part.partition(":")[0].strip() for part in style.split(",")}
    if len(names) == 1:
        return store.find(names.pop())
    for path in store.available().values():
        try:
            if names <= set(restore.styles(path)):
                return store.Reference(path)
        except errors.UserError:
            continue  # A damaged model is no reason to refuse another.
    raise errors.UserError(
        f"--style {style}: no model has all of these styles; name one with --model, or list them "
        "with fastnst eval --model list"
    )


def _job(
    arguments: argparse.Namespace, source: clip.Clip, reference: store.Reference
) -> dict[str, object]:
    """Returns all that decides how the result looks."""
    newest = max(
        (file.stat().st_mtime_ns for file in reference.folder.rglob("*") if file.is_file()),
        default=0,
    )
    about = source.path.stat()
    return {
        "input": str(source.path.resolve()),
        "size and date of the input": f"{about.st_size} bytes, {about.st_mtime_ns}",
        "model": str(reference.path.resolve()),
        "date of the model": newest,
        **{
            name: getattr(arguments, name)
            for name in (
                *("style", "strength", "stroke", "colors", "masks", "grain", "seed"),
                *("smooth", "size", "quality", "preset", "precision"),
            )
        },
        "dates of the masks": [_date(text.rpartition("=")[0]) for text in arguments.masks],
    }


def _date(path: str) -> int | None:
    file = Path(path)
    return file.stat().st_mtime_ns if file.is_file() else None


def _changes(
    source: clip.Clip,
    codecs: dict[int, str | None],
    container: containers.Container,
    output: Path,
) -> collections.abc.Iterator[str]:
    """Yields a line for everything that the container cannot keep."""
    for stream in source.others:
        codec = codecs[stream.index]
        if codec is None:
            yield f"{output.suffix} cannot hold the {stream.kind} in {stream.codec}; it is left out"
        elif codec != "copy":
            yield f"{output.suffix} cannot hold {stream.codec}; the {stream.kind} becomes {codec}"
