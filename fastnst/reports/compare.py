"""The blind page of `fastnst compare`: one self-contained HTML file on which people vote.

The template is compare.html with compare.css. compare.js shows the pairs, compare_votes.js counts
the votes, and compare_results.js shows the results.
"""

from __future__ import annotations

import base64
import collections.abc
import dataclasses
import hashlib
import json
import string

import numpy as np

from fastnst.reports import parts

_PHOTO_SIDE, _PAINTING_SIDE = 320, 480
_REFERENCE_QUALITY = 85

_WALL = "Which would you rather hang on a wall?"
_STYLE = "Which is closer to the painting in style?"
_PAINTED = "Which looks more like a painting, and less like a filter?"
_SUBJECT = "Which shows the subject more clearly?"


@dataclasses.dataclass(frozen=True)
class Pair:
    """A photo and the pictures that two models made of it.

    Attributes:
        name: Name of the photo in the files of votes; the page does not show it.
        photo: uint8 RGB [H, W, 3].
        a: The first model's picture, uint8 RGB of the same shape.
        b: The second model's picture, uint8 RGB of the same shape.
    """

    name: str
    photo: np.ndarray
    a: np.ndarray
    b: np.ndarray


def questions(painting: bool) -> dict[str, str]:
    """Returns the texts of the questions by their keys.

    Args:
        painting: Whether the page shows the painting, and can ask which picture is closer to it.
    """
    style = {"style": _STYLE} if painting else {"painted": _PAINTED}
    return {"wall": _WALL, **style, "subject": _SUBJECT}


def render(
    models: tuple[str, str],
    pairs: collections.abc.Sequence[Pair],
    painting: np.ndarray | None = None,
    *,
    seed: int = 0,
    quality: int = 92,
) -> str:
    """Renders the page.

    Args:
        models: Names of the two models, which the page reveals at the end.
        pairs: The pictures, in an order that the page shuffles for each judge.
        painting: The painting whose style both models apply, uint8 RGB [H, W, 3]; None if there is
            none.
        seed: Seed of the order and the sides, together with the judge's name.
        quality: Quality of the embedded JPEGs, 1 to 100.

    Returns:
        HTML with all pictures embedded.
    """
    content = {
        "seed": seed,
        # Not readable at a glance by a judge who looks at the source.
        "names": base64.b64encode(json.dumps(models).encode()).decode("ascii"),
        "questions": [
            {"id": key, "text": text} for key, text in questions(painting is not None).items()
        ],
        "painting": None
        if painting is None
        else _picture(parts.at_most(painting, _PAINTING_SIDE), _REFERENCE_QUALITY),
        "pairs": [
            {
                "name": pair.name,
                "photo": _picture(parts.at_most(pair.photo, _PHOTO_SIDE), _REFERENCE_QUALITY),
                "a": _picture(pair.a, quality),
                "b": _picture(pair.b, quality),
            }
            for pair in pairs
        ],
    }
    # Votes are kept and combined by it, so that they never count for other pictures.
    page = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
    data = json.dumps({"page": page, **content})
    return string.Template(parts.read("compare.html")).substitute(
        theme=parts.read("theme.css"),
        style=parts.read("compare.css"),
        votes=parts.read("compare_votes.js"),
        results=parts.read("compare_results.js"),
        script=parts.read("compare.js"),
        # A name with "</script>" would end the element.
        data=data.replace("<", "\\u003c"),
    )


def _picture(pixels: np.ndarray, quality: int) -> dict[str, object]:
    height, width = pixels.shape[:2]
    return {"src": parts.data_uri(pixels, quality), "width": width, "height": height}
