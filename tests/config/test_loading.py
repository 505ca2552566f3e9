"""Conf files: what is accepted, and how each mistake in one is named."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from fastnst import config, errors, files

ROOT = Path(__file__).resolve().parents[2]
LEAST = "style_image: img/candy.jpg\nnaming: candy\n"

# A conf of the original implementation, with exactly its keys.
ORIGINAL = """\
## Basic configuration
style_image: img/candy.jpg # targeted style image
naming: "candy" # the name of this model. Determine the path to save checkpoint and events file.
model_path: models # root path to save checkpoint and events file.

## Weight of the loss
content_weight: 1.0
style_weight: 50.0
tv_weight: 0.0

## The size, the iter number to run
image_size: 256
batch_size: 4
epoch: 2

## Loss Network
loss_model: "vgg_16"
content_layers: # use these layers for content loss
  - vgg_16/conv3/conv3_3
style_layers:
  - vgg_16/conv1/conv1_2
  - vgg_16/conv2/conv2_2
  - vgg_16/conv3/conv3_3
  - vgg_16/conv4/conv4_3
checkpoint_exclude_scopes: "vgg_16/fc" # we only use the convolution part of vgg_16
loss_model_file: "pretrained/vgg_16.ckpt" # the path to the checkpoint
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a conf file."""

    def write_text(text: str) -> Path:
        path = tmp_path / "style.yml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_text


Write = Callable[[str], Path]


def problems(path: Path, *assignments: str, **options: Any) -> list[str]:
    """The lines of the error that loading the file ends in, the file's folder left out."""
    with pytest.raises(errors.UserError) as caught:
        config.load(path, assignments, **options)
    return str(caught.value).replace(f"{path.parent}/", "").splitlines()


def only_problem(path: Path, *assignments: str, **options: Any) -> str:
    (problem,) = problems(path, *assignments, **options)
    return problem


@pytest.mark.parametrize("spelling", ["slim", "plain"])
def test_a_conf_of_the_original_loads_unmodified(write: Write, spelling: str) -> None:
    text = ORIGINAL if spelling == "slim" else re.sub(r"vgg_16/conv\d/", "", ORIGINAL)
    settings = config.load(write(text))
    given = dataclasses.asdict(settings)
    layers = {"relu1_2": 1.0, "relu2_2": 1.0, "relu3_3": 1.0, "relu4_3": 1.0}
    expected = {
        "style_image": "img/candy.jpg",
        "naming": "candy",
        "model_path": "models",
        "content_weight": 1.0,
        "style_weight": 50.0,
        "tv_weight": 0.0,
        "image_size": 256,
        "batch_size": 4,
        "epoch": 2,
        "loss_model": "vgg_16",
        "content_layers": {"relu3_3": 1.0},
        "style_layers": layers,
        "checkpoint_exclude_scopes": "vgg_16/fc",
        "loss_model_file": "pretrained/vgg_16.ckpt",
    }
    assert {key: given[key] for key in expected} == expected
    assert list(settings.style_layers) == list(layers)
    # Nothing that the original did not do is asked for either.
    assert (settings.max_steps, settings.learning_rate, settings.schedule) == (
        None,
        1e-3,
        "constant",
    )
    assert settings.style_side == 256
    assert settings.run_dir == Path("models/candy")


@pytest.mark.parametrize("path", sorted((ROOT / "conf").glob("*.yml")), ids=lambda path: path.name)
def test_every_conf_that_is_shipped_loads_and_names_a_picture_that_is_there(path: Path) -> None:
    settings = config.load(path)
    assert files.find(settings.style_image).is_file()
    assert config.load(path, quick=True).naming == f"{settings.naming}-quick"


def test_layers_may_be_a_mapping_to_weights_in_either_spelling(write: Write) -> None:
    text = "style_layers: {vgg_16/conv1/conv1_2: 2, relu2_2: 1e-1, conv5_3: 0.25}\n"
    settings = config.load(write(LEAST + text))
    assert settings.style_layers == {"relu1_2": 2.0, "relu2_2": 0.1, "relu5_3": 0.25}


