"""The end of commands that do not react to signals, in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

# Computes for hours in C, without the interpreter's lock, and deaf to signals.
DEAF = """
import hashlib, signal, threading
from fastnst.cli import last_resort
# Shells let programs in the background ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
with last_resort.ending_after_two_signals(grace=0.1):
    # Once the main thread is within the function.
    threading.Timer(0.3, print, ["computing"], {"flush": True}).start()
    hashlib.pbkdf2_hmac("sha512", b"", b"", 2**31 - 1)
"""

pytestmark = pytest.mark.skipif(os.name == "nt", reason="sends signals of POSIX")


def test_a_second_signal_ends_even_a_process_whose_main_thread_is_deaf() -> None:
    command = [sys.executable, "-c", DEAF]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            assert process.stdout and process.stdout.readline() == b"computing\n"
            process.send_signal(signal.SIGINT)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.3)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 130 and said == b"ended without waiting any longer\n"


def test_a_block_that_ends_in_time_leaves_the_process_alone() -> None:
    program = """
import os, signal, time
from fastnst.cli import last_resort
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    with last_resort.ending_after_two_signals(grace=0.2):
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(9)
        except KeyboardInterrupt:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(9)
except KeyboardInterrupt:
    time.sleep(0.5)
    print("still here", signal.set_wakeup_fd(-1))
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "still here -1\n"
