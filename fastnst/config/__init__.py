"""The configuration of a run.

`schema` declares every key, in sections, of which those of some tasks have files of their own:
`objective` (one style), `transfer`, `translation`, `network` and `classification`. `recipes` holds
named sets of training settings. `conf_file` reads files of YAML, which `nodes` parses, `values`
checks single values, and `loading` combines them into a `Config`.
"""

from fastnst.config.loading import from_mapping, load
from fastnst.config.network import Network
from fastnst.config.objective import Style
from fastnst.config.recipes import RECIPES
from fastnst.config.schema import (
    FIELDS,
    Computing,
    Config,
    Data,
    Intervals,
    LossNetwork,
    Training,
)
from fastnst.config.transfer import Transfer
from fastnst.config.translation import Translation

__all__ = [
    "FIELDS",
    "RECIPES",
    "Computing",
    "Config",
    "Data",
    "Intervals",
    "LossNetwork",
    "Network",
    "Style",
    "Training",
    "Transfer",
    "Translation",
    "from_mapping",
    "load",
]
