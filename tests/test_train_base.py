"""One network trained in several styles, from which others start."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from fastnst import checkpoint_file
from fastnst.nets import transform_net
from tools import train_base

SHARED = "residuals/3/conv1/kernel"
OWN = ("residuals/3/norm1/scale", "norm5/shift", "skip1/scale")


def test_styles_share_kernels_and_nothing_else() -> None:
    shapes = transform_net.Architecture(4, 2)
    nets = [transform_net.TransformNet(shapes, seed=seed) for seed in (0, 1)]
    train_base.share_kernels(nets)
    first, second = (net.named_variables() for net in nets)
    assert first.keys() == second.keys()
    for name in first:
        assert (first[name] is second[name]) == name.endswith("/kernel"), name


SMALL = ("--image_size", "32", "--width", "4")


def train(run: Path, steps: int, *styles: str, **options: str) -> dict[str, np.ndarray]:
    """Trains two styles, or resumes an existing run, and returns the base network."""
    arguments = [*(styles or ("starry", "wave")), *SMALL, "--steps", str(steps)]
    arguments += ["--run", str(run), "-o", str(run / "base.ckpt")]
    arguments += [f"--{name}={value}" for name, value in options.items()]
    assert train_base.main(arguments) == 0
    return checkpoint_file.read_checkpoint(run / "base.ckpt")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two steps."""
    run = tmp_path_factory.mktemp("base") / "run"
    train(run, 2)
    return run


def test_a_base_is_the_mean_of_its_styles(trained: Path) -> None:
    base, starry, wave = (
        checkpoint_file.read_checkpoint(trained / name) for name in ("base.ckpt", "starry", "wave")
    )
    np.testing.assert_array_equal(starry[SHARED], wave[SHARED])
    np.testing.assert_allclose(base[SHARED], wave[SHARED], atol=1e-3)
    for name in OWN:
        assert (starry[name] != wave[name]).any(), name
        np.testing.assert_allclose(base[name], (starry[name] + wave[name]) / 2, atol=1e-3)
    # Another network can start from it.
    assert transform_net.TransformNet.from_tensors(base).architecture.skips


def test_a_run_resumes_with_the_styles_in_any_order(trained: Path, tmp_path: Path) -> None:
    before = checkpoint_file.read_checkpoint(trained / "base.ckpt")
    shutil.copytree(trained, tmp_path / "run")
    resumed = train(tmp_path / "run", 3, "wave", "starry")
    uninterrupted = train(tmp_path / "whole", 3)
    for name in before:
        np.testing.assert_array_equal(resumed[name], uninterrupted[name], err_msg=name)
    assert (resumed[SHARED] != before[SHARED]).any()


def test_resuming_with_other_styles_raises_an_error(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["wave", "candy", *SMALL, "--run", str(trained), "-o", str(tmp_path / "base")]
    assert train_base.main(arguments) == 1
    assert f"{trained}: was started with other styles" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_run_can_start_from_the_styles_of_another_run(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # A learning rate of 0 keeps the initial weights.
    train(tmp_path, 1, learning_rate="0", start_from=str(trained))
    for style in ("starry", "wave"):
        before, after = (
            checkpoint_file.read_checkpoint(run / style) for run in (trained, tmp_path)
        )
        for name in before:
            np.testing.assert_allclose(after[name], before[name], atol=1e-6)
    assert "1 of 1: starry " in capsys.readouterr().out


def test_an_unknown_style_raises_an_error(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert train_base.main(["nonesuch", "--run", str(tmp_path)]) == 1
    assert "nonesuch.yml" in capsys.readouterr().err
