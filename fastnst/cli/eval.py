"""`eval.py`: stylizes photos with a trained model."""

from __future__ import annotations

import argparse
import base64
import binascii
import collections.abc
import contextlib
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from fastnst import errors, files
from fastnst.cli import options, progress, runtimes, streams, terminal

if TYPE_CHECKING:
    import tqdm

    from fastnst.models import stylizer
    from fastnst.painting import jobs as jobs_module

_PIPE = "-"
# What may precede base64 text, as browsers write it.
_DATA_URI = re.compile(rb"data:[^,]{0,100};base64,")
# Time between two looks at the folders. A photo is complete if it does not change in between.
_WATCHING_SECONDS = 1.0
_POSITION = "pictures say where the photo was taken (GPS in Exif); --strip-metadata removes it"
# Characters of a photo's name beside the bar.
_NAME_LENGTH = 24


def make_parser(program: str) -> argparse.ArgumentParser:
    """Describes the command line."""
    parser = argparse.ArgumentParser(
        prog=program, description="Stylize photos in a trained style, at their own size."
    )
    parser.add_argument(
        "inputs",
        nargs="*",
        metavar="IMAGE|FOLDER",
        help="photos, folders of photos, or - for stdin",
    )
    parser.add_argument(
        "--model",
        "--model_file",
        required=True,
        metavar="NAME|PATH",
        help="name of a model or of one of its styles, or the path of a run, a checkpoint, an "
        "exported SavedModel or a network of another project (see fastnst import); list shows all "
        "models and styles",
    )
    options.add_controls(parser, all_styles=True)
    parser.add_argument(
        "--image", "--image_file", dest="image", metavar="PATH", help="a photo, or - for stdin"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE|DIR",
        help="file or folder to write, or - for stdout (default: generated/PHOTO-MODEL)",
    )
    parser.add_argument(
        "--size",
        type=terminal.positive,
        metavar="PX",
        help="scale the photo's shorter side to PX first",
    )
    parser.add_argument(
        "--batch",
        type=terminal.positive,
        default=1,
        metavar="N",
        help="stylize up to N photos at once, if they follow each other and have the same size "
        "(default: 1)",
    )
    parser.add_argument(
        "--quality",
        type=terminal.quality,
        default=92,
        metavar="N",
        help="quality of JPEG and WebP files, 1 to 100 (default: 92)",
    )
    parser.add_argument(
        "--precision",
        choices=("auto", "float32", "bfloat16"),
        default="auto",
        help="auto selects bfloat16 if the CPU or GPU is fast at it; the pictures differ slightly "
        "from those in float32 (default: auto)",
    )
    parser.add_argument(
        "--runtime",
        choices=("auto", "tensorflow", "onnxruntime"),
        default="auto",
        help="program that computes the network: auto selects ONNX Runtime for a few photos, if "
        'it is installed (pip install "fastnst[onnx]"), because it starts sooner, and TensorFlow '
        "for many (default: auto)",
    )
    parser.add_argument(
        "--tiles",
        choices=("auto", "exact", "thumbnail", "off"),
        default="auto",
        help="how to paint large photos: exact, in tiles that give the same picture as the whole "
        "photo; thumbnail, in tiles with the statistics of a version of 1024 px, in bounded "
        "memory; off, whole; auto selects by the memory (default: auto)",
    )
    parser.add_argument(
        "--max-memory",
        "--max_memory",
        type=terminal.memory,
        metavar="SIZE",
        help="memory to use, such as 2GiB or 500MB; has no effect on SavedModels and --tiles off "
        "(default: three quarters of what is free)",
    )
    parser.add_argument(
        "--no-clobber",
        "--no_clobber",
        action="store_true",
        help="keep stylized photos that exist already, and skip their photos (by default, they are "
        "replaced)",
    )
    parser.add_argument(
        "--watch",
        action="store_true",
        help="keep watching the folders, and stylize photos that arrive, until Ctrl-C",
    )
    options.add_trust(parser)
    parser.add_argument(
        "--strip-metadata",
        "--strip_metadata",
        dest="metadata",
        action="store_false",
        help="write no Exif data, such as the place and the camera, and no resolution (default: "
        "keep them)",
    )
    parser.add_argument(
        "--base64",
        action="store_true",
        help="read and write one photo as base64 text: from stdin unless a photo is named, to "
        "stdout unless -o names a file",
    )
    options.add_max_pixels(parser)
    options.add_output(parser, as_json=True)
    return parser


