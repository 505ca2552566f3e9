"""The files that a configuration names: photos, paintings, and the loss network."""

from __future__ import annotations

import collections.abc
import contextlib
import dataclasses
import traceback
from pathlib import Path

import numpy as np
import tensorflow as tf

from fastnst import cluster, config, data, errors, files, images, photo_files
from fastnst.config import schema
from fastnst.features import loss_network, networks
from fastnst.losses import auto_weight, perceptual

# What an exchange with a process that has ended, or that does not answer, raises.
_LOST = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
    tf.errors.UnavailableError,
)
# Shorter side of the photos from which `style_weight: auto` is computed, in pixels.
_STRENGTH_SIDE = 256


def open_dataset(settings: schema.Data) -> data.PhotoSource:
    """Opens the photos to train on.

    Raises:
        UserError: If there are none, or fewer than a batch needs.
    """
    return open_pictures("dataset", settings.dataset, settings)


def open_pictures(key: str, spec: str, settings: schema.Data) -> data.PhotoSource:
    """Opens the pictures that a key names.

    Args:
        key: The key.
        spec: Its value, as in `data.open_photos`.
        settings: The size of a batch, and the most pixels that a picture may have.

    Raises:
        UserError: If there are none, or fewer than a batch needs.
    """
    with blaming(key):
        found = spec if spec == data.BUNDLED else str(files.find(spec))
        source = data.open_photos(found, max_pixels=settings.max_pixels)
    if source.count < settings.batch_size:
        raise errors.UserError(
            f"batch_size: {settings.batch_size} is more than the {source.count:,} photos of "
            f"{source.root}; use a smaller batch_size or more photos"
        )
    return source


def read_validation(settings: schema.Data) -> tuple[tuple[Path, ...], list[np.ndarray]]:
    """Reads the photos to validate on.

    Returns:
        The files, and the photos, scaled to a shorter side of `image_size`, uint8 RGB [H, W, 3]
        each.

    Raises:
        UserError: If there are none, or one cannot be read.
    """
    with blaming("validation"):
        paths = validation_paths(settings.validation)
        photos = [
            images.read(path, settings.image_size, max_pixels=settings.max_pixels) for path in paths
        ]
        return paths, [images.to_uint8(photo) for photo in photos]


@contextlib.contextmanager
def readable(
    source: data.PhotoSource | None, place: str, remedy: collections.abc.Callable[[], str]
) -> collections.abc.Iterator[None]:
    """Turns errors of a training run into UserErrors.

    Args:
        source: The photos; None for a custom data set.
        place: Name of the run, which begins the message.
        remedy: Returns advice to the user, which ends the message.

    Raises:
        UserError: If no photo can be read, if the disk or the memory is full, or if another process
            of the cluster was lost.
    """
    try:
        with contextlib.nullcontext() if source is None else data.user_errors(source):
            yield
    except tf.errors.ResourceExhaustedError as error:
        # Also TensorFlow's name for a full disk.
        if _is_of_files(error, place):
            raise _unwritable(error, place, remedy()) from None
        raise errors.UserError(
            f"{place}: not enough memory for a step; set a smaller batch_size or image_size and "
            f"{remedy()}"
        ) from None
    except (OSError, tf.errors.OpError) as error:
        if isinstance(error, OSError) or _is_of_files(error, place):
            raise _unwritable(error, place, remedy()) from None
        if cluster.from_environment() and isinstance(error, _LOST):
            # TensorFlow's exchange leaves a pool of threads in the error's frames, which would
            # complain in its finalizer when the interpreter ends.
            traceback.clear_frames(error.__traceback__)
            raise errors.UserError(
                f"{place}: a worker of the cluster, or the connection to it, was lost; with the "
                f"same or another number of workers, {remedy()}"
            ) from None
        raise


# How TensorFlow and the system say that a disk, a quota or the largest size of a file is reached.
_FULL = {
    "No space left": "no space left on the disk",
    "Disk quota exceeded": "the quota of the disk is exceeded",
    "File too large": "the largest size of a file is reached",
}


def _is_of_files(error: tf.errors.OpError, place: str) -> bool:
    return any(phrase in error.message for phrase in (*_FULL, place))


def _unwritable(error: Exception, place: str, remedy: str) -> errors.UserError:
    """Returns the error of a run whose files cannot be read or written any more."""
    if full := [reason for phrase, reason in _FULL.items() if phrase in str(error)]:
        return errors.UserError(f"{place}: {full[0]}; make room and {remedy}")
    reason = getattr(error, "strerror", None) or str(error).strip().splitlines()[0]
    name = getattr(error, "filename", None)
    where = f"{name}: " if name and str(name) != place else ""
    return errors.UserError(f"{place}: cannot be written ({where}{reason}); {remedy}")


