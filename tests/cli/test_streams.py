"""The standard streams of a command; tests/cli/test_terminal.py tests them within commands."""

from __future__ import annotations

import io
import os
import subprocess
import sys

from fastnst.cli import streams


def test_writing_to_a_terminal_that_is_gone_does_not_fail() -> None:
    stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    guarded = streams.Stderr(stream, quiet=False)
    stream.close()
    assert guarded.write("lost") == 4
    guarded.flush()


def test_a_quiet_stderr_is_no_terminal() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert streams.Stderr(Terminal(), quiet=False).isatty()
    assert not streams.Stderr(Terminal(), quiet=True).isatty()


def test_streams_that_are_closed_are_opened_so_that_no_file_takes_their_place() -> None:
    program = (
        "import os\nfrom fastnst.cli import streams\nstreams.prepare()\n"
        "assert os.open(os.devnull, os.O_RDONLY) > 2\nprint('lost')\n"
    )
    command = ["sh", "-c", '"$0" -c "$1" <&- >&- 2>&-', sys.executable, program]
    subprocess.run(command, check=True, timeout=60)
