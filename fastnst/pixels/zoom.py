"""Writes an endless zoom: each frame is a dream of the enlarged frame before it."""

from __future__ import annotations

import collections.abc
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from fastnst import errors, events, files, images, locks
from fastnst.pixels import deepdream

# FFmpeg's pattern of the frames' names. PNG, because each frame begins with the one before.
PATTERN = "%05d.png"
_NOTE = "dream.json"


def write(
    dreamer: deepdream.Dreamer,
    first: np.ndarray,
    count: int,
    rate: float,
    folder: Path,
    settings: collections.abc.Mapping[str, Any],
    on_event: events.Action = lambda event: None,
) -> int:
    """Writes the frames that are not there yet into a folder.

    Args:
        dreamer: Dreams.
        first: The picture to start from, RGB [H, W, 3] in [0, 255].
        count: Number of frames.
        rate: Enlargement per frame, at least 1.
        folder: The folder of the frames.
        settings: All that decides how the frames look, as JSON. Frames that exist are kept only if
            they were made with the same settings.
        on_event: Receives a `Started`, a `Step` after each frame, and a `Finished`.

    Returns:
        Number of frames in the folder: less than `count` after Ctrl-C.

    Raises:
        UserError: If the folder holds frames of other settings, or cannot be written, or another
            process writes to it.
    """
    # Held until this function returns.
    _lock = locks.hold_if_possible(folder)
    done = _resume(folder, settings)
    picture = _frame(folder, done) if done else first
    on_event(events.Started(done, max(count, done), items="frames"))
    while done < count:
        start = deepdream.enlarged(picture, rate) if done else picture
        result = dreamer(start)
        if result.interrupted:
            break
        done += 1
        # As the next run would read it, so that a resumed zoom is the same.
        picture = images.to_uint8(result.picture)
        images.write(folder / (PATTERN % done), picture)
        on_event(events.Step(done, count))
    on_event(events.Finished(done, count))
    return done


def _resume(folder: Path, settings: collections.abc.Mapping[str, Any]) -> int:
    """Returns the number of frames that are done, and notes the settings."""
    note = folder / _NOTE
    text = json.dumps(dict(settings), indent=2, sort_keys=True) + "\n"
    present = {path.name for path in folder.glob("*.png")}
    begun = any(re.fullmatch(r"\d{5}\.png", name) for name in present)
    if begun and not (note.is_file() and files.read(note) == text.encode()):
        raise errors.UserError(
            f"{folder}: contains frames that were made with other options; choose another "
            "folder with -o, or delete it"
        )
    files.write(note, text)
    done = 0
    while PATTERN % (done + 1) in present:
        done += 1
    return done


def _frame(folder: Path, number: int) -> np.ndarray:
    return images.decode(images.read_bytes(folder / (PATTERN % number)))
