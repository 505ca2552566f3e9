"""`fastnst launch`: trains in several processes of this machine.

fastnst launch --workers 2 -- train -c candy --set batch_size=4
"""

from __future__ import annotations

import argparse
import collections.abc
import contextlib
import glob
import os
import signal
import subprocess
import sys
import threading
import time
import types

from fastnst import cluster
from fastnst.cli import options, terminal

# Seconds for the others to report the loss of a worker, before they are ended. TensorFlow notices
# at once if a connection breaks during an exchange; between exchanges, only the silence shows. The
# others learn of it with their next heartbeat, sent twice per `SILENCE`; the rest is slack for a
# busy machine.
_GRACE = 2.5 * cluster.SILENCE
_LOOK = 0.1
# Each worker takes about a gigabyte of memory, and a core or a GPU.
_MOST_WORKERS = 64
# What a shell adds to the number of the signal that has ended a command.
_KILLED = 128


def make_parser(program: str) -> argparse.ArgumentParser:
    """Describes the command line."""
    parser = argparse.ArgumentParser(
        prog=program,
        usage=f"{program} --workers N -- train ...",
        description="Train in several processes of this machine, which share its cores and GPUs. "
        "The first one writes and prints; lines of the others begin with [worker N].",
        epilog="docs/scaling.md has the same for several machines.",
    )
    parser.add_argument(
        "--workers", type=_workers, required=True, metavar="N", help="number of processes"
    )
    parser.add_argument(
        "command", nargs="+", metavar="COMMAND", help="train, and its options; after --"
    )
    options.add_output(parser)
    return parser


def _workers(text: str) -> int:
    return terminal.whole(text, 1, _MOST_WORKERS)


def main(argv: collections.abc.Sequence[str] | None = None, program: str = "fastnst launch") -> int:
    """Runs the command and returns the exit code of the first worker."""
    parser = make_parser(program)
    arguments = parser.parse_args(argv)
    if arguments.command[0] != "train":
        parser.error(f"only train runs in several processes, not {arguments.command[0]}")
    if os.environ.get(cluster.VARIABLE):
        parser.error(f"{cluster.VARIABLE} is set already; unset it")
    return terminal.guarded(
        program,
        lambda: _run(arguments.workers, arguments.command, program),
        quiet=arguments.quiet,
    )


def _run(workers: int, command: list[str], program: str) -> int:
    nodes = cluster.local(workers)
    with contextlib.ExitStack() as stack:
        started = []
        for node in nodes:
            process = _start(node, command)
            stack.callback(_end, process)
            started.append(process)
        for number, process in enumerate(started[1:], start=1):
            threading.Thread(target=_relay, args=(process, number), daemon=True).start()
        _pass_on_signals(started, stack)
        return _wait(started, program)


def _start(node: cluster.Cluster, command: list[str]) -> subprocess.Popen[bytes]:
    """Starts a process in a session of its own, so that Ctrl-C reaches it by way of this one."""
    environment = {**os.environ, cluster.VARIABLE: node.to_json()}
    workers = len(node.addresses)
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    gpus = sorted(glob.glob("/dev/nvidia[0-9]*")) if visible is None else visible.split(",")
    if len(gpus) >= workers:
        chosen = [str(number) for number in range(len(gpus))] if visible is None else gpus
        environment["CUDA_VISIBLE_DEVICES"] = ",".join(chosen[node.index :: workers])
    output = None if node.is_chief else subprocess.PIPE
    with on_cores_of(node):
        return subprocess.Popen(
            [sys.executable, "-m", "fastnst", *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            start_new_session=True,
        )


@contextlib.contextmanager
def on_cores_of(node: cluster.Cluster) -> collections.abc.Iterator[None]:
    """Restricts this process, and so those that it starts, to a worker's share of the cores."""
    workers = len(node.addresses)
    # Only on Linux.
    own = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(own) < workers:
        yield
        return
    first, end = (len(own) * index // workers for index in (node.index, node.index + 1))
    os.sched_setaffinity(0, own[first:end])
    try:
        yield
    finally:
        os.sched_setaffinity(0, own)


def _relay(process: subprocess.Popen[bytes], number: int) -> None:
    """Prints a worker's lines on stderr, each with its number in front."""
    assert process.stdout
    for line in process.stdout:
        terminal.complain(f"[worker {number}] {line.decode(errors='replace').rstrip()}")


def _pass_on_signals(
    started: collections.abc.Sequence[subprocess.Popen[bytes]], stack: contextlib.ExitStack
) -> None:
    def pass_on(number: int, frame: types.FrameType | None) -> None:
        for process in started:
            if process.poll() is None:
                process.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        stack.callback(signal.signal, number, signal.signal(number, pass_on))


def _wait(started: collections.abc.Sequence[subprocess.Popen[bytes]], program: str) -> int:
    """Waits until all have ended; if one fails, the others get a while to say so themselves."""
    deadline, failed = float("inf"), 0
    while None in (codes := [each.poll() for each in started]) and time.monotonic() < deadline:
        broken = [index for index, code in enumerate(codes) if code]
        if broken and deadline == float("inf"):
            deadline, failed = time.monotonic() + _GRACE, broken[0]
        time.sleep(_LOOK)
    chief, code = (_shell_code(started[index].poll()) for index in (0, failed))
    # Others have said themselves why they ended.
    stopped = code in (terminal.INTERRUPTED, terminal.TERMINATED)
    if code and not stopped and (chief is None or code > _KILLED):
        who = f"worker {failed}" if failed else "the chief"
        terminal.complain(f"{program}: {who} ended with exit code {code}, which ends the training")
    return code or terminal.USER_ERROR if chief is None else chief


def _shell_code(code: int | None) -> int | None:
    """Returns an exit code as a shell reports it: 128 plus the number of a deadly signal."""
    return code if code is None or code >= 0 else _KILLED - code


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kills what is still running: without the others it would wait forever."""
    if process.poll() is None:
        process.kill()
    process.wait()
