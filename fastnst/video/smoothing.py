"""Smooths painted videos over time, along the motion of the source."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnst import errors

# Largest share of the earlier painting, at strength 1.
_MOST = 0.9
# Differences of the source, in levels of 255, up to which a pixel counts as the same, and from
# which it counts as another. Below lies the noise of a camera.
_SAME, _OTHER = 4.0, 16.0


class Smoother:
    """Mixes each painted frame with the earlier ones, where the source shows the same.

    The earlier result is moved along the optical flow of the source. Where the source, moved the
    same way, differs from the frame, something was uncovered or the flow is wrong: only the new
    painting counts there.

    Attributes:
        state: The last result, uint8 RGB [H, W, 3].
    """

    state: np.ndarray

    def __init__(self, strength: float) -> None:
        """Creates a smoother.

        Args:
            strength: From 0 (no smoothing) to 1.

        Raises:
            UserError: If OpenCV is not installed.
        """
        self._share = _MOST * strength
        self._cv = _opencv()
        self._flow = self._cv.DISOpticalFlow_create(self._cv.DISOPTICAL_FLOW_PRESET_FAST)
        self._source: np.ndarray | None = None

    def resume(self, source: np.ndarray, state: np.ndarray) -> None:
        """Continues after a frame.

        Args:
            source: The last frame of the source, uint8 RGB [H, W, 3].
            state: Its result.
        """
        self._source, self.state = source, state

    def __call__(self, source: np.ndarray, painted: np.ndarray) -> np.ndarray:
        """Returns the smoothed painting of the next frame.

        Args:
            source: The frame, uint8 RGB [H, W, 3].
            painted: Its painting, the same shape.
        """
        if self._source is None:
            self.resume(source, painted)
            return painted
        moved_source, moved = self._moved(source)
        share = self._share * self._sameness(source, moved_source)
        mixed = painted + share[..., np.newaxis] * (moved - painted)
        self.resume(source, np.clip(np.rint(mixed), 0, 255).astype(np.uint8))
        return self.state

    def _moved(self, source: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the last frame and its result, moved to where the frame shows them: float32."""
        cv = self._cv
        gray, last_gray = (cv.cvtColor(image, cv.COLOR_RGB2GRAY) for image in (source, self._source))
        flow = self._flow.calc(gray, last_gray, None)
        height, width = gray.shape
        across, down = np.meshgrid(
            np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
        )
        return tuple(
            cv.remap(
                image.astype(np.float32),
                across + flow[..., 0],
                down + flow[..., 1],
                cv.INTER_CUBIC,
                borderMode=cv.BORDER_REPLICATE,
            )
            for image in (self._source, self.state)
        )

    def _sameness(self, source: np.ndarray, moved: np.ndarray) -> np.ndarray:
        """Returns how sure it is that both show the same thing, float32 [H, W] in [0, 1]."""
        difference = np.abs(source - moved).max(axis=-1)
        local = self._cv.boxFilter(difference, -1, (5, 5))
        return np.clip((_OTHER - local) / (_OTHER - _SAME), 0.0, 1.0)


def _opencv() -> Any:
    try:
        import cv2
    except ImportError:
        raise errors.UserError(
            "--smooth needs OpenCV: pip install opencv-python-headless, or paint without it"
        ) from None
    return cv2