def test_one_layer_needs_no_list(write: Write) -> None:
    settings = config.load(write(LEAST + "content_layers: relu2_2\n"))
    assert settings.content_layers == {"relu2_2": 1.0}


@pytest.mark.parametrize(
    ("layers", "complaint"),
    [
        ("[relu1_2, relu3-3]", "no layer relu3-3"),
        ("[relu1_3]", "no layer relu1_3"),
        ("[relu6_1]", "no layer relu6_1"),
        ("[vgg_16/conv1/conv3_3]", "no layer vgg_16/conv1/conv3_3"),
        ("[pool4]", "no layer pool4"),
        ("[relu1_2: 0.5]", "no layer {'relu1_2': 0.5}"),
        ("[relu1_2, vgg_16/conv1/conv1_2]", "layer relu1_2 is named twice"),
        ("{relu1_2: much}", "the weight of relu1_2 should be a number, found 'much'"),
        ("{relu1_2: }", "the weight of relu1_2 should be a number, found None"),
        ("{relu1_2: -1}", "the weight of relu1_2 is -1, should be at least 0"),
        ("[]", "should be a list of layers, or a mapping of layer to weight"),
        ("{}", "should be a list of layers, or a mapping of layer to weight"),
        ("7", "should be a list of layers, or a mapping of layer to weight"),
    ],
)
def test_wrong_layers_are_named(write: Write, layers: str, complaint: str) -> None:
    found = only_problem(write(LEAST + f"style_layers: {layers}\n"))
    assert found.startswith(f"style.yml:3: style_layers: {complaint}")


def test_powers_of_ten_are_numbers_although_yaml_takes_them_for_text(write: Write) -> None:
    text = "style_weight: 1e5\nlearning_rate: 1e-4\nmax_steps: 2e3\ntv_weight: '0.5'\n"
    assert yaml.safe_load(text)["style_weight"] == "1e5"
    settings = config.load(write(LEAST + text))
    assert settings.style_weight == 100_000.0
    assert settings.learning_rate == 0.0001
    assert settings.max_steps == 2000
    assert isinstance(settings.max_steps, int)
    assert settings.tv_weight == 0.5


def test_on_and_off_stay_words_where_words_are_meant(write: Write) -> None:
    assert config.load(write(LEAST + "xla: on\n")).xla == "on"
    assert config.load(write(LEAST + "xla: off\n")).xla == "off"


def test_a_key_given_twice_is_named_with_both_lines(write: Write) -> None:
    text = LEAST + "style_weight: 1\nstyle_weight: 2\n"
    assert only_problem(write(text)) == "style.yml:4: style_weight: set before, at style.yml:3"


def test_a_layer_given_twice_is_named_with_both_lines(write: Write) -> None:
    text = LEAST + "style_layers:\n  relu1_2: 1\n  relu2_2: 1\n  relu1_2: 9\n"
    assert only_problem(write(text)) == "style.yml:6: relu1_2: set before, at style.yml:4"


