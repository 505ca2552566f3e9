"""`fastnst stylize-records`: stylizes photos on many machines, with Apache Beam.

fastnst stylize-records --model candy --images "photos/**" -o stylized
"""

from __future__ import annotations

import argparse
import collections.abc

from fastnst import errors, formatting
from fastnst.cli import options, terminal

# Lines on skipped photos that are shown; the file has all.
_SHOWN = 20


def make_parser(program: str) -> argparse.ArgumentParser:
    """Describes the command line."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Stylize photos on many machines, with Apache Beam. Paths may be of any file "
        "system that Beam knows, such as gs://bucket/photos/*.jpg.",
        epilog="All other options are Beam's, such as --runner; see docs/scaling.md.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--model", required=True, metavar="NAME|DIR", help="model or style, as for fastnst eval"
    )
    photos = parser.add_mutually_exclusive_group(required=True)
    photos.add_argument("--images", metavar="PATTERN", help="image files to stylize")
    photos.add_argument("--records", metavar="PATTERN", help="TFRecord files of photos to stylize")
    parser.add_argument(
        "-o", "--output", required=True, metavar="DIR", help="folder for the stylized photos"
    )
    parser.add_argument(
        "--to", choices=("files", "records"), default="files", help="what to write (default: files)"
    )
    parser.add_argument(
        "--size", type=terminal.positive, metavar="PX", help="shorter side to scale the photos to"
    )
    parser.add_argument(
        "--quality", type=terminal.quality, default=92, metavar="Q", help="of JPEG (default: 92)"
    )
    options.add_output(parser)
    return parser


def main(
    argv: collections.abc.Sequence[str] | None = None, program: str = "fastnst stylize-records"
) -> int:
    """Runs the command and returns its exit code."""
    arguments, for_beam = make_parser(program).parse_known_args(argv)
    return terminal.guarded(program, lambda: _run(arguments, for_beam), quiet=arguments.quiet)


def _run(arguments: argparse.Namespace, for_beam: list[str]) -> int:
    terminal.import_tensorflow()
    try:
        import apache_beam as beam
        from apache_beam.options import pipeline_options
    except ImportError:
        raise errors.UserError('needs Apache Beam: pip install "fastnst[beam]"') from None
    from fastnst.data import schemas, writer
    from fastnst.models import store
    from fastnst.painting import beam as painting

    # A model that is missing would fail on every machine.
    store.find(arguments.model)
    as_records = arguments.to == "records"
    painter = painting.Paint(
        arguments.model,
        to_files=not as_records,
        size=arguments.size,
        quality=arguments.quality,
        file_format="JPEG" if as_records else None,
    )
    pattern = arguments.images or arguments.records
    pipeline = beam.Pipeline(options=pipeline_options.PipelineOptions(for_beam))
    if arguments.images:
        photos = painting.image_files(pipeline, pattern)
    else:
        photos = painting.records(pipeline, pattern, schemas.named_photo)
    stylized = painting.stylize(photos, arguments.output, painter)
    if as_records:
        painting.write_records(stylized, arguments.output, writer.record)
    else:
        painting.write_files(stylized, arguments.output)
    try:
        result = pipeline.run()
        result.wait_until_finish()
    except OSError as error:
        raise errors.UserError(f"{pattern}: {error}") from None
    painted, skipped = (
        painting.count(result, name) for name in (painting.PAINTED, painting.SKIPPED)
    )
    if skipped:
        lines = painting.skipped(arguments.output)
        for line in lines[:_SHOWN]:
            terminal.say(line)
        if len(lines) > _SHOWN:
            terminal.say(f"... and {len(lines) - _SHOWN:,} more")
    if not painted:
        raise errors.UserError(f"{pattern}: no photo could be stylized; {skipped:,} were skipped")
    photos = formatting.count(painted, "photo")
    terminal.show(f"{arguments.output}: {photos} stylized; {skipped:,} skipped")
    return terminal.DONE
