"""The export of a training step for machines without TensorFlow, and the way back."""

from __future__ import annotations

import json
import lzma
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import fastnst
from fastnst.models import restore
from tests.conftest import TINY
from tools.hlo import collect, export, export_painter, lowering

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A step of a tiny network with all terms of the objective, exported."""
    place = tmp_path_factory.mktemp("hlo")
    settings = {
        **TINY,
        "naming": "tiny",
        "model_path": str(place),
        "style_image": str(ROOT / "img" / "wave.jpg"),
        "steady": 1.0,
        "wallpaper": 1.0,
        "image_size": 128,
        "scales": 2,
        "batch_size": 2,
        "max_steps": 3,
    }
    conf = place / "tiny.yml"
    conf.write_text(json.dumps(settings), encoding="utf-8")
    assert export.main([str(conf), "-o", str(place / "step")]) == 0
    return place / "step"


def test_parameters_are_the_batch_the_count_the_variables_and_the_constants(folder: Path) -> None:
    about = json.loads((folder / export.DESCRIPTION).read_text(encoding="utf-8"))
    assert about["batch"] == [2, 128, 128, 3] and about["steps"] == 3
    assert {"total", "coarse", "steady", "wallpaper"} <= set(about["metrics"])
    module = lowering.hlo_pb2.HloModuleProto.FromString(
        lzma.decompress((folder / export.STEP).read_bytes())
    )
    parameters = module.host_program_shape.parameters[2:]
    with np.load(folder / export.VARIABLES) as variables:
        arrays = [variables[name] for name in variables.files]
    assert [list(shape.dimensions) for shape in parameters] == [list(a.shape) for a in arrays]
    assert len(arrays) == len(about["variables"]) + len(about["constants"])
    # The loss network is there once, although the step calls it four times.
    assert sum(array.shape == (3, 3, 64, 64) for array in arrays) == 1
    changed = {about["variables"][number - 2].partition("/")[0] for number in about["changed"]}
    assert changed == {"net", "average", "optimizer"}
    opcodes = {each.opcode for part in module.computations for each in part.instructions}
    assert not opcodes & {"copy", "set-dimension-size"}


def test_the_run_ends_with_the_variables_that_were_trained(folder: Path) -> None:
    about = json.loads((folder / export.DESCRIPTION).read_text(encoding="utf-8"))
    with np.load(folder / export.VARIABLES) as variables:
        arrays = [variables[name] for name in variables.files]
    trained = {
        name: array + 1 if name.startswith("average/") else array
        for name, array in zip(about["variables"], arrays, strict=False)
    }
    np.savez(folder / collect.TRAINED, **trained, **{collect.DONE: 2})
    run = collect.collect(folder)
    weights = restore.read_net(run / "checkpoints" / "step-2")
    assert weights and all(np.array_equal(weights[n], trained[f"average/{n}"]) for n in weights)
    picture = np.zeros((32, 40, 3), np.uint8)
    assert fastnst.load(run)(picture).shape == picture.shape


def test_a_painter_takes_photos_and_weights(tmp_path: Path) -> None:
    export_painter.export("gallery-lite", tf.bfloat16, (2, 16, 24), tmp_path)
    path = tmp_path / "gallery-lite-bfloat16-2x16x24"
    module = lowering.hlo_pb2.HloModuleProto.FromString(
        lzma.decompress(path.with_name(f"{path.name}.hlo.xz").read_bytes())
    )
    photos, *weights = module.host_program_shape.parameters
    described = json.loads(path.with_name(f"{path.name}.json").read_text(encoding="utf-8"))
    assert described["shape"] == list(photos.dimensions) == [2, 16, 24, 3]
    with np.load(path.with_name(f"{path.name}.npz")) as file:
        arrays = [file[name] for name in file.files]
    assert [list(shape.dimensions) for shape in weights] == [list(a.shape) for a in arrays]
    assert len(arrays) == len(described["dtypes"])


def test_jax_takes_the_steps(folder: Path, photos: Path) -> None:
    pytest.importorskip("jax")
    ran = subprocess.run(
        [sys.executable, ROOT / "tools" / "hlo" / "train.py", folder, photos],
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert "step 3/3" in ran.stdout
    with np.load(folder / collect.TRAINED) as trained:
        assert int(trained["optimizer/adam/iteration"]) == 3
