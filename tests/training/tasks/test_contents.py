"""The digests of the files that judge a run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fastnst import config
from fastnst.models import run_folder
from fastnst.training.tasks import contents

Conf = Callable[..., Path]


def test_each_file_changes_its_own_digest_and_its_name_none(
    tmp_path: Path, conf: Conf, validation_photos: Path
) -> None:
    for name in ("one.jpg", "two.jpg", "net.ckpt"):
        (tmp_path / name).write_bytes(name.encode())
    shutil.copytree(validation_photos, tmp_path / "judged")
    styles = {name: str(tmp_path / f"{name}.jpg") for name in ("one", "two")}
    keys = {"validation": str(tmp_path / "judged"), "loss_model_file": str(tmp_path / "net.ckpt")}
    settings = config.load(conf(tmp_path, style_image=None, styles=styles, **keys))
    before = contents.digests(settings)
    assert [*before] == [
        "styles.one.style_image",
        "styles.two.style_image",
        "validation",
        "loss_model_file",
    ]
    (tmp_path / "judged" / "1.png").rename(tmp_path / "judged" / "2.png")
    assert contents.digests(settings) == before
    for key, name in zip(before, ("one.jpg", "two.jpg", "judged/2.png", "net.ckpt"), strict=True):
        (tmp_path / name).write_bytes(b"other")
        after = contents.digests(settings)
        assert {each for each in before if after[each] != before[each]} == {key}
        before = after


def test_a_loss_network_may_have_several_files(tmp_path: Path, conf: Conf) -> None:
    for part in Path("pretrained").glob("vgg_16.ckpt.*"):
        shutil.copy(part, tmp_path)
    keys = {"loss_model_file": str(tmp_path / "vgg_16.ckpt")}
    settings = config.load(conf(tmp_path, **keys))
    before = contents.digests(settings)["loss_model_file"]
    with (tmp_path / "vgg_16.ckpt.data-00000-of-00001").open("ab") as file:
        file.write(b"more")
    assert contents.digests(settings)["loss_model_file"] != before


@pytest.mark.parametrize("damage", [None, b"", b"[", b"[1]", b'{"validation": 3}', b"[" * 100_000])
def test_digests_are_read_back_and_damaged_ones_are_unknown(
    tmp_path: Path, damage: bytes | None
) -> None:
    folder = run_folder.RunFolder(tmp_path)
    contents.write(folder, {"validation": "abc"})
    assert contents.read(folder) == {"validation": "abc"}
    if damage is None:
        folder.inputs.unlink()
    else:
        folder.inputs.write_bytes(damage)
    assert contents.read(folder) == {}
