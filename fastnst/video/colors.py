"""The color tags of a video: how its YUV becomes RGB, and which tags the result gets."""

from __future__ import annotations

import collections.abc
import dataclasses
from typing import Any

# ffprobe's names of the matrices that FFmpeg's scaler converts, and the scaler's names.
_MATRICES = {
    "bt709": "bt709",
    "smpte170m": "smpte170m",
    "bt470bg": "bt470",
    "fcc": "fcc",
    "smpte240m": "smpte240m",
    "bt2020nc": "bt2020",
}
# Transfer functions of HDR: the levels of their pixels mean another light.
_HDR = {"smpte2084": "PQ, as in HDR10 and Dolby Vision", "arib-std-b67": "HLG"}
# Videos of at least this height use the matrix of HDTV if they say nothing, as players assume.
_HD_HEIGHT = 720
# swscale's most exact conversion.
_EXACT = "flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"


@dataclasses.dataclass(frozen=True)
class Colors:
    """The tags of a video, in ffprobe's words; None for those that it lacks.

    Attributes:
        matrix: Coefficients of YUV, for example "bt709"; "gbr" for RGB.
        primaries: For example "bt709".
        transfer: For example "bt709".
        range: "tv" (16..235) or "pc" (0..255).
        height: Height of the video in pixels, which decides about a missing matrix.
    """

    matrix: str | None
    primaries: str | None
    transfer: str | None
    range: str | None
    height: int

    @classmethod
    def of(cls, stream: collections.abc.Mapping[str, Any]) -> Colors:
        """Returns the tags of a stream as ffprobe reports it."""

        def tag(name: str) -> str | None:
            value = stream.get(name)
            return None if value in (None, "unknown", "reserved", "unspecified") else str(value)

        pixels = str(stream.get("pix_fmt", ""))
        return cls(
            # FFmpeg's pixel formats yuvj... are full range, with or without a tag.
            matrix="gbr"
            if pixels.startswith(("gbr", "rgb", "bgr", "pal8"))
            else tag("color_space"),
            primaries=tag("color_primaries"),
            transfer=tag("color_transfer"),
            # FFmpeg's pixel formats yuvj... are full range, with or without a tag.
            range="pc" if pixels.startswith("yuvj") else tag("color_range"),
            height=int(stream.get("height", 0)),
        )

    @property
    def hdr(self) -> str | None:
        """The kind of HDR, or None for SDR."""
        return _HDR.get(self.transfer or "")

    @property
    def convertible(self) -> bool:
        """Whether the matrix is one that FFmpeg's scaler converts."""
        return self.matrix in (None, "gbr") or self.matrix in _MATRICES

    def to_rgb(self) -> str:
        """Returns the filter that converts decoded frames to RGB."""
        return f"scale=in_color_matrix={self._scaler_matrix}:in_range={self._in_range}:{_EXACT}"

    def from_rgb(self, pixel_format: str) -> str:
        """Returns the filters that convert RGB to frames for the encoder."""
        return (
            f"scale=in_range=pc:out_color_matrix={self._scaler_matrix}:"
            f"out_range={self._written_range}:{_EXACT},format={pixel_format}"
        )

    def tags(self) -> list[str]:
        """Returns the encoder's options that write the same tags."""
        rgb = self.matrix == "gbr"
        values = {
            "-colorspace": "bt709" if rgb else self.matrix,
            "-color_primaries": self.primaries,
            "-color_trc": self.transfer,
            "-color_range": "tv" if rgb else self.range,
        }
        return [part for name, value in values.items() if value for part in (name, value)]

    @property
    def _scaler_matrix(self) -> str:
        if self.matrix == "gbr":
            return "bt709"
        return _MATRICES.get(self.matrix or "") or (
            "bt709" if self.height >= _HD_HEIGHT else "smpte170m"
        )

    @property
    def _in_range(self) -> str:
        return "pc" if self.matrix == "gbr" else self.range or "tv"

    @property
    def _written_range(self) -> str:
        return "tv" if self.matrix == "gbr" else self.range or "tv"
