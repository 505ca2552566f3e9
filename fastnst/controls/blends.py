"""Choices of a style or a blend of styles, such as "wave:0.6,candy:0.4", and of its strength."""

from __future__ import annotations

import collections.abc

from fastnst import errors

# Higher strengths distort the picture beyond recognition.
MAX_STRENGTH = 1.5


def parse(text: str | None, names: collections.abc.Sequence[str]) -> list[float]:
    """Parses shares of styles, such as "wave" or "wave:0.6,candy:0.4".

    Args:
        text: A style or a blend; None for the first style.
        names: Names of all styles.

    Returns:
        A share for each of `names`; they add up to 1.

    Raises:
        UserError: If a style is unknown or a share is not a positive number.
    """
    if text is None:
        return [1.0] + [0.0] * (len(names) - 1)
    if text in names:  # Even one with a comma or a colon.
        return [float(text == name) for name in names]
    shares = dict.fromkeys(names, 0.0)
    for part in text.split(","):
        name, colon, share = part.strip().partition(":")
        if name not in shares:
            raise errors.UserError(
                f"no style {name}{errors.did_you_mean(name, names)} (styles: {', '.join(names)})"
            )
        try:
            value = float(share) if colon else 1.0
            if not 0.0 < value < float("inf"):
                raise ValueError
        except ValueError:
            raise errors.UserError(
                f"style {part.strip()}: the share should be a number above 0, as in "
                "wave:0.6,candy:0.4"
            ) from None
        shares[name] += value
    # The sum of the shares themselves could overflow.
    largest = max(shares.values())
    relative = [share / largest for share in shares.values()]
    return [share / sum(relative) for share in relative]


def check_strength(strength: float, *, identity: bool = True) -> None:
    """Raises a UserError unless a strength is possible, with an identity row or without."""
    if not 0.0 <= strength <= MAX_STRENGTH:
        raise errors.UserError(f"strength {strength:g}: should be from 0 to {MAX_STRENGTH:g}")
    if not identity and strength != 1.0:
        raise errors.UserError(
            f"strength {strength:g}: only 1 is possible, because this model was trained "
            "without the photo as a style; `identity: on` adds it when styles are trained"
        )


def file_name(blend: str) -> str:
    """Names files after a style or a blend: "wave:0.6,candy:0.4" becomes "wave0.6+candy0.4"."""
    # Windows allows no colon in a name.
    return blend.replace(" ", "").replace(":", "").replace(",", "+")
