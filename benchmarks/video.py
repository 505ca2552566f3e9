"""How steady are painted videos, and how many frames a second are painted?

    pip install -e ".[video]"
    python -m benchmarks.video
    python -m benchmarks.video --models gallery:wave,wave --write docs/video.md

Steadiness is measured on clips made from the bundled photos, whose true motion is known; speed from
file to file, with decoding and encoding.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks import contest, ours
from fastnst import events, files, images
from fastnst.evaluation import motion
from fastnst.models import loading
from fastnst.video import clip, containers, encoding, painting, smoothing

_SMOOTH = (0.0, 0.5, 0.9)
_PHOTOS = ("mountains.jpg", "coffee.jpg")
# Size and number of the frames of the clips made from photos, and how many are not measured,
# because smoothing begins with the first.
_SIZE, _FRAMES, _FIRST = (270, 400), 20, 8
# (height, width) of the videos whose speed is measured, by name.
_VIDEOS = {"360p": (360, 640), "720p": (720, 1280)}
_WARM_UP, _TIMED = 5, 20
_BEGIN, _END = "<!-- table: python -m benchmarks.video -->\n", "<!-- end of table -->"


@dataclasses.dataclass(frozen=True)
class _Steadiness:
    """Means over the photos.

    Attributes:
        flicker: Change from frame to frame of a still clip with noise, in levels of 255.
        warp_error: Change of a moving clip beyond its motion, in levels of 255.
        detail: Difference of neighboring pixels in the moving clip, relative to frame by frame.
    """

    flicker: float
    warp_error: float
    detail: float


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark."""
    parser = contest.parser(__doc__)
    parser.add_argument(
        "--models",
        default="wave,candy",
        help="measured for steadiness; a style follows after a colon (default: %(default)s)",
    )
    parser.add_argument("--only", choices=("steadiness", "speed"), help="measure only this")
    parser.add_argument("--write", type=Path, help="page whose tables are replaced")
    arguments = parser.parse_args(argv)
    names = arguments.models.split(",")
    tables: list[str | None] = [None, None]
    steadiness, rates = {}, {}
    if arguments.only != "speed":
        steadiness = _all_steadiness(names, arguments.toy)
        tables[0] = _steadiness_table(steadiness)
        print(f"\n{tables[0]}", flush=True)
    if arguments.only != "steadiness":
        rates = _all_rates(arguments.toy)
        rows = [[name, *(f"{rate:.1f}" for rate in row.values())] for name, row in rates.items()]
        tables[1] = contest.table(["network, frames/s", *next(iter(rates.values()))], rows)
        print(f"\n{tables[1]}", flush=True)
    if arguments.write:
        _write(arguments.write, tables)
    figures = {name: dataclasses.asdict(found) for name, found in steadiness.items()}
    return contest.finish("video", steadiness=figures, frames_per_second=rates)


def _all_steadiness(names: Sequence[str], toy: bool) -> dict[str, _Steadiness]:
    """Measures the source, and each network with each strength of smoothing."""
    size, frames, first = ((80, 96), 4, 1) if toy else (_SIZE, _FRAMES, _FIRST)
    found = {"the source itself": _source_steadiness(size, frames)}
    for name in names:
        for smooth, figures in _steadiness(name, size, frames, first):
            how = f"`--smooth {smooth:g}`" if smooth else "frame by frame"
            found[f"{name}, {how}"] = figures
    return found


def _steadiness_table(found: Mapping[str, _Steadiness]) -> str:
    rows = [
        [name, f"{row.flicker:.1f}", f"{row.warp_error:.1f}", f"{row.detail:.2f}"]
        for name, row in found.items()
    ]
    return contest.table(["network", "flicker", "warp error", "detail"], rows)


def _all_rates(toy: bool) -> dict[str, dict[str, float]]:
    """Measures frames per second by network and size."""
    videos = {"toy": (48, 64)} if toy else _VIDEOS
    return {
        f"{label}{f', `--smooth {smooth:g}`' if smooth else ''}": {
            video: _rate(label == "lite", size, smooth, toy) for video, size in videos.items()
        }
        for label in ("default", "lite")
        for smooth in (0.0, _SMOOTH[-1])
    }


