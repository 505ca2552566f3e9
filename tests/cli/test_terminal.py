"""Exit codes, one-line errors, and a quiet TensorFlow."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fastnst import errors
from fastnst.cli import terminal

ROOT = Path(__file__).resolve().parent.parent.parent


def run(program: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Runs a Python program in its own process."""
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-c", program], cwd=ROOT, text=True, check=False, **options
    )


def raising(error: BaseException) -> int:
    def body() -> int:
        raise error

    return terminal.guarded("train.py", body)


def test_a_user_error_prints_one_line_on_stderr_and_exits_with_code_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert raising(errors.UserError("image_size: 0 is too small")) == 1
    assert capsys.readouterr() == ("", "train.py: image_size: 0 is too small\n")


@pytest.mark.skipif(sys.platform != "linux", reason="file names are Unicode elsewhere")
def test_file_names_that_are_not_utf_8_are_printed_unchanged() -> None:
    program = (
        "import os; from fastnst.cli import terminal\n"
        "terminal.guarded('eval.py', lambda: print(os.fsdecode(b'caf\\xe9.png')) or 0)"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | {"PYTHONIOENCODING": "utf-8:strict"},
        capture_output=True,
        check=False,
    )
    assert finished.stdout == b"caf\xe9.png\n", finished.stderr


def test_ctrl_c_exits_with_code_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert raising(KeyboardInterrupt()) == 130
    assert capsys.readouterr() == ("", "train.py: interrupted\n")


@pytest.mark.parametrize("caught", [False, True])
def test_sigterm_interrupts_like_ctrl_c_and_exits_with_code_143(caught: bool) -> None:
    before = signal.getsignal(signal.SIGTERM)

    def body() -> int:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except KeyboardInterrupt:
            if not caught:
                raise
        return terminal.INTERRUPTED

    assert terminal.guarded("train.py", body) == 143
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_gentle_stop_has_the_exit_code_of_its_signal(number: signal.Signals, code: int) -> None:
    with terminal.stopping_gently() as stop:
        assert not stop()
        os.kill(os.getpid(), number)
        assert stop() and stop.exit_code == code


def test_a_second_signal_stops_at_once_and_the_handlers_are_restored() -> None:
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in signals]
    with pytest.raises(KeyboardInterrupt), terminal.stopping_gently():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
    assert [signal.getsignal(number) for number in signals] == before


def test_other_exceptions_keep_their_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        raising(ZeroDivisionError())


def test_the_exit_code_of_the_body_is_returned() -> None:
    assert terminal.guarded("x", lambda: 0) == 0
    assert terminal.guarded("x", lambda: 130) == 130


def test_quiet_silences_notes_and_bars_but_no_errors(capsys: pytest.CaptureFixture[str]) -> None:
    def body() -> int:
        assert not sys.stderr.isatty()
        terminal.say("a note")
        terminal.complain("a complaint")
        raise errors.UserError("a reason")

    stderr = sys.stderr
    assert terminal.guarded("train.py", body, quiet=True) == 1
    assert sys.stderr is stderr
    assert capsys.readouterr().err == "a complaint\ntrain.py: a reason\n"
    terminal.say("a note")
    assert capsys.readouterr().err == "a note\n"