def test_an_unknown_key_gets_the_nearest_one(write: Write) -> None:
    found = only_problem(write(LEAST + "style_wieght: 1\n"))
    assert found == "style.yml:3: unknown key style_wieght; did you mean style_weight?"
    assert only_problem(write(LEAST + "zzz: 1\n")) == "style.yml:3: unknown key zzz"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("image_size: 0", "0 is too small, should be at least 16"),
        ("image_size: -256", "-256 is too small, should be at least 16"),
        ("image_size: large", "should be a number, found 'large'"),
        ("image_size: 256.5", "should be a whole number, found 256.5"),
        ("image_size: [256, 256]", "should be a number, found [256, 256]"),
        ("image_size: true", "should be a number, found True"),
        ("image_size:", "has no value"),
        ("batch_size: 0", "0 is too small, should be at least 1"),
        ("batch_size: off", "should be a number, found False"),
        ("style_size: 8", "8 is too small, should be at least 16"),
        ("style_weight: -1", "-1.0 is too small, should be at least 0"),
        ("style_weight: .nan", "should be a number, found nan"),
        ("style_weight: nan", "should be a number, found nan"),
        ("style_weight: .inf", "should be a number, found inf"),
        ("style_weight: 1e400", "should be a number, found inf"),
        ("style_weight: null", "has no value"),
        ("learning_rate: 0", "0.0 is too small, should be above 0"),
        ("max_steps: 0", "0 is too small, should be at least 1"),
        ("seed: 2147483648", "2147483648 is too large, should be at most 2147483647"),
        ("output_norm: 1", "should be true or false, found 1"),
        ("output_norm: 'true'", "should be true or false, found 'true'"),
        ("model_path: [models]", "should be text, found ['models']"),
        ("model_path: 2020-01-01", "should be text, found datetime.date(2020, 1, 1)"),
        ("augment: null", "has no value"),
        ("augment: corp", "'corp' is not one of crop, none; did you mean crop?"),
        ("precision: float16", "'float16' is not one of auto, float32, mixed_bfloat16, "),
        ("loss_model: vgg_19", "'vgg_19' is not one of vgg_16; did you mean vgg_16?"),
        ("schedule: false", "'off' is not one of constant, cosine"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(
    write: Write, line: str, complaint: str
) -> None:
    key = line.partition(":")[0]
    assert only_problem(write(LEAST + line + "\n")).startswith(f"style.yml:3: {key}: {complaint}")


def test_a_number_too_large_for_any_computer_is_no_crash(write: Write) -> None:
    assert only_problem(write(LEAST + f"epoch: {'9' * 400}\n")).startswith("style.yml:3: epoch: ")


@pytest.mark.parametrize("naming", ["../../x", "a/b", ".hidden", "..", "with space", "-x", "a\\b"])
def test_naming_cannot_lead_out_of_its_folder(write: Write, naming: str) -> None:
    found = only_problem(write(f"style_image: x.jpg\nnaming: '{naming}'\n"))
    assert found.startswith(f"style.yml:2: naming: {naming!r} is not a plain name; letters, ")


def test_an_empty_name_is_no_name(write: Write) -> None:
    assert (
        only_problem(write("style_image: x.jpg\nnaming: ''\n")) == "style.yml:2: naming: is empty"
    )


def test_missing_keys_are_named_with_what_they_mean(write: Write) -> None:
    found = problems(write("style_weight: 1\n"))
    assert [line.partition(" is missing: ")[0] for line in found] == [
        "style.yml: style_image",
        "style.yml: naming",
    ]
    assert found[0].endswith("Picture whose style is learned; any format.")


def test_all_problems_come_at_once_each_with_its_line(write: Write) -> None:
    text = (
        "naming: ../../x\n"
        "image_size: 0\n"
        "batchsize: 4\n"
        "\n"
        "# a comment\n"
        "batchsize: 4\n"
        "style_layers: [relu9_9]\n"
    )
    found = problems(write(text), "epoch=none", "nonsense", batch_size=0)
    assert [line.split(": ")[0] for line in found] == [
        "style.yml:6",
        "--set nonsense",
        "style.yml:1",
        "style.yml:2",
        "style.yml:3",
        "style.yml:7",
        "--set epoch=none",
        "--batch_size",
        "style.yml",
    ]


def test_nothing_to_train_for_is_an_error(write: Write) -> None:
    text = LEAST + "content_weight: 0\nstyle_weight: 0\n"
    assert "are all 0: nothing to train for" in only_problem(write(text))
    assert config.load(write(text + "tv_weight: 1\n")).tv_weight == 1


@pytest.mark.parametrize("nothing", ["content_weight: 0", "content_layers: {relu3_3: 0}"])
def test_auto_needs_a_content_to_go_by(write: Write, nothing: str) -> None:
    text = f"{LEAST}{nothing}\nstyle_weight: auto\n"
    assert "style_weight: auto goes by what the content counts" in only_problem(write(text))


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "- a list\n", "words\n"])
def test_a_file_without_keys_is_told_what_one_looks_like(write: Write, text: str) -> None:
    assert only_problem(write(text)) == (
        "style.yml: should hold lines of `key: value`, see conf/README.md"
    )


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("style_layers: [relu1_2\nnaming: x\n", "style.yml:2: not valid YAML: "),
        ("a: 1\n\tb: 2\n", "style.yml:2: not valid YAML: "),
        ("a: 1\nb: *nowhere\n", "style.yml:2: not valid YAML: found undefined alias"),
        ("a: 1\nb: 'open\n", "style.yml:3: not valid YAML: "),
        ("a: !!python/object:os.system x\n", "style.yml:1: not valid YAML: could not determine"),
        ("a: 1\n---\nb: 1\n", "style.yml:2: not valid YAML: but found another document"),
        ("a: \x00\n", "style.yml: not valid YAML: "),
        ("naming: 2020-13-45\n", "style.yml: not valid YAML: month must be in 1..12"),
    ],
)
def test_broken_yaml_is_told_with_its_line(write: Write, text: str, start: str) -> None:
    assert only_problem(write(text)).startswith(start)


