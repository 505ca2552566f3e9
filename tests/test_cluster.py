"""The processes that TF_CONFIG names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fastnst import cluster, errors

WORKERS = {"worker": ["one:1", "two:2"]}


def config(cluster: Any, task: Any) -> str:
    return json.dumps({"cluster": cluster, "task": task, "environment": "cloud"})


@pytest.mark.parametrize(
    ("jobs", "task", "addresses", "index"),
    [
        (WORKERS, {"type": "worker", "index": 1}, ("one:1", "two:2"), 1),
        (WORKERS, {"type": "worker", "index": "1"}, ("one:1", "two:2"), 1),
        (
            {**WORKERS, "chief": ["zero:0"]},
            {"type": "worker", "index": 1},
            ("zero:0", "one:1", "two:2"),
            2,
        ),
        ({**WORKERS, "chief": ["zero:0"]}, {"type": "chief"}, ("zero:0", "one:1", "two:2"), 0),
    ],
)
def test_the_first_process_is_the_chief_and_a_chief_comes_before_the_workers(
    monkeypatch: pytest.MonkeyPatch,
    jobs: Any,
    task: Any,
    addresses: tuple[str, ...],
    index: int,
) -> None:
    monkeypatch.setenv("TF_CONFIG", config(jobs, task))
    found = cluster.from_environment()
    assert found == cluster.Cluster(addresses, index)
    assert cluster.is_chief() is (index == 0)
    monkeypatch.setenv("TF_CONFIG", found.to_json())
    assert cluster.from_environment() == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{}",
        config({"worker": ["one:1"]}, {"type": "worker", "index": 0}),
        config({}, {"type": "worker", "index": 0}),
    ],
)
def test_without_other_processes_there_is_no_cluster(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("TF_CONFIG", text)
    assert cluster.from_environment() is None and cluster.is_chief()
    monkeypatch.delenv("TF_CONFIG")
    assert cluster.from_environment() is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("worker", "is not valid JSON"),
        ("[" * 100_000, "is not valid JSON"),
        ("[1]", "has no mapping under the key cluster"),
        (config(3, {}), "has no mapping under the key cluster"),
        (config({**WORKERS, "ps": ["one:3"]}, {}), "names a job 'ps', but there are only chief"),
        (config({"worker": "one:1"}, {}), "worker is no list of addresses"),
        (config({"worker": ["one"]}, {}), "'one' is no address such as host:2222"),
        (config({"worker": [1, 2]}, {}), "1 is no address such as host:2222"),
        (config({"worker": ["one:1", "one:1"]}, {}), "names an address twice"),
        (config(WORKERS, None), "has no mapping under the key task"),
        (config(WORKERS, {"type": "worker", "index": 2}), "its task is worker 2, which the clus"),
        (config(WORKERS, {"type": "worker", "index": -1}), "its task is worker -1, which the cl"),
        (config(WORKERS, {"type": "chief", "index": 0}), "its task is chief 0, which the cluste"),
        (config(WORKERS, {"type": "worker", "index": []}), "its task is worker [], which the cl"),
    ],
)
def test_a_malformed_variable_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, text: str, reason: str
) -> None:
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(errors.UserError) as caught:
        cluster.from_environment()
    message = str(caught.value)
    assert message.startswith(f"TF_CONFIG: {reason}") and "\n" not in message
    assert "unset it to train in one process" in message


def test_a_local_cluster_has_a_port_for_each_process() -> None:
    nodes = cluster.local(3)
    assert [node.index for node in nodes] == [0, 1, 2]
    assert len({node.addresses for node in nodes}) == 1
    assert len(set(nodes[0].addresses)) == 3
    assert all(address.startswith("127.0.0.1:") for address in nodes[0].addresses)
