"""The manifest beside a set of shards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fastnst import errors
from fastnst.data import manifest

# printf fastnst | sha256sum
SHA256 = "41f388f134cb44ad39fbf2c133f4e17f602d8d446588a0669a6f474bc597de9e"


def example() -> manifest.Manifest:
    return manifest.Manifest(
        inputs="0123",
        options={"max_side": None},
        complete=True,
        shards=(
            manifest.Shard("b", 2, 20, "bb", (manifest.Skipped("z.jpg", "z.jpg: damaged"),)),
            manifest.Shard("c", 3, 30, "cc", (manifest.Skipped("y.jpg", "y.jpg: damaged"),)),
        ),
    )


def test_a_saved_manifest_is_loaded_unchanged(tmp_path: Path) -> None:
    manifest.save(example(), tmp_path)
    assert manifest.load(tmp_path) == example()
    assert [path.name for path in tmp_path.iterdir()] == [manifest.FILE]


def test_a_manifest_adds_up_its_shards() -> None:
    assert (example().photos, example().bytes) == (5, 50)
    assert [skipped.file for skipped in example().skipped] == ["y.jpg", "z.jpg"]


def test_a_folder_without_a_manifest_of_ours_has_none(tmp_path: Path) -> None:
    assert manifest.load(tmp_path) is None
    for text in ('{"format": "other"}', "[]", "no json", "[" * 100_000):
        (tmp_path / manifest.FILE).write_text(text)
        assert manifest.load(tmp_path) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"file": 5},
        {"file": "../../photo.png"},
        {"photos": "a"},
        {"photos": -5},
        {"photos": 10**30},
        {"bytes": True},
        {"skipped": [1]},
        {"skipped": None},
        {"unknown": 1},
    ],
)
def test_a_damaged_manifest_raises_an_error(changes: dict[str, Any], tmp_path: Path) -> None:
    manifest.save(example(), tmp_path)
    content = json.loads((tmp_path / manifest.FILE).read_text())
    content["shards"][0] |= changes
    (tmp_path / manifest.FILE).write_text(json.dumps(content))
    with pytest.raises(errors.UserError, match=r"manifest\.json: damaged"):
        manifest.load(tmp_path)
    content["shards"] = [{}]
    (tmp_path / manifest.FILE).write_text(json.dumps(content))
    with pytest.raises(errors.UserError, match=r"manifest\.json: damaged"):
        manifest.load(tmp_path)


def test_a_shard_is_whole_only_if_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "shard"
    path.write_bytes(b"fastnst")
    shard = manifest.Shard("shard", 1, 7, SHA256)
    assert manifest.checksum(path) == SHA256
    assert manifest.is_whole(shard, tmp_path)
    path.write_bytes(b"fastnsT")
    assert not manifest.is_whole(shard, tmp_path)
    path.unlink()
    assert not manifest.is_whole(shard, tmp_path)
