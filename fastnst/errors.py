"""The errors that a user can cause, as opposed to bugs."""

from __future__ import annotations

import collections.abc
import difflib
import types


class UserError(Exception):
    """Something in the input is wrong and the user can put it right.

    The message says what was wrong, where, what is allowed and what to do. The command line
    prints it without a traceback and exits with 1; a program that uses the library catches it.
    """


def did_you_mean(
    word: str,
    candidates: collections.abc.Iterable[str],
    shown: collections.abc.Mapping[str, str] = types.MappingProxyType({}),
) -> str:
    """The end of a message about an unknown word: "; did you mean X?", or "" if none is near.

    Args:
        word: What was given.
        candidates: What is known.
        shown: How to write a candidate, where not as it is.
    """
    near = difflib.get_close_matches(word, list(candidates), n=1)
    return f"; did you mean {shown.get(near[0], near[0])}?" if near else ""
