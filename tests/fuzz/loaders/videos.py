"""Videos: probed, decoded and encoded again; not available without ffmpeg."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from fastnst.video import clip, containers, encoding, painting

_SOURCES = ("testsrc2=size=32x24:rate=5:duration=1", "sine=duration=1")


def available() -> bool:
    """Returns whether ffmpeg is installed."""
    return bool(shutil.which("ffmpeg") and shutil.which("ffprobe"))


def seeds() -> dict[str, bytes]:
    """A second of pictures and sound in each container."""
    inputs = [part for source in _SOURCES for part in ("-f", "lavfi", "-i", source)]
    with tempfile.TemporaryDirectory() as folder:
        for name in ("clip.mp4", "clip.mkv", "clip.webm", "clip.mov"):
            command = ["ffmpeg", "-v", "error", *inputs, "-fflags", "+bitexact"]
            subprocess.run(
                [*command, str(Path(folder, name))], check=True, stdin=subprocess.DEVNULL
            )
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def load(path: Path, output: Path) -> None:
    """Inverts the frames."""
    source = clip.read(path)
    target = output / "inverted.mp4"
    container = containers.of(target)
    painting.paint(
        source,
        target,
        lambda frame, seconds: 255 - frame,
        painting.Options(encoding.Settings(container, container.quality, "ultrafast")),
        {},
        containers.codecs(source, container),
    )
