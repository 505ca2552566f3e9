"""Painting: a model found by name, restored once, called on many photos.

Nothing of training is imported here: no loss network, no data pipeline.
"""

from __future__ import annotations

import collections.abc
from pathlib import Path

import numpy as np
import tensorflow as tf

from fastnst import checkpoint, devices, errors, images
from fastnst.nets import strips, transform_net

PROJECT_ROOT = Path(__file__).resolve().parent.parent
SHIPPED = PROJECT_ROOT / "pretrained"
WEIGHTS = "weights.ckpt"
# Where TensorFlow notes which of the checkpoints in a folder is the newest.
_STATE = "checkpoint"
_SAVED_MODEL = "saved_model.pb"
# Pixels of the largest photo that is painted as a whole.
_LARGE = 2048 * 2048
Paint = collections.abc.Callable[[tf.Tensor], tf.Tensor]


class Stylizer:
    """Paints photos with one trained network.

    Example:
        >>> stylizer = fastnst.load("candy")
        >>> painted = stylizer(photo)  # uint8 [H, W, 3] in, uint8 [H, W, 3] out
    """

    def __init__(self, paint: Paint, name: str) -> None:
        """Wraps a function.

        Args:
            paint: Maps float32 RGB [B, H, W, 3] in [0, 255] to the same, or to uint8.
            name: What to call the model.
        """
        self._paint = paint
        self.name = name

    def __call__(self, photos: np.ndarray) -> np.ndarray:
        """Paints one photo, or a batch of photos of one size.

        Args:
            photos: RGB [H, W, 3] or [B, H, W, 3] in 0..255, uint8 or float, at least 16 x 16;
                or what NumPy makes such an array of, for example an RGB image of Pillow.

        Returns:
            uint8 of the same shape.

        Raises:
            UserError: If the array has another shape, or holds no numbers, or the device has not
                memory enough.
        """
        photos = np.asarray(photos)
        shape = photos.shape
        if len(shape) not in (3, 4) or shape[-1] != 3:
            raise errors.UserError(
                f"expected RGB of shape [H, W, 3] or [B, H, W, 3], found {list(shape)}"
            )
        if not (np.issubdtype(photos.dtype, np.number) and np.isfinite(photos).all()):
            raise errors.UserError(
                f"expected finite numbers in 0..255, found others, or none ({photos.dtype})"
            )
        height, width = shape[-3:-1]
        if min(height, width) < transform_net.MIN_SIDE:
            raise errors.UserError(
                f"{width} x {height} pixels is too small to paint; each side should be at least "
                f"{transform_net.MIN_SIDE}"
            )
        if not photos.size:
            return np.zeros(shape, np.uint8)
        batch = photos if len(shape) == 4 else photos[np.newaxis]
        try:
            # Not .numpy(), which copies.
            painted = np.asarray(self._paint(tf.constant(batch, tf.float32)))
        except tf.errors.ResourceExhaustedError:
            raise errors.UserError(
                f"{len(batch)} of {width} x {height} pixels: not enough memory to paint; scale it "
                "down (--size), or paint fewer at once (--batch)"
            ) from None
        return images.to_uint8(painted).reshape(shape)


def load(name: str | Path, precision: str = "auto") -> Stylizer:
    """Loads a model to paint with.

    Args:
        name: A model's name, looked for below ./models and then among those that come with
            fastnst; or the path of a run, of a checkpoint, or of an exported SavedModel.
        precision: "float32"; "bfloat16", which differs by a level of 255 here and there; or "auto"
            for bfloat16 where the device is fast at it. A SavedModel keeps its own.

    Raises:
        UserError: If there is no such model; the message lists those that there are.
    """
    path = find(name)
    label = name_of(path)
    if (path / _SAVED_MODEL).exists():
        return Stylizer(_saved_model(path), label)
    return Stylizer(_painter(load_net(path, devices.compute_dtype(precision))), label)


