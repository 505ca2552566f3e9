"""Saves the variables that `tools/hlo/train.py` has trained as the last checkpoint of their run.

    python -m tools.hlo.collect build/step

`fastnst eval` and `fastnst export` use the run like any other.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import yaml

from fastnst import config
from fastnst.training.tasks import session
from tools.hlo import export

# The names of `tools/hlo/train.py`, which cannot be imported without JAX.
TRAINED, DONE = "trained.npz", "steps done"


def main(arguments: list[str] | None = None) -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(prog="tools.hlo.collect", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder that tools/hlo/train.py has trained")
    print(collect(parser.parse_args(arguments).folder))
    return 0


def collect(folder: Path) -> Path:
    """Saves the variables of a trained step, and returns the folder of the run."""
    about = json.loads((folder / export.DESCRIPTION).read_text(encoding="utf-8"))
    run = session.open_session(config.from_mapping(yaml.safe_load(about["conf"])), print)
    with np.load(folder / TRAINED) as trained:
        for variable, name in export.named_variables(run):
            # Moments that the step never reads were not exported.
            if name in trained:
                variable.assign(trained[name])
        run.engine.state.step.assign(trained[DONE])
    run.engine.checkpointer.save()
    return run.folder.path


if __name__ == "__main__":
    sys.exit(main())