def main(argv: collections.abc.Sequence[str] | None = None, program: str = "eval.py") -> int:
    """Runs the command and returns its exit code."""
    parser = make_parser(program)
    arguments = parser.parse_args(argv)
    if arguments.image:
        arguments.inputs.append(arguments.image)
    if arguments.base64 and not arguments.inputs:
        arguments.inputs.append(_PIPE)
    if not arguments.inputs and arguments.model != "list":
        parser.error("name at least one photo or folder")
    return terminal.guarded(program, lambda: _run(arguments, program), quiet=arguments.quiet)


def _run(arguments: argparse.Namespace, program: str) -> int:
    from fastnst.controls import blends
    from fastnst.models import store
    from fastnst.painting import jobs as jobs_module

    if arguments.model == "list":
        _list(store.available())
        return terminal.DONE
    if arguments.base64 or _PIPE in (arguments.output, *arguments.inputs):
        return _pipe(arguments)
    # The arguments are checked before the model is restored, which takes longer.
    chosen = runtimes.find(arguments.model)
    reference = chosen if isinstance(chosen, store.Reference) else None
    name = reference.name if reference else runtimes.file_stem(arguments.model)
    inputs = [Path(name) for name in arguments.inputs]
    every = arguments.style == "all"
    styles: tuple[str | None, ...] = (arguments.style,)
    if every:
        styles = _styles(reference.path) if reference else (None,)
    choices = options.controls(arguments, styles[0], arguments.strength)

    def plan(inputs: list[Path]) -> list[jobs_module.Job]:
        jobs = [
            job
            for style in styles
            for job in jobs_module.plan(
                inputs,
                arguments.output or None,
                blends.file_name(style or name),
                style=style,
                apart=len(styles) > 1,
                say=terminal.say if style is styles[0] and not arguments.watch else _nothing,
            )
        ]
        return _new(jobs) if arguments.no_clobber else jobs

    jobs = [] if arguments.watch else plan(inputs)
    if jobs:
        files.check_writable(jobs[0].stylized)
    model = runtimes.load(chosen, arguments, choices, [job.photo for job in jobs])
    # The path distinguishes a user's model from a shipped one of the same name.
    terminal.say(f"stylizing with {reference.path if reference else arguments.model}")
    if arguments.watch:
        _watch(model, inputs, plan, arguments, program)
    failed = _paint(model, jobs, arguments, program)
    if failed and len(jobs) > 1:
        terminal.complain(f"{program}: {failed} of {len(jobs)} photos could not be stylized")
    return terminal.USER_ERROR if failed else terminal.DONE


def _watch(
    model: stylizer.Stylizer,
    inputs: list[Path],
    plan: collections.abc.Callable[[list[Path]], list[jobs_module.Job]],
    arguments: argparse.Namespace,
    program: str,
) -> NoReturn:
    """Stylizes the photos of folders, and those that arrive, until Ctrl-C."""
    from fastnst import photo_files
    from fastnst.painting import watching

    if not all(path.is_dir() for path in inputs):
        raise errors.UserError("--watch: watches folders; name no single photos")
    terminal.say("watching for photos; press Ctrl-C to stop")
    watcher = watching.Watcher()
    while True:
        # The others have no photos yet.
        filled = [path for path in inputs if photo_files.find(path).photos]
        jobs = plan(filled) if filled else []
        ready = set(watcher.ready({job.photo for job in jobs}))
        _paint(model, [job for job in jobs if job.photo in ready], arguments, program)
        time.sleep(_WATCHING_SECONDS)


def _paint(
    model: stylizer.Stylizer,
    jobs: list[jobs_module.Job],
    arguments: argparse.Namespace,
    program: str,
) -> int:
    """Stylizes photos and prints the results; returns how many could not be stylized."""
    import tqdm

    from fastnst.painting import photos

    failed = placed = 0
    # None disables the bar unless stderr is a terminal.
    disable = True if len(jobs) <= 1 else None
    with (
        tqdm.tqdm(total=len(jobs), unit="photo", disable=disable) as bar,
        contextlib.closing(progress.PixelBar()) as pixel_bar,
    ):
        before = time.monotonic()
        _name_next(bar, jobs)
        for outcome in photos.paint(
            model,
            jobs,
            size=arguments.size,
            batch=arguments.batch,
            max_pixels=arguments.max_pixels,
            quality=arguments.quality,
            metadata=arguments.metadata,
            progress=pixel_bar,
            say=terminal.say,
        ):
            with tqdm.tqdm.external_write_mode():
                if outcome.error:
                    failed += 1
                    terminal.complain(f"{program}: {outcome.error}")
                else:
                    placed += outcome.has_position
                    terminal.result(
                        outcome.job.stylized,
                        as_json=arguments.json,
                        input=str(outcome.job.photo),
                        style=outcome.job.style,
                        size=outcome.size,
                        seconds=round(time.monotonic() - before, 3),
                    )
            before = time.monotonic()
            bar.update()
            _name_next(bar, jobs)
    if placed:
        terminal.say(f"{placed} of {len(jobs)} {_POSITION}")
    return failed


