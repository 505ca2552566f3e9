"""`fastnst finetune`: and a style that is trained against its result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import labels_made
import numpy as np
import pytest

from fastnst import checkpoint_file, files
from fastnst.cli import classify, finetune, train


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with pictures of three classes in class folders."""
    monkeypatch.chdir(tmp_path)
    pictures, labels = labels_made.bars(18, 16, 3)
    labels_made.write_folders(tmp_path / "my bars", pictures, labels)
    return tmp_path


COMMAND = [
    *("--images", "my bars", "--size", "16", "--batch_size", "4"),
    *("--set", "held_out=0.34", "--set", "precision=float32"),
    # Each checkpoint has 80 MB.
    *("--set", "preview_every=1000", "--set", "checkpoint_every=1000"),
]


@pytest.mark.slow
def test_it_retrains_the_last_block_and_a_style_trains_against_the_result(
    here: Path, conf: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert finetune.main([*COMMAND, "--head_steps", "30", "--steps", "32"]) == 0
    run = here / "models" / "my_bars-vgg_16"
    printed = capsys.readouterr()
    assert "computing the features of 12 pictures, once" in printed.err
    assert printed.out == "models/my_bars-vgg_16/report.html\n"
    assert "--set loss_model_file=models/my_bars-vgg_16/vgg_16.ckpt" in printed.err
    assert "<h2>Progress</h2>" in (run / "report.html").read_text()

    before = checkpoint_file.read_checkpoint(files.asset("pretrained/vgg_16.ckpt"))
    after = checkpoint_file.read_checkpoint(run / "vgg_16.ckpt")
    assert set(after) == {*before, "head/weights", "head/biases"}
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert changed and all(name.startswith("vgg_16/conv4/") for name in changed)

    assert classify.main(["my bars/whole", "--model", "my_bars-vgg_16"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert sum(": whole" in line for line in told) >= 5

    weights = "loss_model_file=models/my_bars-vgg_16/vgg_16.ckpt"
    layers = "style_layers=[relu1_2, relu4_1]"
    command = ["-c", str(conf(here)), "--steps", "1", "--set", weights, "--set", layers]
    assert train.main(command) == 0


@pytest.mark.slow
def test_a_retraining_that_is_stopped_leaves_a_model_and_resumes(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [*COMMAND, "--naming", "mine", "--head_steps", "2", "--last_blocks", "0"]
    assert finetune.main([*command, "--steps", "2"]) == 0
    assert (here / "models" / "mine" / "vgg_16.ckpt.index").exists()
    assert (here / "models" / "mine" / "features.npz").exists()
    capsys.readouterr()
    assert finetune.main([*command, "--steps", "3"]) == 0
    printed = capsys.readouterr().err
    assert "resuming models/mine at step 2 of 3" in printed
    assert "computing the features" not in printed


def test_mistakes_are_told_without_tensorflow(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert finetune.main(["--images", "nothing"]) == 1
    assert "fastnst finetune: dataset: nothing: no such file or folder" in capsys.readouterr().err
    assert finetune.main([*COMMAND, "--set", "width=3"]) == 1
    assert "width: applies only to task: style" in capsys.readouterr().err
