"""`fastnst info`."""

from __future__ import annotations

import importlib.metadata
import json

import pytest
import tensorflow as tf

import fastnst
from fastnst.cli import info as command


def test_facts_are_an_object_with_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["versions"]["fastnst"] == fastnst.__version__
    assert found["versions"]["tensorflow"] == tf.__version__
    assert len(found["models"]["gallery"]) >= 16
    assert found["precision"] in ("float32", "bfloat16") and found["memory_gib"] > 0


def test_facts_are_lines_to_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    heads = [line.split()[0] for line in lines if not line.startswith(" ")]
    assert heads == ["versions", "system", "device", "precision", "models", "ffmpeg", "extras"]
    assert "gallery (17 styles)" in " ".join(lines)


def test_extras_that_lack_a_package_are_told_with_the_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    installed = {"scipy": "1", "onnx": "1"}

    def version(name: str) -> str:
        if name not in installed:
            raise importlib.metadata.PackageNotFoundError(name)
        return installed[name]

    requirements = [
        "numpy",
        'onnx>=1.15; extra == "onnx"',
        'onnxruntime; extra == "onnx"',
        'scipy; extra == "optimize"',
        'pyvips[binary]; extra == "large"',
        'pytest; extra == "test"',
    ]
    monkeypatch.setattr(importlib.metadata, "version", version)
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: requirements)

    class About:
        """The metadata of the package."""

        @staticmethod
        def get_all(key: str) -> list[str]:
            return ["onnx", "optimize", "large", "test"]

    monkeypatch.setattr(importlib.metadata, "metadata", lambda name: About)
    assert command._extras() == {
        "installed": ["optimize"],
        "missing": {"onnx": ["onnxruntime"], "large": ["pyvips"]},
    }
