"""The processes that train one network together, as the environment variable TF_CONFIG names them.

TF_CONFIG is TensorFlow's own format, which Kubernetes' training operator and other launchers set:

    {"cluster": {"worker": ["one:2222", "two:2222"]}, "task": {"type": "worker", "index": 0}}
"""

from __future__ import annotations

import collections.abc
import contextlib
import dataclasses
import json
import os
import re
import socket
from typing import Any

from fastnst import errors

VARIABLE = "TF_CONFIG"
# Seconds after which a process of a cluster that gives no sign of life counts as lost.
SILENCE = 60.0
# In the order of their ranks: the first process of the first job is the chief.
_JOBS = ("chief", "worker")
_ADDRESS = re.compile(r"[^\s/,]+:\d{1,5}")
_EXAMPLE = (
    '{"cluster": {"worker": ["one:2222", "two:2222"]}, "task": {"type": "worker", "index": 0}}'
)


@dataclasses.dataclass(frozen=True)
class Cluster:
    """One process and those that it trains with.

    Attributes:
        addresses: "host:port" of every process, the chief's first.
        index: Index of this process.
    """

    addresses: tuple[str, ...]
    index: int

    @property
    def is_chief(self) -> bool:
        """Whether this is the process that writes and prints."""
        return self.index == 0

    def to_json(self) -> str:
        """Returns the value of TF_CONFIG for this process."""
        return json.dumps(
            {
                "cluster": {"worker": self.addresses},
                "task": {"type": "worker", "index": self.index},
            }
        )


def from_environment() -> Cluster | None:
    """Reads TF_CONFIG.

    Returns:
        The cluster; None if the variable is unset, empty, or names no other process.

    Raises:
        UserError: If it is malformed.
    """
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return None
    try:
        return _parse(json.loads(text))
    except (ValueError, RecursionError) as error:
        reason = str(error) if type(error) is ValueError else "is not valid JSON"
        raise errors.UserError(
            f"{VARIABLE}: {reason}; set it as in {_EXAMPLE}, or unset it to train in one process"
        ) from None


def is_chief() -> bool:
    """Returns whether this process is the one of its cluster that writes and prints.

    Raises:
        UserError: If TF_CONFIG is malformed.
    """
    nodes = from_environment()
    return nodes is None or nodes.is_chief


def local(workers: int) -> list[Cluster]:
    """Returns a cluster of processes on this machine, at ports that are free now."""
    with contextlib.ExitStack() as stack:
        # All are open at once, so that no port comes twice.
        sockets = [stack.enter_context(socket.socket()) for _ in range(workers)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        addresses = tuple(f"127.0.0.1:{each.getsockname()[1]}" for each in sockets)
    return [Cluster(addresses, index) for index in range(workers)]


def _parse(config: Any) -> Cluster | None:
    """Checks a parsed TF_CONFIG; raises a ValueError that says what is wrong."""
    jobs = config.get("cluster", {}) if isinstance(config, dict) else None
    if not isinstance(jobs, dict):
        raise ValueError("has no mapping under the key cluster")
    if unknown := [name for name in jobs if name not in _JOBS]:
        raise ValueError(f"names a job {unknown[0]!r}, but there are only chief and worker")
    ranks: list[tuple[str, int]] = []
    addresses: list[str] = []
    for job in _JOBS:
        listed = jobs.get(job, [])
        if not isinstance(listed, list):
            raise ValueError(f"{job} is no list of addresses")
        ranks += [(job, index) for index in range(len(listed))]
        addresses += listed
    _check_addresses(addresses)
    if len(addresses) < 2:
        return None
    task = config.get("task")
    if not isinstance(task, dict):
        raise ValueError("has no mapping under the key task")
    try:
        rank = ranks.index((str(task.get("type")), int(task.get("index", 0))))
    except (TypeError, ValueError):
        raise ValueError(
            f"its task is {task.get('type')} {task.get('index')}, which the cluster does not name"
        ) from None
    return Cluster(tuple(addresses), rank)


def _check_addresses(addresses: collections.abc.Sequence[Any]) -> None:
    for address in addresses:
        if not isinstance(address, str) or not _ADDRESS.fullmatch(address):
            raise ValueError(f"{address!r} is no address such as host:2222")
    if len(set(addresses)) < len(addresses):
        raise ValueError("names an address twice")
