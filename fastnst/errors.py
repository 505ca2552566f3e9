"""The errors that a user can cause, as opposed to bugs."""

from __future__ import annotations

import collections.abc
import difflib
import re
import types
import unicodedata

# Lines of TensorFlow's errors that say nothing to a user.
_PREAMBLE = (
    r"Graph execution error|Detected at node|<stack traces|Traceback|\d+ root error|\(\d+\) "
)


class UserError(Exception):
    """An error in the input that the user can correct.

    The message says what was wrong, where, what is allowed and what to do. The command line
    prints it without a traceback and exits with code 1. Programs that use the library can catch it.
    Control characters, which names and contents of files may have, are escaped.
    """

    def __str__(self) -> str:
        """Returns the message, in one or more lines."""
        return "\n".join(map(printable, super().__str__().split("\n")))


class DivergedError(UserError):
    """A training whose loss or weights have become NaN or infinite, or whose loss has exploded."""


def reason(error: Exception) -> str:
    """Returns why a library failed, for the end of a message: the first line that says so.

    Characters that cannot be printed, and the names of TensorFlow's nodes, are left out.
    """
    text = re.sub(r"\{\{.*?\}\}|\[Op:[^\]]*\]|name: *$", "", str(error))
    lines = (line.strip() for line in text.splitlines())
    # TensorFlow's first lines tell where in its graph, and not what.
    found = [line for line in lines if line and not re.match(_PREAMBLE, line)]
    return "".join(filter(str.isprintable, (found or [type(error).__name__])[0]))[:300]


def printable(line: str) -> str:
    """Escapes control characters, with which the name of a file could rewrite the terminal."""
    return "".join(each if _is_harmless(each) else ascii(each)[1:-1] for each in line)


def _is_harmless(character: str) -> bool:
    # Cc are control characters, and Cf change the direction of writing.
    return unicodedata.category(character) not in ("Cc", "Cf")


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
