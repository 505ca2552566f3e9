"""Fast neural style: train a network that stylizes any photo in one style or many, in one pass.

    stylizer = fastnst.load("candy")
    stylized = stylizer(photo)

    folder = fastnst.train({"style_image": "painting.jpg", "naming": "mine"})

docs/python.md shows more; the commands that train, stylize and export are in `fastnst.cli`.
"""

from __future__ import annotations

import collections.abc
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastnst import errors, version

if TYPE_CHECKING:
    from fastnst import config as config_module
    from fastnst import events
    from fastnst.models.classifier import PictureClassifier
    from fastnst.models.stylizer import Stylizer

__version__ = version.VERSION


# TensorFlow takes seconds to import: `import fastnst` and `--help` do not wait for it.
def load(
    name: str | Path,
    precision: str = "auto",
    *,
    runtime: str = "tensorflow",
    **defaults: Any,
) -> Stylizer:
    """Loads a model to stylize with; see `fastnst.models.loading.load`.

    Args:
        name: Name of a model or a style, or the path of one.
        precision: "float32", "bfloat16" or "auto".
        runtime: "tensorflow", or "onnxruntime", which starts sooner, needs less memory, stylizes
            whole photos in float32, and takes the extra `onnx`.
        **defaults: Choices for all calls: style, strength, stroke, colors, masks, grain, seed.
    """
    if runtime == "onnxruntime":
        if precision == "bfloat16":
            raise errors.UserError(
                "precision bfloat16: is not available with onnxruntime; use precision float32, or "
                "runtime tensorflow"
            )
        from fastnst.export import portable

        return portable.load(name, **defaults)
    if runtime != "tensorflow":
        raise errors.UserError(f"runtime {runtime}: should be tensorflow or onnxruntime")
    from fastnst.models import loading

    return loading.load(name, precision, **defaults)


def load_classifier(name: str | Path) -> PictureClassifier:
    """Loads a classifier; see `fastnst.models.classifier.PictureClassifier`.

    Args:
        name: Name of a model in ./models, or the path of a run.

    Raises:
        UserError: If there is no such model, it is no classifier, or it is damaged.
    """
    from fastnst.models import classifier

    return classifier.load(name)


def train(
    config: str | Path | collections.abc.Mapping[str, Any] | config_module.Config,
    *,
    on_event: collections.abc.Callable[[events.Event], None] | None = None,
    dataset: collections.abc.Iterable[Any] | None = None,
    fresh: bool = False,
) -> Path:
    """Trains a style, or many, and returns the model's folder, which `load` takes.

    A run of the same name is resumed; a finished one returns at once.

    Args:
        config: A conf file or the name of one, a mapping of its keys, or a `fastnst.config.Config`.
        on_event: Receives every event of `fastnst.events`.
        dataset: Batches of photos, float32 RGB [B, H, W, 3] in [0, 255] of one size, from any
            iterable that can be read more than once, such as a `tf.data.Dataset`; None for the
            photos that the configuration names.
        fresh: Whether to start over; an earlier run is moved aside.

    Raises:
        UserError: If the configuration or a file that it names is wrong.
    """
    from fastnst.training.tasks import session

    return session.train(config, on_event=on_event, dataset=dataset, fresh=fresh)
