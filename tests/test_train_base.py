"""One network trained in several styles, which others begin with."""

from __future__ import annotations

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


def test_a_base_is_trained_in_several_styles_and_goes_on_where_it_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = ["--image_size", "32", "--width", "4"]

    def train(folder: str, steps: int, *styles: str) -> dict[str, np.ndarray]:
        run, output = tmp_path / folder, tmp_path / folder / "base.ckpt"
        arguments = [*(styles or ("starry", "wave")), *small, "--steps", str(steps)]
        assert train_base.main([*arguments, "--run", str(run), "-o", str(output)]) == 0
        return checkpoint_file.read_checkpoint(output)

    base = train("run", 2)
    starry, wave = (
        checkpoint_file.read_checkpoint(tmp_path / "run" / name) for name in ("starry", "wave")
    )
    np.testing.assert_array_equal(starry[SHARED], wave[SHARED])
    np.testing.assert_allclose(base[SHARED], wave[SHARED], atol=1e-3)
    for name in OWN:
        assert (starry[name] != wave[name]).any(), name
        np.testing.assert_allclose(base[name], (starry[name] + wave[name]) / 2, atol=1e-3)
    # It can be begun with, and is small.
    assert transform_net.TransformNet.from_tensors(base).architecture.skips
    assert checkpoint_file.read_checkpoint(tmp_path / "run" / "base.ckpt")[SHARED].size
    # In another order and with a stop, as without.
    further, unbroken = train("run", 5, "wave", "starry"), train("unbroken", 5)
    for name in base:
        np.testing.assert_array_equal(further[name], unbroken[name], err_msg=name)
    assert (further[SHARED] != base[SHARED]).any()
    # Other styles are another run.
    other = ["wave", "candy", *small, "--run", str(tmp_path / "run"), "-o", f"{tmp_path}/other"]
    assert train_base.main(other) == 1
    assert "run: was begun with other styles" in capsys.readouterr().err


def test_a_run_can_begin_with_the_styles_of_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    common = ["starry", "wave", "--image_size", "32", "--width", "4"]
    assert (
        train_base.main([*common, "--steps", "2", "--run", str(first), "-o", f"{first}.ckpt"]) == 0
    )
    # A learning rate of nothing leaves what it begins with.
    still = ["--steps", "1", "--learning_rate", "0", "--start_from", str(first)]
    assert train_base.main([*common, *still, "--run", str(second), "-o", f"{second}.ckpt"]) == 0
    for style in ("starry", "wave"):
        before, after = (checkpoint_file.read_checkpoint(run / style) for run in (first, second))
        for name in before:
            np.testing.assert_allclose(after[name], before[name], atol=1e-6)
    assert "1 of 1: starry " in capsys.readouterr().out


def test_an_unknown_style_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert train_base.main(["nonesuch", "--run", str(tmp_path)]) == 1
    assert "nonesuch.yml" in capsys.readouterr().err
