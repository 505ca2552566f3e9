"""`fastnst quality`, on pictures of 96 pixels and with a few iterations."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import networks
import numpy as np
import pytest
from PIL import Image

from fastnst import config, files, images
from fastnst.cli import import_model, quality
from fastnst.evaluation import lattice, pictures


def test_the_table_shows_how_many_iterations_the_network_equals() -> None:
    value = {"mean": 1750.0, "spread": 1250.0}
    found = {
        "photos": 2,
        "steps": 3,
        "photo": value,
        "network": value,
        "optimiser": {"noise": {1: value, 3: value}, "photo": {1: value, 3: value}},
        "equal_iterations": {"noise": None, "photo": 2.2},
        "equal_iterations_by_photo": {"noise": [1.5, None], "photo": [0.7, None]},
        "ratio_to_best": 1.75,
        "figures": {"structure": value},
    }
    text = quality.table("candy", 256, found)
    assert "1.8 ± 1.2" in text
    assert "after 1 iteration  " in text and "after 3 iterations" in text
    assert (
        "This network equals more than 3 iterations from noise (2 to more than 3 by photo)." in text
    )
    assert "This network equals 2 iterations from photo" in text


@pytest.fixture
def here(
    tmp_path: Path,
    tiny_run: Path,
    photo: Callable[..., np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A working directory with models/tiny, its checkpoints alone, and photos of two sizes."""
    monkeypatch.chdir(tmp_path)
    # The loss network takes seconds for the sizes of real photos.
    monkeypatch.setattr(pictures, "_SIDE", 128)
    monkeypatch.setattr(pictures, "_LARGE_SIDE", 160)
    monkeypatch.setattr(pictures, "SCALES", (64, 128))
    shutil.copytree(tiny_run, tmp_path / "models" / "tiny")
    shutil.copytree(tiny_run / "checkpoints", tmp_path / "bare")
    (tmp_path / "photos").mkdir()
    for index, size in enumerate([(100, 130), (120, 97), (99, 99)]):
        Image.fromarray(photo(*size, index)).save(tmp_path / "photos" / f"{index}.png")
    return tmp_path


