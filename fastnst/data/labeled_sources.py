"""Opens labeled pictures by the value of the key `dataset` of a classification.

It may be the name of one of Keras's data sets; a folder with a folder for each class; idx files
(MNIST); CIFAR-10's binary files; or TFRecord files with labels. Files are given by path, glob or
folder. A folder with parts for training and validation stands for the part that is asked for.
"""

from __future__ import annotations

import dataclasses
import glob
import re
from pathlib import Path

from fastnst import errors, files
from fastnst.data import cifar, class_folders, idx, keras_sets, labeled, labeled_records, source

# How the parts of a data set are named: its folders, or how its files begin.
_TRAINING = ("train", "training", "data_batch")
_VALIDATION = ("validation", "val", "valid", "test", "t10k")


def open_labeled(
    spec: str, *, validation: bool = False, classes: tuple[str, ...] | None = None
) -> labeled.LabeledSet:
    """Opens labeled pictures.

    Args:
        spec: A name of `keras_sets.SETS`, a folder, a file, or a glob pattern.
        validation: Which part to open, if there are several: that to validate on, or that to train
            on.
        classes: Names of the classes in order, for class folders; None for all folders, sorted.

    Raises:
        UserError: If there is nothing to read, or a file is damaged.
    """
    path = files.find(spec)
    kind = files.kind(path)
    if kind is None and spec in keras_sets.SETS:
        return keras_sets.load(spec, validation=validation)
    if kind == "folder":
        return _open_folder(path, validation, classes)
    if kind == "file":
        return _open_files(str(path), [path])
    if any(sign in spec for sign in "*?["):
        matches = sorted(Path(match) for match in glob.glob(str(path), recursive=True))
        if found := [match for match in matches if match.is_file()]:
            return _open_files(spec, found)
        raise errors.UserError(f"{spec}: no file matches; check the folder and pattern")
    hint = errors.did_you_mean(spec, keras_sets.SETS)
    raise errors.UserError(
        f"{spec}: no such file or folder, nor one of Keras's data sets "
        f"({', '.join(keras_sets.SETS)}){hint}"
    )


def open_both(
    spec: str, classes: tuple[str, ...] | None, share: float, seed: int
) -> tuple[labeled.LabeledSet, labeled.LabeledSet]:
    """Opens both parts of a data set: to train on, and to validate on.

    Args:
        spec: As in `open_labeled`.
        classes: As in `open_labeled`.
        share: Share of each class to validate on if there are no parts.
        seed: Seed of their choice.

    Raises:
        UserError: As in `open_labeled`.
    """
    training = open_labeled(spec, classes=classes)
    other = open_labeled(spec, validation=True, classes=classes)
    if other.root == training.root:
        return training.split(share, seed)
    return training, other.with_classes(training.classes)


def _open_folder(
    folder: Path, validation: bool, classes: tuple[str, ...] | None
) -> labeled.LabeledSet:
    try:
        entries = sorted(each for each in folder.iterdir() if not each.name.startswith("."))
    except OSError as error:
        raise errors.UserError(f"{folder}: cannot be read ({error.strerror})") from None
    folders = [each for each in entries if each.is_dir()]
    if part := _part(folders, validation):
        return _open_folder(part[0], validation, classes)
    inside = [each for each in entries if each.is_file()]
    for found in (
        idx.pictures_in(inside),
        [each for each in inside if each.suffix == cifar.SUFFIX],
        [each for each in inside if _is_records(each)],
    ):
        if part := _part(found, validation):
            return _open_files(f"{folder}/{part[0].name}", part)
        if found:
            return _open_files(str(folder), found)
    return class_folders.open_folders(folder, classes)


def _part(paths: list[Path], validation: bool) -> list[Path]:
    """Returns the paths of one part of a data set; none unless there are both parts."""

    def begins(path: Path, words: tuple[str, ...]) -> bool:
        return bool(re.match(rf"({'|'.join(words)})([-_.]|$)", path.name))

    training = [path for path in paths if begins(path, _TRAINING)]
    others = [path for path in paths if begins(path, _VALIDATION)]
    return (others if validation else training) if training and others else []


def _is_records(path: Path) -> bool:
    # The last form is that of build_image_data.
    return source.is_records(path.name) or bool(re.search(r"-\d{5}-of-\d{5}$", path.name))


def _open_files(root: str, paths: list[Path]) -> labeled.LabeledSet:
    return dataclasses.replace(_read_files(root, paths), files=tuple(paths))


def _read_files(root: str, paths: list[Path]) -> labeled.LabeledSet:
    if any(map(idx.is_idx, paths)):
        pictures = idx.pictures_in(paths) or paths
        if len(pictures) > 1:
            raise errors.UserError(
                f"{root}: {pictures[0].name} and {pictures[1].name} are separate sets; name one"
            )
        return idx.open_pair(pictures[0])
    if all(path.suffix == cifar.SUFFIX for path in paths):
        return cifar.open_files(root, paths)
    return labeled_records.open_records(root, paths)
