"""`export.py`; the exports themselves are tested in tests/export."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import yaml

from fastnst.cli import export as command
from fastnst.models import loading, restore, store


@pytest.fixture
def here(tmp_path: Path, tiny_run: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with models/tiny."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "tiny").symlink_to(tiny_run)
    return tmp_path


@pytest.mark.slow
def test_an_export_is_checked_and_comes_with_its_card_and_configuration(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--model", "tiny"]) == 0
    output, error = capsys.readouterr()
    assert output == "exports/tiny\n"
    said, heads, row = error.splitlines()
    assert said == "compared with models/tiny, each in its own program:"
    assert heads.split()[:2] == ["format", "MB"]
    name, megabytes, largest, *_ = row.split()
    assert name == "savedmodel" and float(megabytes) > 0 and float(largest) <= 1
    folder = Path("exports/tiny")
    assert (folder / "saved_model.pb").exists()
    assert (folder / "README.md").read_text().startswith("# tiny\n")
    assert yaml.safe_load((folder / "config.yml").read_text())["width"] == 4
    assert json.loads((folder / "training.json").read_text())["steps"] == 6
    stylized = tf.saved_model.load(str(folder))(tf.zeros([1, 16, 20, 3]))
    assert stylized.shape == [1, 16, 20, 3]

    assert command.main(["--model", "tiny"]) == 0
    assert "replaced the earlier export in exports/tiny\n" in capsys.readouterr().err

    assert command.main(["--model", "exports/tiny", "-o", "again"]) == 1
    message = (
        "export.py: exports/tiny: is an exported model; name the run that it was exported from\n"
    )
    assert capsys.readouterr() == ("", message)


@pytest.mark.slow
def test_exported_weights_can_be_exported_again_with_all_facts_about_them(
    here: Path, tiny_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--model", "tiny", "--format", "weights", "-o", "shipped"]) == 0
    assert command.main(["--model", "shipped", "--format", "weights", "-o", "again"]) == 0
    assert capsys.readouterr().out == "shipped\nagain\n"
    for name in ("config.yml", "training.json"):
        assert Path("shipped", name).read_text() == Path("again", name).read_text()
    assert "# shipped" in Path("again/README.md").read_text()
    one, two = (restore.load(store.find(name)).net.tensors() for name in ("shipped", "again"))
    for name, tensor in one.items():
        np.testing.assert_array_equal(tensor, two[name])


def test_a_mistake_is_one_line_and_exit_code_1(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--model", "tini"]) == 1
    assert "did you mean tiny?" in capsys.readouterr().err
    Path("precious").mkdir()
    Path("precious/photo.jpg").touch()
    assert command.main(["--model", "tiny", "-o", "precious"]) == 1
    output, error = capsys.readouterr()
    assert (output, error.count("\n")) == ("", 1)
    assert error.startswith("export.py: precious/photo.jpg: is not part of an export")
    assert [path.name for path in Path("precious").iterdir()] == ["photo.jpg"]


def test_exports_are_objects_with_json(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--model", "tiny", "--format", "onnx", "--json"]) == 0
    output, error = capsys.readouterr()
    found = json.loads(output)
    assert found["output"] == "exports/tiny-onnx" and found["format"] == "onnx"
    assert found["largest"] <= 1.0 and found["milliseconds"] > 0.0 and found["megabytes"] > 0.0
    assert error == ""


@pytest.mark.slow
def test_several_formats_are_compared_in_one_table(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--model", "tiny", "--format", "weights,onnx,coreml", "--precision", "float16"]
    assert command.main([*arguments, "-o", "all"]) == 0
    output, error = capsys.readouterr()
    assert output == "all/weights\nall/onnx\nall/coreml\n"
    rows = [line.split() for line in error.splitlines()[2:]]
    assert [row[0] for row in rows] == ["weights", "onnx", "coreml"]
    assert [row[6] == "-" for row in rows] == [False, False, True]
    assert json.loads(Path("all/onnx/metadata.json").read_text())["training"]["steps"] == 6
    assert "onnxruntime.InferenceSession" in Path("all/onnx/README.md").read_text()


def test_a_format_for_one_size_is_written_for_it(here: Path) -> None:
    arguments = ["--model", "tiny", "--format", "litert", "--size", "40x56"]
    assert command.main(arguments) == 0
    assert json.loads(Path("exports/tiny-litert/metadata.json").read_text())["size"] == "40x56"


def test_of_several_formats_only_those_for_one_size_get_it() -> None:
    def sizes(formats: str) -> list[tuple[int, int] | None]:
        given = command.make_parser("export.py").parse_args(
            ["--model", "tiny", "--format", formats, "--size", "40x56"]
        )
        return [command._options(given, name).size for name in given.format]

    assert sizes("savedmodel,litert,onnx,coreml") == [None, (40, 56), None, (40, 56)]
    # Alone, it is refused.
    assert sizes("onnx") == [(40, 56)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--format", "onnx2"], "no format onnx2; did you mean onnx? (choose from savedmodel, "),
        (["--format", "onnx,"], "no format (choose from "),
        (["--size", "512"], "512: should be HEIGHTxWIDTH, such as 512x768"),
        (["--size", "512x1000000000"], "'1000000000' should be a whole number, from 16 to 4,096"),
        (["--size", "15x16"], "'15' should be a whole number, from 16 to 4,096"),
    ],
)
def test_an_unknown_format_or_size_is_a_usage_error(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        command.main(["--model", "tiny", *options])
    assert stopped.value.code == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_no_format_is_written_if_one_of_them_cannot_be(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--format", "weights,savedmodel", "--precision", "float16"]
    assert command.main(["--model", "tiny", *options]) == 1
    assert "--precision float16: savedmodel is written in float32" in capsys.readouterr().err
    assert not Path("exports").exists()


@pytest.fixture
def with_gallery(here: Path, gallery: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same working directory with models/gallery, of the styles wave, candy and ink."""
    monkeypatch.setattr("fastnst.models.store.SHIPPED", here / "none")
    (here / "models" / "gallery").symlink_to(gallery)
    return here


