"""The files of a run's folder that `train`, `eval` and `report` read besides its weights."""

from __future__ import annotations

import json
from pathlib import Path

from fastnst import checkpoint_file, config
from fastnst.models import metrics_log, run_folder
from fastnst.training.actions import report
from fastnst.training.tasks import contents, resumption

_SETTINGS = config.from_mapping({"style_image": "img/candy.jpg", "naming": "tiny"})
_TRAINED = {"kind": "training", "step": 1, "time": 2.5, "images_per_second": 3.0, "loss": 4.0}
_JUDGED = {"kind": "validation", "step": 1, "time": 2.5, "loss": 4.0}


def _valid() -> dict[str, bytes]:
    lines = [json.dumps(line) for line in (_TRAINED, _JUDGED)]
    facts = {"steps": 1, "photos": 2, "validation": {"loss": 4.0}, "device": "CPU"}
    return {
        "config.yml": _SETTINGS.to_yaml().encode(),
        "metrics.jsonl": "\n".join(lines).encode() + b"\n",
        "inputs.json": json.dumps({"style_image": "abc", "validation": "def"}).encode(),
        "training.json": json.dumps(facts).encode(),
        "checkpoint": b'model_checkpoint_path: "step-1"\nall_model_checkpoint_paths: "step-1"\n',
    }


def seeds() -> dict[str, bytes]:
    """Each file."""
    return _valid()


def load(path: Path, output: Path) -> None:
    """Compares the run with a configuration, and writes its report."""
    folder = run_folder.RunFolder(output / "tiny")
    folder.checkpoints.mkdir(parents=True)
    for name, data in (_valid() | {path.name: path.read_bytes()}).items():
        place = folder.checkpoints if name == "checkpoint" else folder.path
        (place / name).write_bytes(data)
    checkpoint_file.newest(folder.checkpoints)
    metrics_log.read(folder.metrics, lambda line: None)
    text = folder.config_text(lambda line: None)
    page = report.Report(
        folder, name="tiny", metric_names=["loss"], references={}, config_text=text
    )
    page.write()
    contents.read(folder)
    resumption.begun_recipe(folder)
    resumption.changes(_SETTINGS.flat(), folder)
