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

from fastnst import errors, files

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
            UserError: If the folder is that of another job, or cannot be written.
        """
        self.path = output.with_name(f"{output.name}.part")
        self.segments: list[Segment] = []
        text = json.dumps(job, indent=2)
        if (self.path / _JOB).is_file():
            self._check(json.loads(text))
            with contextlib.suppress(FileNotFoundError):
                entries = json.loads((self.path / _PROGRESS).read_text(encoding="utf-8"))
                self.segments = [Segment(**entry) for entry in entries]
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
        """Returns the state after the last segment, or None if there is none."""
        path = self._state(len(self.segments) - 1)
        return np.load(path) if path.is_file() else None

    def remove(self) -> None:
        """Deletes the folder."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _state(self, index: int) -> Path:
        return self.path / f"{index:06d}.npy"

    def _check(self, job: dict[str, Any]) -> None:
        path = self.path / _JOB
        try:
            earlier = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            earlier = {}
        for name, value in job.items():
            if earlier.get(name) != value:
                raise errors.UserError(
                    f"{self.path}: holds an unfinished video with another {name} "
                    f"({earlier.get(name)}, now {value}); repeat the earlier command to finish "
                    "it, or delete the folder"
                )


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
