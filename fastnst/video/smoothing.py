"""Smooths painted videos over time, along the motion of the source."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnst import errors

# Share of the earlier frames at strength 1.
_MOST = 0.9
# Differences of the source, in levels of 255, up to which a pixel counts as the same, and from
# which it counts as another. Below lies the noise of a camera.
_SAME, _OTHER = 4.0, 16.0
# Motion up to this many pixels is taken for noise: the flow of a still scene is never quite 0, and
# would stir the painting.
_STILL = 0.2
# Squared gradients of the flow that show the edge of something moving, where the flow is wrong:
# a share of the squared flow, and a constant (Sundaram et al. 2010).
_EDGE, _EDGE_OF_STILL = 0.01, 0.002
# The mean of strokes that differ is softer than each. Contrast of details up to this size (the
# deviation of a Gaussian, in pixels) is restored, by at most this factor, within windows.
_DETAIL, _MOST_GAIN, _WINDOW = 3.0, 1.5, (15, 15)
# Contrasts below this, in squared levels, are noise and are not restored.
_FLAT = 25.0


class Smoother:
    """Mixes each painted frame with the earlier ones, where the source shows the same.

    The earlier mix is moved along the optical flow of the source (Kroeger et al. 2016). Only the
    new painting counts where the source, moved the same way, differs from the frame, because
    something was uncovered; and at the edges of moving things, where the flow is wrong (as in Ruder
    et al. 2016).

    Attributes:
        state: The last mix, uint8 RGB [H, W, 3].
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
            state: The mix at that frame.
        """
        self._source, self.state = source, state

    def __call__(self, source: np.ndarray, painted: np.ndarray) -> np.ndarray:
        """Returns the smoothed painting of the next frame, uint8 of the same shape.

        Args:
            source: The frame, uint8 RGB [H, W, 3].
            painted: Its painting, the same shape.
        """
        if self._source is None:
            self.resume(source, painted)
            return painted
        flow = self._motion(source, self._source)
        before, mix = self._moved(self._source, flow), self._moved(self.state, flow)
        new = painted.astype(np.float32)
        share = self._share * self._sameness(source, before) * self._certainty(flow)
        mix = np.rint(new + share[..., np.newaxis] * (mix - new)).clip(0, 255)
        # Restored contrast is not mixed again, or it would grow from frame to frame.
        self.resume(source, mix.astype(np.uint8))
        return np.rint(self._with_contrast(mix, new)).clip(0, 255).astype(np.uint8)

    def _motion(self, source: np.ndarray, before: np.ndarray) -> np.ndarray:
        """Returns where each pixel was in the frame before, relative: float32 [H, W, (x, y)]."""
        cv = self._cv
        gray, gray_before = (cv.cvtColor(frame, cv.COLOR_RGB2GRAY) for frame in (source, before))
        flow = self._flow.calc(gray, gray_before, None)
        length = np.linalg.norm(flow, axis=-1, keepdims=True)
        return flow * np.clip(length / _STILL - 1.0, 0.0, 1.0)

    def _moved(self, frame: np.ndarray, flow: np.ndarray) -> np.ndarray:
        """Returns the frame before, moved along the flow: float32 of the same shape."""
        cv = self._cv
        height, width = frame.shape[:2]
        places = flow.copy()
        places[..., 0] += np.arange(width, dtype=np.float32)
        places[..., 1] += np.arange(height, dtype=np.float32)[:, np.newaxis]
        return cv.remap(
            frame.astype(np.float32), places, None, cv.INTER_CUBIC, borderMode=cv.BORDER_REPLICATE
        )

    def _sameness(self, source: np.ndarray, before: np.ndarray) -> np.ndarray:
        """Returns how likely both show the same thing, float32 [H, W] in [0, 1]."""
        difference = np.abs(source - before).max(axis=-1)
        local = self._cv.boxFilter(difference, -1, (5, 5))
        return np.clip((_OTHER - local) / (_OTHER - _SAME), 0.0, 1.0)

    def _certainty(self, flow: np.ndarray) -> np.ndarray:
        """Returns how likely the flow is right, float32 [H, W] in [0, 1]."""
        cv = self._cv
        gradients = [
            cv.Sobel(flow, -1, across, 1 - across, ksize=1, scale=0.5) for across in (0, 1)
        ]
        steep = sum(np.square(gradient).sum(axis=-1) for gradient in gradients)
        limit = _EDGE * np.square(flow).sum(axis=-1) + _EDGE_OF_STILL
        inside = cv.erode(np.clip(2.0 - steep / limit, 0.0, 1.0), np.ones((3, 3)))
        # Soft, because the edges of the flow in an empty sky are only its own.
        return cv.boxFilter(inside, -1, _WINDOW)

    def _with_contrast(self, mix: np.ndarray, painted: np.ndarray) -> np.ndarray:
        """Returns the mix with details as strong as those of the painting nearby."""
        cv = self._cv
        soft = cv.GaussianBlur(mix, (0, 0), _DETAIL)
        details = mix - soft
        energies = [
            cv.boxFilter(np.square(part).sum(axis=-1), -1, _WINDOW) + _FLAT
            for part in (painted - cv.GaussianBlur(painted, (0, 0), _DETAIL), details)
        ]
        gain = cv.boxFilter(np.sqrt(energies[0] / energies[1]), -1, _WINDOW)
        return soft + details * np.clip(gain, 1.0, _MOST_GAIN)[..., np.newaxis]


def _opencv() -> Any:
    try:
        import cv2
    except ImportError:
        raise errors.UserError(
            "--smooth needs OpenCV: pip install opencv-python-headless, or omit --smooth"
        ) from None
    return cv2