@pytest.mark.slow
def test_it_writes_figures_pictures_and_curves(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--model", "tiny", "--images", "photos", "--photos", "2", "--size", "96"]
    assert quality.main([*arguments, "--steps", "3"]) == 0
    output = capsys.readouterr().out
    assert output.startswith("tiny, 2 photos: how the pictures look\n  lattice ")
    assert "\ntiny at 96 px, 2 photos: the objective in thousands, mean ± spread\n" in output
    assert output.endswith("generated/quality-tiny\n")
    folder = Path("generated/quality-tiny")
    written = json.loads((folder / "quality.json").read_text())
    assert written["pictures"]["photos"] == 2 and written["pictures"]["rim"] >= 0.0
    assert written["pictures"]["names"] == ["0.png", "1.png"]
    found = written["sizes"]["96"]
    for start in ("noise", "photo"):
        curve = found["mean_curves"][start]
        assert len(curve) == 4 and curve[-1] < curve[0]
    assert found["mean_curves"]["photo"][0] == found["photo"]["mean"]
    assert found["network"]["mean"] < found["mean_curves"]["noise"][0]
    assert set(found["figures"]) > {"Gram distance at relu3_1"}
    assert images.read(folder / "pictures-96.png").shape == (4 * 96, 2 * 96, 3)
    assert images.read(folder / "curves-96.png").shape[2] == 3


@pytest.mark.slow
def test_without_steps_only_the_pictures_are_measured(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--model", "tiny", "--images", "photos", "--photos", "1", "--steps", "0"]
    assert quality.main(arguments) == 0
    assert "objective" not in capsys.readouterr().out
    (written,) = Path("generated/quality-tiny").iterdir()
    found = json.loads(written.read_text())
    assert found["sizes"] == {} and len(found["pictures"]) == 10
    # An earlier comparison with the optimizer is kept.
    written.write_text(json.dumps(found | {"sizes": {"256": "earlier"}}))
    assert quality.main(arguments) == 0
    assert json.loads(written.read_text())["sizes"] == {"256": "earlier"}
    # One of another model, or a damaged file, is not.
    for text in (json.dumps(found | {"model": "other", "sizes": {"256": "other"}}), "{"):
        written.write_text(text)
        assert quality.main(arguments) == 0
        assert json.loads(written.read_text())["sizes"] == {}


@pytest.mark.slow
def test_every_style_of_a_model_has_a_folder_of_its_own(
    here: Path, gallery: Path, conf: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(gallery, here / "models" / "several")
    written = conf(here, style_image=None, styles=["img/wave.jpg", "img/candy.jpg"])
    shutil.copy(written, here / "models" / "several" / "config.yml")
    arguments = ["--images", "photos", "--photos", "1", "--steps", "0", "--model", "several"]
    folder = here / "generated" / "quality-several"
    assert quality.main([*arguments, "--style", "candy"]) == 0
    assert [path.name for path in folder.iterdir()] == ["candy"]
    candy = json.loads((folder / "candy" / "quality.json").read_text())
    assert quality.main(arguments) == 0
    assert sorted(path.name for path in folder.iterdir()) == ["candy", "wave"]
    assert json.loads((folder / "candy" / "quality.json").read_text()) == candy
    assert capsys.readouterr().out.count("candy, 1 photo: how the pictures look") == 2


@pytest.mark.slow
def test_an_imported_network_is_measured_with_its_painting(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez("muse.npz", **networks.lengstrom())
    assert import_model.main(["muse.npz", "--name", "muse"]) == 0
    capsys.readouterr()
    arguments = ["--model", "muse", "--images", "photos", "--photos", "1", "--steps", "0"]
    assert quality.main(arguments) == 1
    assert "muse: has no config.yml" in capsys.readouterr().err
    painting = str(files.asset("img/wave.jpg"))
    assert quality.main([*arguments, "--painting", painting]) == 0
    found = json.loads(Path("generated/quality-muse/quality.json").read_text())
    assert found["model"] == "muse" and len(found["pictures"]) == 10
    side = config.Style().side(config.Data().image_size)
    style = images.read(painting, side)
    expected = np.mean(lattice.peaks(style, lattice.everywhere(style)))
    assert found["pictures"][pictures.OF_PAINTING] == pytest.approx(float(expected))


@pytest.mark.slow
def test_a_network_without_config_is_compared_on_the_default_objective(here: Path) -> None:
    painting = str(files.asset("img/wave.jpg"))
    arguments = ["--model", "tiny", "--images", "photos", "--photos", "1", "--size", "96"]
    (here / "models" / "tiny" / "config.yml").unlink()
    options = ["--steps", "1", "--start", "photo", "--painting", painting]
    assert quality.main([*arguments, *options]) == 0
    found = json.loads(Path("generated/quality-tiny/quality.json").read_text())
    assert len(found["sizes"]["96"]["mean_curves"]["photo"]) == 2


def test_a_painting_is_of_one_style(
    here: Path, gallery: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    painting = str(files.asset("img/wave.jpg"))
    arguments = ["--images", "photos", "--photos", "1", "--steps", "0", "--painting", painting]
    assert quality.main([*arguments, "--model", str(gallery)]) == 1
    assert "is of one style; name it with --style (styles: wave, candy" in capsys.readouterr().err
    assert quality.main([*arguments, "--model", str(gallery), "--style", "ink"]) == 0
    assert capsys.readouterr().out.startswith("ink, 1 photo: how the pictures look")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--model", "tiny", "--size", "64"],
            "--size: '64' should be a whole number, from 96",
        ),
        (["--model", "tiny", "--size", "256,big"], "--size: 'big' should be a whole number"),
        (["--model", "tiny", "--images", "fotos"], "fotos: no such file or folder; did you mean"),
        (["--model", "bare"], "bare: has no config.yml, which names the painting and"),
        (["--model", "tiny", "--painting", "none.jpg"], "--painting none.jpg: no such file"),
        (
            ["--model", "tiny", "--painting", "photos/0.png", "--style", "tin"],
            "--style: no style tin; did you mean tiny? (styles: tiny)",
        ),
        (["--model", "tiny", "--style", "ink"], "--style ink: its objective is not in "),
        (["--model", "tini"], "no model tini; did you mean tiny?"),
    ],
)
def test_user_errors_print_one_line_and_write_nothing(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert quality.main(arguments) == 1
    output, error = capsys.readouterr()
    assert output == "" and error.count("\n") == 1
    assert error.startswith(f"fastnst quality: {message}")
    assert not Path("generated").exists()
