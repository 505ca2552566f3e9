"""Two domains of pictures, such as photos and the paintings of a painter, in unpaired batches."""

from __future__ import annotations

import collections.abc
import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from fastnst.config import schema
from fastnst.data import feed, pipeline
from fastnst.data import source as source_module

# Added to the seed, so that the order of the domain is independent of that of the photos.
_OF_DOMAIN = 2**33
# A position in both is one number, because a checkpoint has one: the photos' times this, plus the
# domain's.
_LIMIT = 2**31


class UnpairedFeed:
    """Yields batches of photos and of as many pictures of a domain, each in its own random order.

    Order and crops depend only on the seed and the position, so that a run resumes exactly, even
    if pictures that cannot be used are skipped in either.
    """

    def __init__(
        self,
        photos: source_module.PhotoSource,
        domain: source_module.PhotoSource,
        settings: schema.Data,
        strategy: tf.distribute.Strategy | None = None,
    ) -> None:
        """Reads nothing yet.

        Args:
            photos: The photos.
            domain: The pictures of the domain.
            settings: As in `feed.PhotoFeed`.
            strategy: As in `feed.PhotoFeed`.
        """
        of_domain = dataclasses.replace(settings, seed=settings.seed + _OF_DOMAIN)
        self._sources = photos, domain
        self._feeds = (
            feed.PhotoFeed(photos, settings, strategy),
            feed.PhotoFeed(domain, of_domain, strategy),
        )

    def __call__(
        self, step: int, position: int, on_skip: feed.OnSkip
    ) -> collections.abc.Iterator[tuple[tuple[Any, Any], int]]:
        """Yields pairs of batches endlessly, starting at a position.

        Args:
            step: Step of the first pair.
            position: The position after the last pair, 0 at the beginning.
            on_skip: As in `feed.PhotoFeed`.

        Yields:
            Photos and pictures of the domain, float32 RGB [batch_size, size, size, 3] in [0, 255]
            each, and the position after them.

        Raises:
            UserError: If no picture of one of them could be used for an epoch.
        """
        photos, domain = (
            _until_useless(each(step, start, on_skip), source)
            for each, start, source in zip(
                self._feeds, divmod(position, _LIMIT), self._sources, strict=True
            )
        )
        for (photo, after_photos), (picture, after_domain) in zip(photos, domain, strict=True):
            yield (photo, picture), after_photos * _LIMIT + after_domain


def _until_useless(
    batches: collections.abc.Iterator[tuple[Any, int]], source: source_module.PhotoSource
) -> collections.abc.Iterator[tuple[Any, int]]:
    with pipeline.user_errors(source):
        yield from batches


def sample(source: source_module.PhotoSource, image_size: int, most: int) -> list[np.ndarray]:
    """Returns crops of a source to compare with, as those to train on; the same at each call.

    Args:
        source: The pictures.
        image_size: Height and width of the crops.
        most: Number of pictures; fewer if the source has fewer.

    Returns:
        float32 RGB [image_size, image_size, 3] in [0, 255] each.

    Raises:
        UserError: If none can be used.
    """
    count = min(most, source.count)
    # Shuffled, because records are often sorted.
    batches = pipeline.batches(source, image_size=image_size, batch_size=1)
    with pipeline.user_errors(source):
        found = [picture.numpy()[0] for picture, _ in batches.take(count)]
        if not found:
            raise tf.errors.OutOfRangeError(None, None, "no picture could be used")
    return found
