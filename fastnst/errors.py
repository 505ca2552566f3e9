"""The errors that a user can cause, as opposed to bugs."""

from __future__ import annotations

import collections.abc
import difflib
import types


class UserError(Exception):
    """An error in the input that the user can correct.

    The message says what was wrong, where, what is allowed and what to do. The command line
    prints it without a traceback and exits with code 1. Programs that use the library can catch it.
    """


class NotFiniteError(UserError):
    """A loss or a weight that has become NaN or infinite."""


def did_you_mean(
    word: str,
    candidates: collections.abc.Iterable[str],
    shown: collections.abc.Mapping[str, str] = types.MappingProxyType({}),
) -> str:
    """Returns the end of a message about an unknown word: "; did you mean X?", or "".

    Args:
        word: The unknown word.
        candidates: The known words.
        shown: Text to show for a candidate, where it differs from the candidate.
    """
    near = difflib.get_close_matches(word, list(candidates), n=1)
    return f"; did you mean {shown.get(near[0], near[0])}?" if near else ""