@pytest.mark.slow
def test_a_model_of_several_styles_is_exported_with_all_of_them(
    with_gallery: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--model", "gallery"]) == 0
    assert capsys.readouterr().out == "exports/gallery\n"
    model = tf.saved_model.load("exports/gallery")
    assert model.style_names().numpy().tolist() == [b"wave", b"candy", b"ink"]
    assert "`model.style_names()`" in Path("exports/gallery/README.md").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["--model", "ink", "--format", "weights"], "ink"),
        (["--model", "gallery", "--style", "ink"], "ink"),
        (
            ["--model", "gallery", "--format", "weights", "--style", "wave:0.6,ink:0.4"],
            "wave0.6+ink0.4",
        ),
    ],
)
def test_a_style_or_blend_is_exported_alone_under_its_name(
    with_gallery: Path,
    gallery: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    name: str,
) -> None:
    assert command.main(arguments) == 0
    folder = Path("exports", f"{name}-weights" if "weights" in arguments else name)
    assert capsys.readouterr().out == f"{folder}\n"
    assert (folder / "README.md").read_text().startswith(f"# {name}\n")
    photo = np.random.default_rng(0).integers(0, 255, (20, 30, 3)).astype(np.uint8)
    style = arguments[-1] if "--style" in arguments else "ink"
    expected = loading.load(gallery, "float32", style=style)(photo)
    found = loading.load(folder, "float32")(photo)
    # Weights are rounded to float16.
    assert np.abs(found.astype(int) - expected).max() <= (6 if "weights" in arguments else 1)
    if "weights" not in arguments:
        model = tf.saved_model.load(str(folder))
        assert model.style_names().numpy().tolist() == [name.encode()]
        assert "serving_styles" not in model.signatures


@pytest.mark.slow
def test_the_weights_of_a_style_stylize_without_the_others(
    with_gallery: Path, gallery: Path
) -> None:
    arguments = ["--model", "gallery", "--style", "ink", "--format", "weights", "-o", "mine"]
    assert command.main(arguments) == 0
    restored = restore.load(store.find("mine"))
    assert restored.description.names == ("ink",) and not restored.description.identity
    expected = np.float32(np.float16(restore.load(store.find(gallery)).net.table[2]))
    np.testing.assert_array_equal(restored.net.table[0], expected)


@pytest.mark.slow
def test_some_styles_are_exported_without_the_others(
    with_gallery: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--model", "gallery", "--style", "ink", "--style", "wave", "--format", "weights"]
    assert command.main(arguments) == 0
    assert capsys.readouterr().out == "exports/gallery-weights\n"
    names = restore.styles(Path("exports/gallery-weights"))
    assert list(names) == ["ink", "wave"]


def test_an_unknown_style_is_not_exported(
    with_gallery: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--model", "gallery", "--style", "inc"]) == 1
    expected = "export.py: no style inc; did you mean ink? (styles: wave, candy, ink)\n"
    assert capsys.readouterr() == ("", expected)
    assert not Path("exports").exists()
