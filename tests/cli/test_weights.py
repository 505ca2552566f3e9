"""`fastnst weights`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fastnst.checkpoint_file import write_checkpoint
from fastnst.cli import weights
from fastnst.features import download, vgg, weight_sources


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> weight_sources.Tensors:
    """Makes tiny tensors pass the checksum of the published weights."""
    names = [
        name for layer in vgg.convolutions_of("vgg_16") for name in vgg.variables("vgg_16", layer)
    ]
    tensors = {name: np.array([index, 1 / 3], np.float32) for index, name in enumerate(names)}
    for dtype in download.SHA256:
        monkeypatch.setitem(download.SHA256, dtype, download.fingerprint(tensors, dtype))
    return tensors


def test_the_command_writes_the_checkpoint_once(
    tmp_path: Path,
    tiny: weight_sources.Tensors,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(download.SOURCES, "Keras", lambda: tiny)
    path = tmp_path / "vgg_16.ckpt"
    assert weights.main(["-o", str(path)]) == 0
    printed = capsys.readouterr()
    assert printed.out == f"{path}: VGG16, conv1_1 to conv5_3, float16, checksum verified\n"
    assert printed.err == "downloading VGG16 from Keras\n"
    assert weights.main(["-o", str(path)]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith(f"{path}: exists") and printed.err == ""


def test_the_exit_code_is_1_for_a_failure_and_2_for_a_wrong_option(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_checkpoint(tmp_path / "net", {"my/weights": np.ones(3)})
    assert weights.main(["-o", str(tmp_path / "net")]) == 1
    message = capsys.readouterr().err
    assert message.startswith("fastnst weights: ")
    assert f"{tmp_path / 'net'}: contains other weights" in message
    with pytest.raises(SystemExit) as caught:
        weights.main(["--through", "conv6_1"])
    assert caught.value.code == 2


def test_help_does_not_import_tensorflow() -> None:
    code = "import sys, fastnst.cli.weights; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