def test_a_result_is_a_path_or_an_object(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.result(Path("a/b.png"), as_json=False, style="wave")
    terminal.result(Path("a/b.png"), as_json=True, style="wave", size=None)
    assert capsys.readouterr().out == 'a/b.png\n{"output": "a/b.png", "style": "wave"}\n'


def test_a_closed_pipe_is_not_an_error() -> None:
    program = """
import sys
from fastnst.cli import terminal
def body():
    for number in range(100000):
        print("a line of results", number)
    return 1
sys.exit(terminal.guarded("x", body))
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == b"a line of results 0\n"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_numbers_on_the_command_line_are_validated() -> None:
    assert terminal.positive("3") == 3
    with pytest.raises(argparse.ArgumentTypeError, match="'0' should be a whole number, from 1"):
        terminal.positive("0")
    assert [terminal.quality(text) for text in ("1", "100")] == [1, 100]
    for text in ("0", "101", "high", "7.5"):
        with pytest.raises(argparse.ArgumentTypeError, match="from 1 to 100"):
            terminal.quality(text)


def test_finite_numbers_within_bounds_are_parsed() -> None:
    share = terminal.number(least=0, most=1.5)
    assert [share(text) for text in ("0", "1.5", "1e-3")] == [0.0, 1.5, 0.001]
    factor = terminal.number(above=1, most=255)
    assert factor("1.01") == 1.01
    for parse, allowed, texts in (
        (share, "from 0 to 1.5", ("-0.1", "1.6", "nan", "inf", "-inf", "1e999", "x", "")),
        (factor, "above 1, at most 255", ("1", "256", "nan", "inf")),
    ):
        for text in texts:
            with pytest.raises(argparse.ArgumentTypeError) as caught:
                parse(text)
            assert str(caught.value) == f"{text!r} should be a number {allowed}"


def test_a_number_of_pixels_has_a_bound() -> None:
    assert terminal.pixels("1.5M") == 1_500_000 and terminal.pixels("1000G") == 10**12
    for text in ("0", "1001G", "nan", "2GiB"):
        with pytest.raises(argparse.ArgumentTypeError, match="number of pixels, such as 500M"):
            terminal.pixels(text)


def test_tensorflow_starts_silently_and_stderr_works_afterwards() -> None:
    program = """
import sys
from fastnst.cli import terminal
terminal.import_tensorflow()
import tensorflow as tf
photos = tf.data.TFRecordDataset("img/bundled/photos-00000-of-00004.tfrecord").batch(2)
assert len(next(iter(photos))) == 2
tf.function(lambda x: tf.nn.conv2d(x, tf.ones([3, 3, 1, 1]), 1, "SAME"))(tf.ones([1, 9, 9, 1]))
terminal.say("our own line")
"""
    finished = run(program, capture_output=True)
    assert (finished.returncode, finished.stdout) == (0, "")
    assert finished.stderr == "our own line\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2GiB", 2 * 2**30), ("500MB", 500_000_000), ("1.5 g", 1_500_000_000), ("64kib", 65536)],
)
def test_an_amount_of_memory_is_parsed_into_bytes(text: str, expected: int) -> None:
    assert terminal.memory(text) == expected


@pytest.mark.parametrize("text", ["2", "much", "-1GB", "2GiBs", ""])
def test_another_amount_of_memory_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="should be an amount such as 2GiB"):
        terminal.memory(text)


# Streams that are closed, and terminals that are gone.


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no SIGHUP")
def test_sighup_interrupts_like_ctrl_c_and_exits_with_code_129() -> None:
    # The tests themselves may run under nohup.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

    def body() -> int:
        os.kill(os.getpid(), signal.SIGHUP)
        return terminal.DONE

    assert terminal.guarded("train.py", body) == 129
    with terminal.stopping_gently() as stop:
        os.kill(os.getpid(), signal.SIGHUP)
    assert stop() and stop.exit_code == 129


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no SIGHUP")
def test_a_signal_that_is_ignored_stays_ignored_as_under_nohup() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with terminal.stopping_gently() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
        assert not stop()
        assert terminal.guarded("x", lambda: os.kill(os.getpid(), signal.SIGHUP) or 0) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_terminal_that_is_gone_does_not_end_the_command() -> None:
    ours, theirs = os.openpty()
    stderr = os.fdopen(theirs, "w")
    with contextlib.redirect_stderr(stderr):
        os.close(ours)
        assert terminal.guarded("train.py", lambda: terminal.say("step 3") or 0) == 0
    with contextlib.suppress(OSError):
        stderr.close()


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_opened_so_that_no_file_takes_their_place(
    closed: str, tmp_path: Path
) -> None:
    program = (
        "import os, sys\n"
        "from fastnst.cli import terminal\n"
        "def body():\n"
        "    file = open(sys.argv[1], 'w')\n"
        "    terminal.say('a note'); print('a result'); os.write(2, b'native')\n"
        "    file.write('content'); file.close(); return 7\n"
        "sys.exit(terminal.guarded('x', body))"
    )
    finished = subprocess.run(
        ["bash", "-c", f'exec "$0" -c "$1" "$2" {closed}', sys.executable, program, tmp_path / "f"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert finished.returncode == 7 and (tmp_path / "f").read_text() == "content"


def test_a_deleted_working_directory_is_one_line(tmp_path: Path) -> None:
    program = "import sys; from fastnst.cli import terminal; sys.exit(terminal.guarded('x', int))"
    gone = tmp_path / "gone"
    gone.mkdir()
    finished = subprocess.run(
        ["bash", "-c", 'cd "$1" && rmdir "$1" && exec "$0" -c "$2"', sys.executable, gone, program],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 1
    assert finished.stderr.splitlines()[-1].startswith("x: the working directory was deleted; ")


def test_control_characters_of_names_do_not_reach_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert raising(errors.UserError("a\x1b]0;title\x07.png: damaged\nb\u202e: damaged")) == 1
    expected = "train.py: a\\x1b]0;title\\x07.png: damaged\nb\\u202e: damaged\n"
    assert capsys.readouterr().err == expected
    terminal.complain("a\x1b[2J.png")
    assert capsys.readouterr().err == "a\\x1b[2J.png\n"


def test_a_folder_that_is_closed_to_the_user_is_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert raising(PermissionError(13, "Permission denied", "secret/photo.png")) == 1
    assert capsys.readouterr().err == "train.py: secret/photo.png: Permission denied\n"


_RESULTS = """
import os, sys
from fastnst.cli import terminal
def body():
    for number in range(3):
        terminal.result(os.fsdecode(b"caf\\xc3\\xa9-%d.png" % number), as_json=False)
        print("painted", file=sys.stderr)
    return 0
sys.exit(terminal.guarded("x", body))
"""


def test_the_work_goes_on_after_the_reader_has_closed_the_pipe() -> None:
    finished = subprocess.run(
        ["bash", "-c", '"$0" -c "$1" | true; echo ${PIPESTATUS[0]}', sys.executable, _RESULTS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (finished.stdout, finished.stderr) == ("0\n", "painted\n" * 3)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk")
def test_a_full_disk_behind_stdout_is_one_line() -> None:
    with open("/dev/full", "w") as full:
        finished = run(_RESULTS, stdout=full, stderr=subprocess.PIPE)
    assert finished.returncode == 1
    assert finished.stderr == "x: standard output: cannot be written (No space left on device)\n"


def test_names_are_printed_as_they_are_to_a_terminal_in_ascii() -> None:
    finished = subprocess.run(
        [sys.executable, "-c", _RESULTS],
        cwd=ROOT,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert finished.stdout.splitlines()[0] == b"caf\xc3\xa9-0.png"
