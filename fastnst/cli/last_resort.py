"""Ends a command that does not react to signals, such as one that waits for a lost disk."""

from __future__ import annotations

import collections.abc
import contextlib
import os
import signal
import socket
import threading

# Seconds that a command has to end by itself after the second signal.
GRACE = 5.0
# What a shell reports for a command that was interrupted.
_INTERRUPTED = 130
_ENDING = {
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
}


@contextlib.contextmanager
def ending_after_two_signals(grace: float = GRACE) -> collections.abc.Iterator[None]:
    """Ends the process soon after a second Ctrl-C, SIGTERM or SIGHUP within the block.

    Python runs the handlers of signals in the main thread, once it is back in Python code; while
    TensorFlow computes, or the system reads from a lost disk, it is not. A thread of its own
    therefore counts the signals, which the interpreter writes to a socket as they arrive.

    Args:
        grace: Seconds after the second signal in which the block may still end by itself.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    left = threading.Event()

    def watch() -> None:
        signals = 0
        with reader:
            while signals < 2:
                number = reader.recv(1)
                if not number:
                    return
                signals += number[0] in _ENDING
        if not left.wait(grace):
            os.write(2, b"ended without waiting any longer\n")
            os._exit(_INTERRUPTED)

    earlier = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    thread = threading.Thread(target=watch, name="last resort", daemon=True)
    thread.start()
    try:
        yield
    finally:
        left.set()
        signal.set_wakeup_fd(earlier)
        writer.close()
        thread.join()
