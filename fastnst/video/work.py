"""The work folder of a video: finished segments, so that an interrupted command can resume."""

from __future__ import annotations

import collections.abc
import contextlib
import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from fastnst import errors, files, locks

_JOB, _PROGRESS = "job.json", "progress.json"


@dataclasses.dataclass(frozen=True)
class Segment:
    """A finished segment.

    Attributes:
        frames: Number of its frames.
        start: Time of its first frame, in units of the video's time base.
    """

    frames: int
    start: int


class WorkFolder:
    """The folder OUT.part beside a video OUT.

    Attributes:
        path: The folder.
        segments: The finished segments, in order.
    """

    def __init__(self, output: Path, job: collections.abc.Mapping[str, Any]) -> None:
        """Creates the folder, or opens that of an interrupted command.

        Args:
            output: The video to make.
            job: All that decides how it looks, as JSON.

        Raises:
            UserError: If the folder is that of another job, damaged, or cannot be written, or
                another process writes to it.
        """
        self.path = output.with_name(f"{output.name}.part")
        self._lock = locks.hold_if_possible(self.path)
        self.segments: list[Segment] = []
        text = json.dumps(job, indent=2)
        if (self.path / _JOB).is_file():
            self._check(json.loads(text))
            if (self.path / _PROGRESS).is_file():
                with self._intact(_PROGRESS) as path:
                    entries = json.loads(files.read(path))
                    self.segments = [
                        Segment(int(entry["frames"]), int(entry["start"])) for entry in entries
                    ]
            for index in range(len(self.segments)):
                with self._intact(self.file(index).name) as path:
                    path.stat()
        else:
            files.write(self.path / _JOB, text)

    @property
    def frames(self) -> int:
        """Number of frames in the finished segments."""
        return sum(segment.frames for segment in self.segments)

    def file(self, index: int) -> Path:
        """Returns the path of a segment."""
        return self.path / f"{index:06d}.mp4"

    @contextlib.contextmanager
    def new_segment(self) -> collections.abc.Iterator[NewSegment]:
        """Yields the files of the next segment, which is finished once the block ends.

        If the block raises, the files are deleted.

        Raises:
            UserError: If they cannot be written.
        """
        index = len(self.segments)
        try:
            with files.staging(self.path) as staged:
                new = NewSegment(staged / self.file(index).name, staged / self._state(index).name)
                yield new
            segments = [*self.segments, Segment(new.frames, new.start)]
            listed = [dataclasses.asdict(segment) for segment in segments]
            # From here on the segment counts, so its files must be in place.
            files.write(self.path / _PROGRESS, json.dumps(listed))
        except OSError as error:
            raise errors.UserError(f"{self.path}: cannot be written ({error.strerror})") from None
        self.segments = segments
        self._state(index - 1).unlink(missing_ok=True)

    def state(self) -> np.ndarray | None:
        """Returns the state after the last segment, or None if there is none.

        Raises:
            UserError: If it is damaged.
        """
        name = self._state(len(self.segments) - 1).name
        if not (self.path / name).is_file():
            return None
        with self._intact(name) as path:
            return np.load(path)

    def remove(self) -> None:
        """Deletes the folder."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _state(self, index: int) -> Path:
        return self.path / f"{index:06d}.npy"

    def _check(self, job: dict[str, Any]) -> None:
        with self._intact(_JOB) as path:
            earlier = dict(json.loads(files.read(path)))
        for name, value in job.items():
            if earlier.get(name) != value:
                raise errors.UserError(
                    f"{self.path}: holds an unfinished video with another {name} "
                    f"({earlier.get(name)}, now {value}); repeat the earlier command to finish "
                    "it, or delete the folder"
                )

    @contextlib.contextmanager
    def _intact(self, name: str) -> collections.abc.Iterator[Path]:
        """Yields the path of a file; if the block fails to read it, says that it is damaged."""
        path = self.path / name
        try:
            yield path
        except (OSError, ValueError, KeyError, TypeError, EOFError, RecursionError):
            raise errors.UserError(
                f"{path}: missing or damaged; delete the folder to start the video over"
            ) from None


@dataclasses.dataclass
class NewSegment:
    """A segment that is being made.

    Attributes:
        video: The file to encode into.
        state: The file for the state after the segment.
        frames: Number of its frames so far.
        start: Time of its first frame, in units of the video's time base.
    """

    video: Path
    state: Path
    frames: int = 0
    start: int = 0

    def save_state(self, state: np.ndarray) -> None:
        """Writes the state after the segment."""
        np.save(self.state, state)