def test_a_file_that_is_not_text_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "style.yml"
    path.write_bytes(b"naming: \xff\xfe")
    assert only_problem(path).startswith("style.yml: is no text; a conf file holds lines of ")
    assert problems(tmp_path)[0].endswith(": is a folder; name a conf file in it")


def test_a_missing_conf_file_gets_the_nearest_one(write: Write, tmp_path: Path) -> None:
    write(LEAST)
    for name in ("stile.yml", "style"):
        problem = only_problem(tmp_path / name)
        assert problem == f"{name}: no such conf file; did you mean style.yml?"
    problem = only_problem(tmp_path / "nowhere" / "x.yml")
    assert problem.endswith(", conf/wave.yml") and "; there are conf/auvers.yml, " in problem


def test_a_conf_of_the_project_is_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert config.load("conf/candy.yml").naming == "candy"
    problem = only_problem(Path("candi"))
    assert problem == "candi: no such conf file; did you mean conf/candy.yml?"


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "style.yml"
    path.write_text(LEAST, encoding="utf-8-sig")
    assert config.load(path).naming == "candy"


def test_set_wins_over_the_file_and_passes_the_same_checks(write: Write) -> None:
    path = write(LEAST + "image_size: 0\n")
    settings = config.load(
        path, ["image_size=64", " style_weight = 1e5 ", "style_layers=[relu1_2]", "style_size="]
    )
    assert settings.image_size == 64
    assert settings.style_weight == 100_000.0
    assert settings.style_layers == {"relu1_2": 1.0}
    assert settings.style_size is None
    path = write(LEAST)
    for assignment, complaint in {
        "image_size=0": "image_size: 0 is too small, should be at least 16",
        "image_siz=64": "unknown key image_siz; did you mean image_size?",
        "image_size": "should be key=value",
        "image_size=": "image_size: has no value",
        "style_layers=[": "the value is not valid YAML",
        "naming=2020-13-45": "the value is not valid YAML",
        "naming=../x": "naming: '../x' is not a plain name",
        "dataset=a: b: c": "the value is not valid YAML",
    }.items():
        assert only_problem(path, assignment).startswith(f"--set {assignment}: {complaint}")


def test_a_value_set_may_hold_an_equals_sign(write: Write) -> None:
    assert config.load(write(LEAST), ["dataset=/photos/a=b"]).dataset == "/photos/a=b"


def test_keyword_arguments_win_over_everything(write: Write) -> None:
    path = write(LEAST + "dataset: a\n")
    assert config.load(path, ["dataset=b"], quick=True, dataset="c").dataset == "c"
    found = only_problem(path, max_steps=0)
    assert found == "--max_steps: max_steps: 0 is too small, should be at least 1"