def validation_paths(spec: str) -> tuple[Path, ...]:
    """Lists the photos to validate on.

    Args:
        spec: The value of the key `validation`: bundled, or a folder of photos.

    Raises:
        UserError: If there are none, or the folder holds records.
    """
    if spec == data.BUNDLED:
        return photo_files.bundled()
    folder = files.find(spec)
    source = data.open_photos(str(folder))
    if source.kind != "folder":
        raise errors.UserError(f"{folder} holds records; name a folder of photos")
    return tuple(Path(path) for path in source.files)


def make_objectives(
    settings: config.Config, dtype: tf.DType = tf.float32
) -> tuple[dict[str, perceptual.PerceptualLoss], dict[str, list[np.ndarray]]]:
    """Builds the objective of each style.

    Args:
        settings: The configuration.
        dtype: Dtype in which the loss network computes.

    Returns:
        The objectives, and the style images, float32 RGB [H, W, 3] in [0, 255] each, both by name
        of the style. A style may have several paintings; its target is the mean of their Gram
        matrices.

    Raises:
        UserError: If a style image or the loss network's file is missing or invalid, or if
            `style_weight: auto` cannot be computed.
    """
    with blaming("loss_model_file"):
        path, model = settings.loss_network.loss_model_file, settings.loss_network.loss_model
        weights, mean = networks.read_weights(files.find(path), model)
    used = {
        layer: None
        for style in settings.styles.values()
        for layer in (*style.content_layers, *style.style_layers)
    }
    network = loss_network.LossNetwork(weights, used, dtype, model=model, mean_rgb=mean)
    objectives = {}
    paintings: dict[str, list[np.ndarray]] = {}
    for name, style in settings.styles.items():
        with blaming(key_of(settings, name, "style_image")):
            side = style.side(settings.data.image_size)
            paintings[name] = read_paintings(
                files.find(style.style_image), side, settings.data.max_pixels
            )
        with blaming(name) if len(settings.styles) > 1 else contextlib.nullcontext():
            chosen = _weights(style, network, paintings[name])
        shares = [(painting, 1.0) for painting in paintings[name]]
        objectives[name] = perceptual.PerceptualLoss(network, shares, chosen)
    return objectives, paintings


def read_paintings(path: Path, side: int, max_pixels: int | None = None) -> list[np.ndarray]:
    """Reads a painting, or all paintings in a folder, each with a shorter side of `side` pixels.

    Args:
        path: The file or folder.
        side: Shorter side, in pixels.
        max_pixels: The most pixels that a painting may have; None for `formats.MAX_PIXELS`.

    Returns:
        float32 RGB [H, W, 3] in [0, 255] each.

    Raises:
        UserError: If there is none, or one cannot be read.
    """
    return [images.read(painting, side, max_pixels=max_pixels) for painting in painting_files(path)]


def painting_files(path: Path) -> list[Path]:
    """Returns a painting's file, or those of all paintings in a folder.

    Raises:
        UserError: If the folder has none.
    """
    if files.kind(path) != "folder":
        return [path]
    return [path / name for name in photo_files.photos_in(path)]


def key_of(settings: config.Config, style: str, key: str) -> str:
    """Returns the key of a style as the conf file spells it."""
    return key if len(settings.styles) == 1 else f"styles.{style}.{key}"


def _weights(
    style: config.Style, network: loss_network.LossNetwork, paintings: list[np.ndarray]
) -> perceptual.Weights:
    weights = perceptual.Weights(
        content=style.content_weight,
        style=1.0,
        tv=style.tv_weight,
        content_layers=style.content_layers,
        style_layers=style.style_layers,
    )
    if isinstance(style.style_weight, float):
        weight = style.style_weight
    else:
        paths = validation_paths(data.BUNDLED)
        photos = [images.read(path, _STRENGTH_SIDE) for path in paths]
        weight = auto_weight.style_weight(network, paintings, photos, weights)
    return dataclasses.replace(weights, style=weight * style.strength)


@contextlib.contextmanager
def blaming(key: str) -> collections.abc.Iterator[None]:
    """Prefixes the message of a UserError with the configuration key that caused it."""
    try:
        yield
    except errors.UserError as error:
        raise errors.UserError(f"{key}: {error}") from None
