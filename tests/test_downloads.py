"""Downloads, from servers on this machine."""

from __future__ import annotations

import base64
import functools
import hashlib
import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastnst import downloads
from fastnst.errors import UserError

CONTENT = b"the file"
SHA512 = base64.b64encode(hashlib.sha512(CONTENT).digest()).decode()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files silently."""

    def log_message(self, *args: object) -> None:
        """Drops the log line for stderr."""


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a file, with an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "a.tgz").write_bytes(CONTENT)
    handler = functools.partial(QuietHandler, directory=str(tmp_path / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/a.tgz"
        server.shutdown()


def test_a_file_is_downloaded_once(url: str, tmp_path: Path) -> None:
    said: list[str] = []
    path = downloads.cached(url, SHA512, "fetch it", said.append)
    assert path == tmp_path / "cache" / "fastnst" / "a.tgz" and path.read_bytes() == CONTENT
    (tmp_path / "served" / "a.tgz").unlink()
    assert downloads.cached(url, SHA512, "fetch it", said.append) == path
    assert said == [f"downloading {url}"]


def test_a_damaged_file_in_the_cache_is_downloaded_again(url: str) -> None:
    path = downloads.cached(url, SHA512, "fetch it")
    path.write_bytes(b"half")
    assert downloads.cached(url, SHA512, "fetch it").read_bytes() == CONTENT


def test_a_download_with_a_wrong_checksum_is_not_kept(url: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="its checksum is wrong"):
        downloads.cached(url, SHA512[::-1], "fetch it")
    assert not list(tmp_path.glob("cache/**/*.tgz"))


def test_without_a_server_one_line_says_where_to_put_the_file(url: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        downloads.cached("http://127.0.0.1:1/a.tgz", SHA512, "fetch it elsewhere")
    message = str(caught.value)
    assert message.startswith("a.tgz: cannot be downloaded (") and "\n" not in message
    folder = tmp_path / "cache" / "fastnst"
    assert message.endswith(f"; fetch it elsewhere and put it into {folder}")


def test_a_server_that_never_answers_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(TimeoutError, match=r"no answer .* within 0\.2 seconds|timed out"):
            downloads.require_answer(url, seconds=0.2)


def test_keras_waits_for_a_limited_time_and_its_bar_is_no_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = socket.getdefaulttimeout()
    (tmp_path / "there").write_bytes(b"")
    # A file that is there already needs no server.
    with downloads.through_keras("http://127.0.0.1:1/a", tmp_path / "there"):
        assert socket.getdefaulttimeout() == 30
        print("downloading")
    assert socket.getdefaulttimeout() == before
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "downloading\n")
    with (
        pytest.raises(OSError),
        downloads.through_keras("http://127.0.0.1:1/a", tmp_path / "missing"),
    ):
        pass