def test_quick_lies_over_the_file_and_below_set(write: Write) -> None:
    path = write(LEAST + "image_size: 512\nstyle_weight: 7\ndataset: /photos\n")
    settings = config.load(path, ["batch_size=3"], quick=True)
    assert settings.image_size == config.QUICK["image_size"] == 192
    assert settings.dataset == "bundled"
    assert settings.max_steps == config.QUICK["max_steps"]
    assert settings.batch_size == 3
    assert settings.style_weight == 7
    for key, value in config.QUICK.items():
        assert key == "batch_size" or getattr(settings, key) == value


@pytest.mark.parametrize("naming", ["candy", "7"])
def test_quick_trains_beside_the_real_network(write: Write, naming: str) -> None:
    path = write(f"style_image: x.jpg\nnaming: {naming}\nmodel_path: m\n")
    assert config.load(path, quick=True).run_dir == Path(f"m/{naming}-quick")
    assert config.load(path).run_dir == Path(f"m/{naming}")


def test_quick_hides_no_mistake_in_naming(write: Write) -> None:
    path = write("style_image: x.jpg\nnaming: [a]\n")
    assert only_problem(path, quick=True) == "style.yml:2: naming: should be text, found ['a']"


def test_null_stands_for_a_default_only_where_one_is_worked_out(write: Write) -> None:
    optional = {name for name, field in config.FIELDS.items() if field.metadata.get("optional")}
    assert optional == {"style_size", "max_steps", "start_from"}
    for name in config.FIELDS:
        text = "".join(line for line in LEAST.splitlines(True) if not line.startswith(name))
        path = write(f"{text}{name}: null\n")
        if name in optional:
            assert getattr(config.load(path), name) is None
        else:
            assert only_problem(path).endswith(f"{name}: has no value")


def test_every_default_is_allowed_and_every_key_is_explained() -> None:
    for name, field in config.FIELDS.items():
        assert field.metadata["help"], name
        assert field.metadata["help"].endswith("."), name


def test_a_written_configuration_reads_back_the_same(write: Write, tmp_path: Path) -> None:
    text = (
        "style_image: img/größe.jpg\nnaming: '7'\nlearning_rate: 1e-5\nxla: on\nstyle_size: 512\n"
        "style_layers: {relu1_2: 0.125, relu5_3: 3}\nseed: 12\ntv_weight: 1e-7\n"
    )
    settings = config.load(write(text))
    written = settings.to_yaml()
    assert list(yaml.safe_load(written)) == list(config.FIELDS)
    assert "größe" in written
    assert config.load(write(written)) == settings
    defaults = config.load(write(LEAST))
    assert config.load(write(defaults.to_yaml())) == defaults


def test_configurations_do_not_share_their_layers(write: Write) -> None:
    path = write(LEAST)
    config.load(path).style_layers.clear()
    assert len(config.load(path).style_layers) == 4


def test_a_configuration_cannot_be_changed(write: Write) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.load(write(LEAST)).image_size = 1  # type: ignore[misc]


def test_a_conf_of_the_package_is_found_by_its_bare_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert config.load("candy").naming == "candy"
    Path("candy").write_text("style_image: img/wave.jpg\nnaming: mine\n")
    assert config.load("candy").naming == "mine"


def test_reading_a_conf_does_not_wait_for_tensorflow() -> None:
    program = (
        "import sys; from fastnst import config; config.load('conf/candy.yml');"
        "sys.exit('tensorflow' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


def test_stages_tell_the_size_at_each_step(write: Write) -> None:
    settings = config.load(write(LEAST + "stages: {128: 300, 192: 100}\nimage_size: 256\n"))
    sizes = {step: settings.size_at(step) for step in (0, 299, 300, 399, 400, 9999)}
    assert sizes == {
        0: (128, 300),
        299: (128, 300),
        300: (192, 400),
        399: (192, 400),
        400: (256, None),
        9999: (256, None),
    }
    assert config.load(write(LEAST)).size_at(0) == (256, None)