def _name_next(bar: tqdm.tqdm, jobs: list[jobs_module.Job]) -> None:
    """Shows the name of the photo that is painted now, the end of it if it is long."""
    name = errors.printable(jobs[int(bar.n)].photo.name) if bar.n < len(jobs) else ""
    bar.set_postfix_str(name[-_NAME_LENGTH:])


def _nothing(note: str) -> None:
    """Says nothing."""


def _list(models: dict[str, Path]) -> None:
    """Prints the models, their paths, and the styles of those that have several."""
    width = max(map(len, models), default=0)
    for name, path in models.items():
        try:
            styles = _styles(path)
            note = f"  {', '.join(styles)}" if len(styles) > 1 else ""
        except errors.UserError as error:
            note = f"  damaged: {error}"
        terminal.show(f"{name:<{width}}  {path}{note}")


def _styles(path: Path) -> tuple[str, ...]:
    """Returns the names of the styles of a model that can be used."""
    from fastnst.models import store

    folder = store.Reference(path).folder
    if not store.learned_names(folder):
        return store.trained_names(folder)
    terminal.import_tensorflow()
    from fastnst.models import restore

    return restore.styles(path)


def _new(jobs: list[jobs_module.Job]) -> list[jobs_module.Job]:
    """Leaves out the jobs whose stylized photo exists already."""
    new = [job for job in jobs if not job.stylized.exists()]
    if len(new) < len(jobs):
        terminal.say(f"{len(jobs) - len(new)} of {len(jobs)} stylized photos exist and are kept")
    return new


def _pipe(arguments: argparse.Namespace) -> int:
    """Stylizes one photo from stdin or a file to stdout or a file."""
    from fastnst import images
    from fastnst.painting import photos

    sign = "--base64" if arguments.base64 else _PIPE
    if len(arguments.inputs) > 1:
        raise errors.UserError(
            f"{sign} reads one photo from stdin and cannot be combined with other photos; name one "
            "input"
        )
    if arguments.style == "all":
        raise errors.UserError(
            f"--style all makes several pictures, but {sign} writes one; name one style"
        )
    to_stdout, file_format = arguments.output in (None, _PIPE), None
    if not to_stdout:
        if files.names_folder(arguments.output):
            raise errors.UserError(f"{arguments.output}: {sign} writes one file; name it")
        file_format = images.format_of(arguments.output)
        files.check_writable(Path(arguments.output))
    (name,) = arguments.inputs
    choices = options.controls(arguments, arguments.style, arguments.strength)
    if name != _PIPE:
        data = images.read_bytes(name)
    else:
        given = streams.read_picture(arguments.max_pixels, encoded=arguments.base64)
        data = _decoded(given) if arguments.base64 else given
    chosen = runtimes.find(arguments.model)
    stylized = photos.paint_bytes(
        runtimes.load(chosen, arguments, choices, [data], say=lambda note: None),
        data,
        "standard input" if name == _PIPE else name,
        file_format=file_format,
        size=arguments.size,
        max_pixels=arguments.max_pixels,
        quality=arguments.quality,
        metadata=arguments.metadata,
        say=terminal.say,
    )
    if to_stdout:
        terminal.write_bytes(base64.b64encode(stylized) + b"\n" if arguments.base64 else stylized)
    else:
        files.write(arguments.output, stylized)
        terminal.result(arguments.output, as_json=arguments.json, style=arguments.style)
    return terminal.DONE


def _decoded(text: bytes) -> bytes:
    """Decodes base64 text, in either alphabet, also of a data URI.

    Raises:
        UserError: If it is something else.
    """
    bare = b"".join(_DATA_URI.sub(b"", text.lstrip(), count=1).split())
    try:
        return base64.b64decode(bare.translate(bytes.maketrans(b"-_", b"+/")), validate=True)
    except binascii.Error as error:
        raise errors.UserError(
            f"standard input: is not base64 text ({error}); omit --base64 to read the picture "
            "itself"
        ) from None
