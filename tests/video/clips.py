"""Small videos for tests, made and examined by FFmpeg."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

needs_ffmpeg = pytest.mark.skipif(
    not (shutil.which("ffmpeg") and shutil.which("ffprobe")),
    reason="ffmpeg is not installed (apt-get install ffmpeg)",
)


def ffmpeg(*arguments: object) -> bytes:
    """Runs ffmpeg and returns its output."""
    command = ["ffmpeg", "-v", "error", "-y", *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


def make(
    path: Path,
    *options: object,
    size: str = "64x48",
    frames: int = 20,
    rate: str = "25",
    sound: bool = False,
    filters: str = "null",
) -> Path:
    """Makes a video of a moving test picture, and of a tone if wanted."""
    picture = f"testsrc=s={size}:r={rate}"
    inputs = ["-f", "lavfi", "-i", picture]
    if sound:
        inputs += ["-f", "lavfi", "-i", "sine=440:d=1"]
    if "-c:v" not in options and path.suffix != ".webm":
        options = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", *options)
    # Soft, so that chroma at half resolution loses little.
    filters = f"boxblur=5:2,{filters}"
    ffmpeg(*inputs, "-frames:v", frames, "-vf", filters, *options, path)
    return path


def video(path: Path) -> dict[str, Any]:
    """What ffprobe says about the first video stream."""
    return next(stream for stream in streams(path) if stream["codec_type"] == "video")


def streams(path: Path) -> list[dict[str, Any]]:
    """What ffprobe says about all streams."""
    return json.loads(_probe("-show_streams", path))["streams"]


def times(path: Path) -> list[float]:
    """When each frame is shown, in seconds."""
    found = json.loads(_probe("-select_streams", "v:0", "-show_packets", path))["packets"]
    return sorted(float(packet["pts_time"]) for packet in found)


def copied(path: Path, stream: str) -> bytes:
    """A hash of the encoded packets of a stream."""
    return ffmpeg("-i", path, "-map", f"0:{stream}", "-c", "copy", "-f", "md5", "-")


def pixels(path: Path) -> np.ndarray:
    """The decoded frames, upright: uint8 RGB [frames, H, W, 3]."""
    first = ffmpeg("-i", path, "-frames:v", 1, "-f", "image2pipe", "-c:v", "ppm", "-")
    width, height = map(int, first.split(b"\n", 2)[1].split())
    raw = ffmpeg("-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)


def _probe(*arguments: object) -> bytes:
    command = ["ffprobe", "-v", "error", "-of", "json", *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
