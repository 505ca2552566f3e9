"""`fastnst serve`, as a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import uvicorn

from fastnst import images
from fastnst.cli import serve as command
from fastnst.models import loading

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def served(tiny_run: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A service of the tiny run, and its address."""
    options = ["--model", str(tiny_run), "--port", "0", "--precision", "float32"]
    process = subprocess.Popen(
        [sys.executable, "-m", "fastnst", "serve", *options],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    try:
        yield process, address
    finally:
        process.kill()
        process.communicate()


def test_a_photo_is_stylized_over_http_until_the_service_is_stopped(
    served: tuple[subprocess.Popen[str], str],
    tiny_run: Path,
    photo: Callable[..., np.ndarray],
) -> None:
    process, address = served
    assert address.startswith("http://127.0.0.1:")
    pixels = photo(48, 64)
    content = images.encode(images.Picture(pixels), "PNG")
    answers = []
    # More at once than photos are stylized together.
    threads = [
        threading.Thread(
            target=lambda: answers.append(
                urllib.request.urlopen(f"{address}/stylize", content, timeout=60).read()
            )
        )
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 6
    expected = loading.load(tiny_run, "float32")(pixels)
    for answer in answers:
        assert np.abs(images.decode(answer).astype(int) - expected).max() <= 1
    process.send_signal(signal.SIGTERM)
    _, error = process.communicate(timeout=60)
    assert process.returncode in (0, 143)
    assert error.startswith("serving tiny; press Ctrl-C to stop") and "Traceback" not in error


def test_a_port_that_is_taken_is_one_line(
    served: tuple[subprocess.Popen[str], str],
    tiny_run: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, address = served
    port = address.rpartition(":")[2]
    assert command.main(["--model", str(tiny_run), "--port", port, "--quiet"]) == 1
    message = f"cannot listen at 127.0.0.1:{port} (Address already in use"
    error = capsys.readouterr().err
    assert error.startswith(f"fastnst serve: {message}") and error.count("\n") == 1


def test_connections_send_an_answer_at_once(
    tiny_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []

    def serve(server: uvicorn.Server, sockets: list[socket.socket]) -> None:
        (listening,) = sockets
        with listening, socket.create_connection(listening.getsockname()):
            accepted, _ = listening.accept()
            with accepted:
                found.append(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    monkeypatch.setattr("uvicorn.Server.run", serve)
    assert command.main(["--model", str(tiny_run), "--port", "0"]) == 0
    assert found and all(found)


@pytest.mark.parametrize(
    "options", [["--port", "70000"], ["--port", "http"], ["--max-seconds", "0"]]
)
def test_wrong_usage_is_exit_code_2(options: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        command.main(options)
    assert stopped.value.code == 2


def test_a_missing_package_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert command.main([]) == 1
    assert 'pip install "fastnst[serve]"' in capsys.readouterr().err
