"""Writes class folders as TFRecord shards with labels, for training and validation.

Two schemas: that of `writer` with the keys of build_image_data of the Inception tutorials
(`image/class/label`, counted from 1, `image/class/text`, `image/colorspace` and
`image/channels`); and the raw one of Stanford's CS 20
course: `label`, counted from 0, `shape` as int32 bytes, and `image`, the uint8 pixels.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnst import errors, events, files, images
from fastnst.data import class_folders, listing, manifest, writer

if TYPE_CHECKING:
    import tensorflow as tf

LABELS = "labels.txt"
SCHEMAS = ("encoded", "raw")


@dataclasses.dataclass(frozen=True)
class Part:
    """A part of a data set.

    Attributes:
        source: A folder, or a zip archive, that holds a folder for each class.
        shards: Number of files; None for one per 1,024 pictures.
    """

    source: Path
    shards: int | None = None


def write(
    parts: Mapping[str, Part],
    out: Path,
    *,
    labels_file: Path | None = None,
    schema: str = SCHEMAS[0],
    workers: int | None = None,
    max_side: int | None = None,
    max_pixels: int | None = None,
    on_event: events.Action = lambda event: None,
) -> dict[str, manifest.Manifest]:
    """Writes each part to a folder of its own, out/train/train-00000-of-00002.tfrecord and so on.

    The names of the classes are written to out/labels.txt, one per line, in the order of their
    numbers. Pictures outside of the classes' folders are skipped and listed in the manifest.

    Args:
        parts: The parts by name, such as "train"; the first one defines the classes.
        out: Output folder.
        labels_file: Text file with the classes to write, one per line, in order; None for all
            folders of the first part, sorted.
        schema: One of `SCHEMAS`.
        workers: Number of decoding threads; None for one per CPU.
        max_side: Limit of the longer side in pixels, to which larger pictures are shrunk.
        max_pixels: The most pixels that a picture may have; None for `formats.MAX_PIXELS`.
        on_event: Receives events whose steps are pictures.

    Returns:
        The manifest of each part.

    Raises:
        UserError: If there is nothing to read, a part has other classes, or `out` holds other
            records.
    """
    found = {name: _classes(listing.photos(part.source)) for name, part in parts.items()}
    if labels_file is not None:
        classes = class_folders.read_labels(labels_file)
    else:
        first, *others = parts
        classes = found[first]
        for other in others:
            if unknown := sorted(set(found[other]) - set(classes)):
                raise errors.UserError(
                    f"{parts[other].source}: has folders that {parts[first].source} lacks: "
                    f"{', '.join(unknown[:5])}; name the classes in a --labels_file"
                )
    if not classes:
        raise errors.UserError(
            f"{next(iter(parts.values())).source}: holds no folders of pictures; put the pictures "
            "of each class into a folder that is named after it"
        )
    written = {
        name: writer.write(
            part.source,
            out / name,
            shards=part.shards,
            workers=workers,
            max_side=max_side,
            max_pixels=max_pixels,
            content=_content(name, classes, schema),
            on_event=on_event,
        )
        for name, part in parts.items()
    }
    files.write(out / LABELS, "".join(f"{name}\n" for name in classes))
    return written


def _classes(found: listing.Listing) -> tuple[str, ...]:
    return tuple(sorted({name.partition("/")[0] for name in found.sizes if "/" in name}))


def _content(prefix: str, classes: tuple[str, ...], schema: str) -> writer.Content:
    numbers = {name: number for number, name in enumerate(classes)}

    def of_class(
        prepare: Callable[[bytes, str, int | None, int | None], Any],
    ) -> Callable[[bytes, str, int | None, int | None], Any]:
        def checked(data: bytes, name: str, side: int | None, pixels: int | None) -> Any:
            if name.partition("/")[0] not in numbers:
                raise errors.UserError(f"{name}: is not in the folder of a class")
            return prepare(data, name, side, pixels)

        return checked

    def encoded(name: str, photo: writer.Photo) -> tf.train.Example:
        example = writer.example(name, photo)
        text = name.partition("/")[0]
        # 0 is the background, as in the Inception tutorials.
        example.features.feature["image/class/label"].CopyFrom(writer.number(numbers[text] + 1))
        example.features.feature["image/class/text"].CopyFrom(writer.text(text.encode()))
        example.features.feature["image/colorspace"].CopyFrom(writer.text(b"RGB"))
        example.features.feature["image/channels"].CopyFrom(writer.number(3))
        return example

    def raw(name: str, pixels: np.ndarray) -> tf.train.Example:
        import tensorflow as tf

        feature = {
            "label": writer.number(numbers[name.partition("/")[0]]),
            "shape": writer.text(np.array(pixels.shape, "<i4").tobytes()),
            "image": writer.text(pixels.tobytes()),
        }
        return tf.train.Example(features=tf.train.Features(feature=feature))

    facts = {"classes": list(classes), "schema": schema}
    if schema == "raw":
        return writer.Content(prefix, of_class(_pixels), raw, facts)
    return writer.Content(prefix, of_class(writer.prepare), encoded, facts)


def _pixels(data: bytes, name: str, max_side: int | None, max_pixels: int | None) -> np.ndarray:
    """Returns the pixels of an image file, uint8 RGB [H, W, 3]."""
    pixels = images.flattened(images.decode_picture(data, name, max_pixels))
    longer = max(pixels.shape[:2])
    if max_side is None or longer <= max_side:
        return pixels
    height, width = (max(1, round(size * max_side / longer)) for size in pixels.shape[:2])
    return images.resize(pixels, height, width)
