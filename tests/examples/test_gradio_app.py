"""The page made with Gradio, as a process of its own."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not importlib.util.find_spec("gradio"), reason="needs gradio, which is not in [test]"
    ),
    # Of gradio_client's own connections.
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture
def address(gallery: Path) -> Iterator[str]:
    """Where the page of the gallery is served."""
    process = subprocess.Popen(
        [sys.executable, "-u", ROOT / "examples" / "gradio_app.py", "--model", gallery],
        env=os.environ | {"PYTHONPATH": str(ROOT), "GRADIO_ANALYTICS_ENABLED": "False"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    # A page that does not start would never end its output.
    watch = threading.Timer(120, process.kill)
    watch.start()
    try:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if "http://127.0.0.1:" in line:
                yield line.split()[-1]
                return
        pytest.fail("".join(said))
    finally:
        watch.cancel()
        process.kill()
        process.communicate()


def test_a_photo_is_painted_in_the_chosen_style(
    address: str, here: Path, largest_difference: Callable[..., int]
) -> None:
    import gradio_client

    client = gradio_client.Client(address, verbose=False, analytics_enabled=False)
    photo = gradio_client.handle_file("photo.png")
    answer = client.predict(photo, "candy", 0.5, False, api_name="/stylize")
    shutil.copy(answer, "stylized.png")
    recolored = client.predict(photo, "candy", 1.0, True, api_name="/stylize")
    shutil.copy(recolored, "recolored.png")
    # The page chooses the precision itself.
    assert largest_difference("stylized.png", "candy", 0.5) <= 16
    assert largest_difference("recolored.png", "candy", 1.0) > 16
