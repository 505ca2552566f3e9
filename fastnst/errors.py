"""The errors that a user can cause, as opposed to bugs."""

from __future__ import annotations


class UserError(Exception):
    """Something in the input is wrong and the user can put it right.

    The message says what was wrong, where, what is allowed and what to do. The command line
    prints it without a traceback and exits with 1; a program that uses the library catches it.
    """
