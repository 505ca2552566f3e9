"""Checks that the processes of a cluster train with one configuration."""

from __future__ import annotations

import collections.abc
import json
from typing import Any

import tensorflow as tf

from fastnst import cluster, config, devices, errors
from fastnst.config import nodes
from fastnst.training.tasks import plan, resumption

# Keys whose values may differ: where a process finds its files, which devices it has, and the
# recipe, because the settings that it stands for are compared. The content of most files counts all
# the same, by its digest.
_OF_HOSTS = {
    *("model_path", "dataset", "validation", "style_image", "loss_model_file", "domain"),
    *("labels_file", "devices", "recipe"),
}
# How many differences a message names.
_SHOWN = 3


def check(
    strategy: tf.distribute.Strategy,
    settings: config.Config,
    planned: plan.Plan,
    found: collections.abc.Mapping[str, str],
) -> None:
    """Compares the configuration and the input of this process with the others of its cluster.

    Args:
        strategy: The strategy that they share.
        settings: The configuration of this process.
        planned: Its plan.
        found: The digests of its files, from the plan.

    Raises:
        UserError: If they differ, in the chief and in each process that differs from it.
    """
    own = _facts(settings, planned, found)
    received = devices.exchange(strategy, json.dumps(own))
    for index, text in received.items():
        # Of this process and another one, one is the chief.
        chief, other = (own, json.loads(text)) if index else (json.loads(text), own)
        if differing := differences(chief, other):
            worker = index or strategy.cluster_resolver.task_id
            raise errors.UserError(
                f"{cluster.VARIABLE}: worker {worker} differs from the chief in "
                f"{', '.join(differing)}; start all workers with the same conf file, options and "
                "pictures"
            )


def differences(
    chief: collections.abc.Mapping[str, Any], other: collections.abc.Mapping[str, Any]
) -> list[str]:
    """Names the facts in which a process differs from the chief, the first few of them."""
    differing = [
        f"{key} ({_shown(other, key)} instead of {_shown(chief, key)})"
        for key in {**chief, **other}
        if other.get(key) != chief.get(key)
    ]
    more = len(differing) - _SHOWN
    return [*differing[:_SHOWN], *([f"{more} more"] if more > 0 else [])]


def _facts(
    settings: config.Config, planned: plan.Plan, found: collections.abc.Mapping[str, str]
) -> dict[str, Any]:
    """Returns what all processes must have in common, as JSON holds it."""
    values = resumption.dotted(settings.flat())
    facts = {key: value for key, value in values.items() if key.rpartition(".")[2] not in _OF_HOSTS}
    contents = {key: f"content {digest}" for key, digest in found.items()}
    # Through JSON, keys become texts, and tuples lists.
    parsed: dict[str, Any] = json.loads(json.dumps(facts | planned.about() | contents))
    return parsed


def _shown(facts: collections.abc.Mapping[str, Any], key: str) -> str:
    return nodes.shown(facts[key]) if key in facts else "nothing"
