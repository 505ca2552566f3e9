"""`fastnst gallery`: stylizes one photo in every style."""

from __future__ import annotations

import argparse
import collections.abc
from pathlib import Path

from fastnst import errors, files
from fastnst.cli import options, terminal


def make_parser(program: str) -> argparse.ArgumentParser:
    """Describes the command line."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Stylize a photo in every style and arrange the pictures on one sheet.",
    )
    parser.add_argument(
        "photo",
        nargs="?",
        metavar="PHOTO",
        default=str(files.asset("img/photos/koala.jpg")),
        help="photo to stylize (default: a koala)",
    )
    parser.add_argument(
        "--model",
        action="append",
        metavar="NAME|PATH",
        help="model to use; may be repeated (default: all that `fastnst eval --model list` shows)",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE|DIR",
        help="picture to write, or its folder (default: generated/PHOTO-gallery.jpg)",
    )
    parser.add_argument(
        "--size",
        type=terminal.positive,
        default=320,
        metavar="PX",
        help="shorter side of each picture (default: 320)",
    )
    options.add_output(parser, as_json=True)
    return parser


def main(
    argv: collections.abc.Sequence[str] | None = None, program: str = "fastnst gallery"
) -> int:
    """Runs the command and returns its exit code."""
    arguments = make_parser(program).parse_args(argv)
    return terminal.guarded(program, lambda: _run(arguments), quiet=arguments.quiet)


def _run(arguments: argparse.Namespace) -> int:
    terminal.import_tensorflow()
    import tqdm

    from fastnst import images
    from fastnst.cli import outputs
    from fastnst.models import loading, store
    from fastnst.reports import contact_sheet

    photo = images.to_uint8(images.read(arguments.photo, arguments.size))
    names = arguments.model or list(store.available())
    if not names:
        raise errors.UserError("no models found; train one with fastnst train")
    stem = f"{Path(arguments.photo).stem}-gallery"
    output = outputs.place(arguments.output, stem, ".jpg", numbered=False)
    images.format_of(output)
    outputs.check(output, inputs=[Path(arguments.photo)])
    references = [store.find(name) for name in names]
    pictures = {"photo": photo}
    for given, reference in zip(
        names, tqdm.tqdm(references, unit="model", disable=None), strict=True
    ):
        try:
            model = loading.load(reference)
        except errors.UserError as error:
            # A damaged model that was not asked for should not hide the others.
            if arguments.model:
                raise
            terminal.complain(f"left out: {error}")
            continue
        chosen = reference.style is not None or len(model.styles) == 1
        for style in [None] if chosen else model.styles:
            label = _label(model.name, style, len(references) == 1)
            # Several checkpoints of one model share its name.
            label = _label(given, style) if label in pictures else label
            pictures[label] = model(photo, style)
    if len(pictures) == 1:
        raise errors.UserError("no model can be loaded; name one with --model")
    images.write(output, contact_sheet.render(pictures))
    terminal.result(output, as_json=arguments.json, input=arguments.photo)
    return terminal.DONE


def _label(model: str, style: str | None, alone: bool = False) -> str:
    """Names a picture by its model, its style, or both."""
    if style is None:
        return model
    return style if alone else f"{model} {style}"
