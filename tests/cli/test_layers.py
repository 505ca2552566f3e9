"""`fastnst layers`."""

from __future__ import annotations

import json

import pytest

from fastnst.cli import layers


def test_the_layers_of_a_network_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert layers.main(["vgg_16"]) == 0
    output, error = capsys.readouterr()
    head, *rows = output.splitlines()
    assert head.split() == ["layer", "channels", "stride", "receptive", "field"]
    assert len(rows) == 13
    assert rows[6].split() == ["relu3_3", "256", "4", "px", "40", "px"]
    assert error == "layers after relu4_3 need the file that `fastnst weights` downloads\n"
    assert len({len(line) for line in (head, *rows)}) == 1


def test_each_layer_can_be_an_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert layers.main(["lenet", "--json"]) == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"name": "relu1", "channels": 32, "stride": 1, "field": 5},
        {"name": "relu2", "channels": 64, "stride": 2, "field": 14},
    ]


def test_a_network_that_cannot_be_had_is_refused_with_those_that_can(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as stop:
        layers.main(["inception_v1"])
    error = capsys.readouterr().err
    assert stop.value.code == 2
    for name in ("vgg_16", "vgg_19", "vgg_a", "alexnet_v2", "overfeat", "cifarnet", "lenet"):
        assert name in error