def _clips(size: tuple[int, int], frames: int) -> Iterator[tuple[motion.Clip, motion.Clip]]:
    """Yields a still and a moving clip of each photo."""
    for name in _PHOTOS:
        photo = images.decode(images.read_bytes(files.asset(f"img/photos/{name}")), name)
        yield (
            motion.still(images.resize(photo, *size), frames),
            motion.pan_and_zoom(photo, *size, frames),
        )


def _source_steadiness(size: tuple[int, int], frames: int) -> _Steadiness:
    found = [
        (motion.warp_error(still.frames, still), motion.warp_error(moving.frames, moving))
        for still, moving in _clips(size, frames)
    ]
    flicker, warp_error = np.mean(found, axis=0)
    return _Steadiness(flicker, warp_error, 1.0)


def _steadiness(
    name: str, size: tuple[int, int], frames: int, first: int
) -> Iterator[tuple[float, _Steadiness]]:
    """Yields the figures of a network for each strength of smoothing."""
    folder, _, style = name.partition(":")
    model = loading.load(folder, style=style or None, grain=0.0)
    painted = [
        tuple((clip_, [model(frame) for frame in clip_.frames]) for clip_ in pair)
        for pair in _clips(size, frames)
    ]
    for smooth in _SMOOTH:
        found = []
        for (still, still_painted), (moving, moving_painted) in painted:
            measured = dataclasses.replace(moving, steps=moving.steps[first:])
            quiet = _smoothed(still, still_painted, smooth)[first:]
            moved = _smoothed(moving, moving_painted, smooth)[first:]
            found.append(
                (
                    motion.warp_error(quiet, still),
                    motion.warp_error(moved, measured),
                    motion.detail(moved) / motion.detail(moving_painted[first:]),
                )
            )
        yield smooth, _Steadiness(*np.mean(found, axis=0).tolist())


def _smoothed(
    clip_: motion.Clip, painted: Sequence[np.ndarray], smooth: float
) -> Sequence[np.ndarray]:
    if not smooth:
        return painted
    smoother = smoothing.Smoother(smooth)
    return [smoother(frame, picture) for frame, picture in zip(clip_.frames, painted, strict=True)]


def _rate(lite: bool, size: tuple[int, int], smooth: float, toy: bool) -> float:
    """Returns the frames per second from file to file, without the start."""
    warm_up, timed = (1, 2) if toy else (_WARM_UP, _TIMED)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = clip.read(_video(folder / "in.mp4", *size, warm_up + timed))
        shapes = {"lite": lite, "antialias": True, "deep": not lite}
        model = loading.load(ours.random_model(folder / "net", **shapes))
        moments: list[float] = []

        def note(event: events.Event) -> None:
            if isinstance(event, events.Step):
                moments.append(time.perf_counter())

        painting.paint(
            source,
            folder / "out.mp4",
            lambda frame, seconds: model(frame),
            painting.Options(encoding.Settings(containers.of(Path("out.mp4")), 18), smooth=smooth),
            {},
            {},
            note,
        )
    return timed / (moments[-1] - moments[warm_up - 1])


def _video(path: Path, height: int, width: int, frames: int) -> Path:
    """Makes a video that pans over a photo."""
    pan = f"scale={width * 5 // 4}:-2,crop={width}:{height}:n:n/2,setsar=1"
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-loop",
        "1",
        "-i",
        str(files.asset("img/photos/koala.jpg")),
    ]
    command += ["-vf", pan, "-frames:v", str(frames), "-pix_fmt", "yuv420p", str(path)]
    subprocess.run(command, check=True)
    return path


def _write(page: Path, tables: Sequence[str | None]) -> None:
    """Replaces the tables between the markers of a page; None leaves one as it is."""
    before, *rest = page.read_text(encoding="utf-8").split(_BEGIN)
    parts = [before]
    for table, text in zip(tables, rest, strict=True):
        earlier, after = text.split(_END, 1)
        if table is not None:
            earlier = f"\n{table}\n\n"
        parts.append(f"{earlier}{_END}{after}")
    files.write(page, _BEGIN.join(parts))


if __name__ == "__main__":
    sys.exit(main())
