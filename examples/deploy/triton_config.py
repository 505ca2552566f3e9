"""Writes the config.pbtxt of an exported ONNX file, for Triton. Needs only ONNX Runtime.

fastnst export --model gallery --format onnx -o triton/gallery/1
python examples/deploy/triton_config.py triton/gallery
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import onnxruntime

TYPES = {"tensor(float)": "TYPE_FP32", "tensor(uint8)": "TYPE_UINT8"}


def config(folder: Path) -> str:
    """Describes a model.

    Args:
        folder: The model in Triton's repository, which holds 1/model.onnx.

    Returns:
        The content of its config.pbtxt.
    """
    session = onnxruntime.InferenceSession(
        folder / "1" / "model.onnx", providers=["CPUExecutionProvider"]
    )
    metadata = json.loads(session.get_modelmeta().custom_metadata_map["fastnst"])
    styles = ",".join(style["name"] for style in metadata["styles"])
    # The batch is a dimension like the others, because `style` has none: so no max_batch_size.
    lines = [f'name: "{folder.name}"', 'backend: "onnxruntime"', "max_batch_size: 0"]
    lines += [f"input {{ {tensor(each)} }}" for each in session.get_inputs()]
    lines += [f"output {{ {tensor(each)} }}" for each in session.get_outputs()]
    # For clients, which find it at /v2/models/<name>/config.
    lines.append(f'parameters {{ key: "styles" value {{ string_value: "{styles}" }} }}')
    return "\n".join(lines) + "\n"


def tensor(described: onnxruntime.NodeArg) -> str:
    """Describes an input or output; sizes that are free are -1."""
    dims = ", ".join(str(side) if isinstance(side, int) else "-1" for side in described.shape)
    return f'name: "{described.name}" data_type: {TYPES[described.type]} dims: [ {dims} ]'


def main() -> None:
    """Writes the file."""
    parser = argparse.ArgumentParser(description="Write the config.pbtxt of an ONNX file.")
    parser.add_argument("folder", type=Path, help="folder that holds 1/model.onnx")
    folder = parser.parse_args().folder
    (folder / "config.pbtxt").write_text(config(folder), encoding="utf-8")


if __name__ == "__main__":
    main()