def _painter(net: transform_net.TransformNet) -> Paint:
    # What is constant can be worked out beforehand, and one photo has the faster norms.
    net = net.frozen()
    paint_one, paint_several = (
        tf.function(net, [tf.TensorSpec([count, None, None, 3])], autograph=False)
        for count in (1, None)
    )

    def paint(photos: tf.Tensor) -> tf.Tensor:
        return paint_one(photos) if len(photos) == 1 else paint_several(photos)

    # A GPU is faster at photos as a whole; the lite network needs a quarter of the memory anyway.
    if net.architecture.lite or tf.config.list_physical_devices("GPU"):
        return paint
    paint_in_strips = strips.StripPainter(net)

    def paint_by_size(photos: tf.Tensor) -> tf.Tensor:
        if photos.shape[1] * photos.shape[2] <= _LARGE:
            return paint(photos)
        return tf.concat([paint_in_strips(photo) for photo in tf.split(photos, len(photos))], 0)

    return paint_by_size


def load_net(path: Path, compute_dtype: tf.DType = tf.float32) -> transform_net.TransformNet:
    """Restores the network itself.

    Args:
        path: As `find` returns it, but no SavedModel.
        compute_dtype: What its convolutions compute in.

    Raises:
        UserError: If what lies there is no transform net.
    """
    if (path / _SAVED_MODEL).exists():
        raise errors.UserError(f"{path}: is exported already; name the run it came from")
    if path.is_dir():
        shipped, of_run = path / WEIGHTS, path / "checkpoints"
        folder = of_run if of_run.is_dir() else path
        saved = str(shipped) if _is_checkpoint(shipped) else checkpoint.newest(folder)
        if saved is None:
            raise errors.UserError(f"{path}: has no checkpoint yet; let it train a while")
        path = Path(saved)
    try:
        return transform_net.TransformNet.from_tensors(checkpoint.read_net(path), compute_dtype)
    except errors.UserError as error:
        named = str(path) in str(error)
        raise errors.UserError(str(error) if named else f"{path}: {error}") from None


def find(name: str | Path) -> Path:
    """Finds a model by name or path.

    Raises:
        UserError: If there is none; the message lists those that there are.
    """
    named = Path(name)
    if len(named.parts) == 1:
        for folder in (Path("models"), SHIPPED):
            if _is_model(folder / named):
                return folder / named
    named = named.expanduser()
    if _is_model(named) or _is_checkpoint(named) or (named / _STATE).is_file():
        return named
    known = available()
    hint = errors.did_you_mean(str(name), known)
    listing = f"models here: {', '.join(known)}" if known else "none here yet"
    raise errors.UserError(f"no model {name}{hint} ({listing}; train.py trains one)")


def available() -> dict[str, Path]:
    """The models that can be loaded by name from here, and where they lie."""
    folders = [folder for folder in (SHIPPED, Path("models")) if folder.is_dir()]
    found = (path for folder in folders for path in folder.iterdir() if _is_model(path))
    return dict(sorted((path.name, path) for path in found))


def _is_model(path: Path) -> bool:
    return (
        (path / _SAVED_MODEL).exists()
        or _is_checkpoint(path / WEIGHTS)
        or (path / "checkpoints" / _STATE).is_file()
    )


def _is_checkpoint(path: Path) -> bool:
    return path.is_file() or Path(f"{path}.index").is_file()


def name_of(path: Path) -> str:
    """The model's name, also where the path leads into its folder."""
    folder = path.resolve()
    if not folder.is_dir():
        folder = folder.parent
    if folder.parent.name == "checkpoints":
        folder = folder.parent
    return folder.parent.name if folder.name == "checkpoints" else folder.name


def _saved_model(path: Path) -> Paint:
    try:
        signature = tf.saved_model.load(str(path)).signatures["serving_default"]
        (given,) = signature.structured_input_signature[1]
        (returned,) = signature.structured_outputs
    except (OSError, KeyError, ValueError, tf.errors.OpError) as error:
        reason = str(error).strip().splitlines()[0]
        raise errors.UserError(f"{path}: not an exported style ({reason})") from None
    return lambda photos: signature(**{given: photos})[returned]
