"""The standard streams of a command; tests/cli/test_terminal.py tests them within commands."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import types

import pytest

from fastnst import errors
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


def test_a_picture_is_read_from_stdin_but_no_endless_device(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def given(content: bytes) -> None:
        monkeypatch.setattr("sys.stdin", types.SimpleNamespace(buffer=io.BytesIO(content)))

    picture = b"\x89PNG\r\n\x1a\n" + bytes(3 * 2**20)
    given(picture)
    assert streams.read_picture(None, encoded=False) == picture
    # Of what is no picture, the first MiB.
    given(bytes(3 * 2**20))
    assert streams.read_picture(None, encoded=False) == bytes(2**20)
    too_much = 2**26 + 17 * 2**20
    for encoded, size in ((False, too_much), (True, too_much * 4 // 3)):
        given(b"\x89PNG\r\n\x1a\n" + bytes(size))
        with pytest.raises(errors.UserError, match=r"standard input: more than \d+,.*max-pixels"):
            streams.read_picture(2**20, encoded=encoded)
