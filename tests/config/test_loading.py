"""Conf files: which are accepted, and how each mistake in one is reported."""

from __future__ import annotations

import re
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


def style(settings: config.Config) -> config.Style:
    """The only style of a configuration."""
    (only,) = settings.styles.values()
    return only


@pytest.mark.parametrize("spelling", ["slim", "plain"])
def test_a_conf_of_the_original_loads_unmodified(write: Write, spelling: str) -> None:
    text = ORIGINAL if spelling == "slim" else re.sub(r"vgg_16/conv\d/", "", ORIGINAL)
    given = config.load(write(text)).flat()
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
    assert list(given["style_layers"]) == list(layers)
    # A file that asks for epochs is not cut short by the recipe's steps.
    assert (given["max_steps"], given["stages"]) == (None, {})
    assert given["optimizer"] == "muon"


def test_a_conf_of_the_original_can_train_as_the_original_did(write: Write) -> None:
    settings = config.load(write(ORIGINAL + "recipe: original\n"))
    assert (settings.training.epoch, settings.training.max_steps) == (2, None)
    training = settings.training
    assert (training.optimizer, training.learning_rate) == ("adam", 1e-3)
    assert (training.schedule, training.average) == ("constant", 0.0)
    assert (settings.data.augment, settings.data.batch_size) == ("none", 4)
    assert training.start_from is None


@pytest.mark.parametrize("path", sorted((ROOT / "conf").glob("*.yml")), ids=lambda path: path.name)
def test_every_shipped_conf_loads_and_its_style_images_exist(path: Path) -> None:
    settings = config.load(path)
    assert all(files.find(style.style_image).is_file() for style in settings.styles.values())
    assert config.load(path, quick=True).naming == f"{settings.naming}-quick"


def test_layers_may_be_a_mapping_to_weights_in_either_spelling(write: Write) -> None:
    text = "style_layers: {vgg_16/conv1/conv1_2: 2, relu2_2: 1e-1, conv5_3: 0.25}\n"
    settings = config.load(write(LEAST + text))
    assert style(settings).style_layers == {"relu1_2": 2.0, "relu2_2": 0.1, "relu5_3": 0.25}


def test_one_layer_needs_no_list(write: Write) -> None:
    settings = config.load(write(LEAST + "content_layers: relu2_2\n"))
    assert style(settings).content_layers == {"relu2_2": 1.0}


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
    assert style(settings).style_weight == 100_000.0
    assert settings.training.learning_rate == 0.0001
    assert settings.training.max_steps == 2000
    assert isinstance(settings.training.max_steps, int)
    assert style(settings).tv_weight == 0.5


def test_on_and_off_stay_words_where_words_are_meant(write: Write) -> None:
    assert config.load(write(LEAST + "xla: on\n")).computing.xla == "on"
    assert config.load(write(LEAST + "xla: off\n")).computing.xla == "off"


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
        "style.yml: naming",
        "style.yml: style_image",
    ]
    assert found[1].endswith(
        "Painting whose style is learned, any image format; or a folder of several."
    )


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
    assert "are all 0; set at least one" in only_problem(write(text))
    assert style(config.load(write(text + "tv_weight: 1\n"))).tv_weight == 1


@pytest.mark.parametrize("nothing", ["content_weight: 0", "content_layers: {relu3_3: 0}"])
def test_auto_needs_a_content_to_go_by(write: Write, nothing: str) -> None:
    text = f"{LEAST}{nothing}\nstyle_weight: auto\n"
    assert "style_weight: auto is relative to the content loss" in only_problem(write(text))


def test_set_wins_over_the_file_and_passes_the_same_checks(write: Write) -> None:
    path = write(LEAST + "image_size: 0\n")
    settings = config.load(
        path, ["image_size=64", " style_weight = 1e5 ", "style_layers=[relu1_2]", "style_size="]
    )
    assert settings.data.image_size == 64
    assert style(settings).style_weight == 100_000.0
    assert style(settings).style_layers == {"relu1_2": 1.0}
    assert style(settings).style_size is None
    path = write(LEAST)
    for assignment, complaint in {
        "image_size=0": "image_size: 0 is too small, should be at least 16",
        "image_siz=64": "unknown key image_siz; did you mean image_size?",
        "image_size": "should be key=value",
        "image_size=": "image_size: has no value",
        "style_layers=[": "the value is not valid YAML",
        "naming=2020-13-45": "the value is not valid YAML",
        "naming=../x": "naming: '../x' is not a plain name",
        "naming=list": "naming: 'list' has another meaning in commands",
        "dataset=a: b: c": "the value is not valid YAML",
    }.items():
        assert only_problem(path, assignment).startswith(f"--set {assignment}: {complaint}")


def test_a_value_set_may_hold_an_equals_sign(write: Write) -> None:
    assert config.load(write(LEAST), ["dataset=/photos/a=b"]).data.dataset == "/photos/a=b"


def test_keyword_arguments_win_over_everything(write: Write) -> None:
    path = write(LEAST + "dataset: a\n")
    assert config.load(path, ["dataset=b"], quick=True, dataset="c").data.dataset == "c"
    found = only_problem(path, max_steps=0)
    assert found == "--max_steps: max_steps: 0 is too small, should be at least 1"


def test_quick_lies_over_the_file_and_below_set(write: Write) -> None:
    text = "image_size: 512\nstyle_weight: 7\ndataset: /photos\nrecipe: original\naverage: 0.5\n"
    settings = config.load(write(LEAST + text), ["batch_size=3"], quick=True).flat()
    expected = config.RECIPES["quick"] | {"batch_size": 3, "recipe": "quick"}
    assert {key: settings[key] for key in expected} == expected
    # Keys that the recipe does not have are the file's.
    assert (settings["style_weight"], settings["average"]) == (7, 0.5)


def test_values_of_quick_yield_to_set_but_not_to_the_file(write: Write) -> None:
    text = "stages: {64: 9}\nepoch: 5\nmax_steps: 70\noptimizer: adam\nlearning_rate: 0.5\n"
    path = write(LEAST + text)
    plain = config.load(path, quick=True)
    assert (plain.training.max_steps, plain.training.learning_rate) == (1000, 3e-3)
    given = ["epoch=2", "image_size=128", "optimizer=adam"]
    settings = config.load(path, given, quick=True)
    assert (settings.training.max_steps, settings.training.learning_rate) == (None, 1e-3)
    assert (settings.data.stages, settings.data.image_size) == ({}, 128)


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
    assert optional == {"style_size", "max_steps", "start_from", "width"}
    for name in config.FIELDS:
        text = "".join(line for line in LEAST.splitlines(True) if not line.startswith(name))
        path = write(f"{text}{name}: null\n")
        if name in optional:
            assert config.load(path).flat()[name] == {"width": 32}.get(name)
        else:
            assert only_problem(path).endswith(f"{name}: has no value")


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
    style(config.load(path)).style_layers.clear()
    assert len(style(config.load(path)).style_layers) == 4


# Several styles.

GALLERY = """\
naming: gallery
style_size: 384
styles:
  wave: img/wave.jpg
  candy:
    style_image: img/candy.jpg
    style_size: 512
    style_layers: [relu1_2]
    strength: 3
"""


def test_styles_can_be_a_list_of_paintings_named_after_their_files(write: Write) -> None:
    for text in ("[img/wave.jpg, my/Own-2.tiff]", "\n  - img/wave.jpg\n  - my/Own-2.tiff"):
        settings = config.load(write(f"naming: gallery\nstrength: 2\nstyles: {text}\n"))
        assert settings.styles == {
            "wave": config.Style("img/wave.jpg", strength=2.0),
            "Own-2": config.Style("my/Own-2.tiff", strength=2.0),
        }
        assert settings.training.identity == "on"


def test_a_style_can_have_its_own_keys_and_else_has_those_of_the_top_level(write: Write) -> None:
    settings = config.load(write(GALLERY))
    assert list(settings.styles) == ["wave", "candy"]
    assert settings.styles["wave"] == config.Style("img/wave.jpg", style_size=384)
    assert settings.styles["candy"] == config.Style(
        "img/candy.jpg", style_size=512, strength=3.0, style_layers={"relu1_2": 1.0}
    )


def test_a_name_of_a_style_may_look_like_a_number(write: Write) -> None:
    settings = config.load(write("naming: x\nstyles: {7: a.jpg, 1.5: b.jpg, on: c.jpg}\n"))
    assert list(settings.styles) == ["7", "1.5", "on"]
    assert config.load(write(settings.to_yaml())) == settings


def test_set_changes_one_style_or_all_of_them(write: Write) -> None:
    path = write(GALLERY)

    def strengths(*assignments: str) -> list[float]:
        return [style.strength for style in config.load(path, assignments).styles.values()]

    assert strengths() == [1.0, 3.0]
    assert strengths("styles.wave.strength=2") == [2.0, 3.0]
    assert strengths("strength=5") == [5.0, 5.0]
    assert strengths("strength=5", "styles.candy.strength=4") == [5.0, 4.0]
    assert strengths("styles.candy.strength=4", "strength=5") == [5.0, 4.0]
    assert list(config.load(path, ["styles=[a.jpg, b.jpg]"]).styles) == ["a", "b"]


@pytest.mark.parametrize(
    ("assignment", "complaint"),
    [
        ("styles.wave.strength=0", "styles.wave.strength: 0.0 is too small, should be above 0"),
        ("styles.wave.strenght=2", "unknown key styles.wave.strenght; did you mean strength?"),
        ("styles.wav.strength=2", "unknown style 'wav'; did you mean wave?"),
        ("styles.zzz.strength=2", "unknown style 'zzz'; choose from wave, candy"),
        ("styles.wave.seed=2", "styles.wave.seed: applies to all styles; set seed at the top"),
        ("style_image=x.jpg", "style_image: cannot be combined with styles, which lists the"),
        ("styles=x.jpg", "styles: should be a list of paintings, or a mapping of name to a "),
    ],
)
def test_a_wrong_assignment_to_a_style_is_named(
    write: Write, assignment: str, complaint: str
) -> None:
    found = only_problem(write(GALLERY), assignment)
    assert found.startswith(f"--set {assignment}: {complaint}")


def test_a_key_of_one_style_cannot_be_set_without_styles(write: Write) -> None:
    found = only_problem(write(LEAST), "styles.candy.strength=2")
    assert found == ("--set styles.candy.strength=2: there is no key styles; set strength instead")


@pytest.mark.parametrize(
    ("styles", "found"),
    [
        ("", ["2: styles: should be a list of paintings, or a mapping of name to "]),
        ("a.jpg", ["2: styles: should be a list of paintings, or a mapping of name to "]),
        ("[]", ["2: styles: should be a list of paintings, or a mapping of name to "]),
        ("{}", ["2: styles: should be a list of paintings, or a mapping of name to "]),
        ("[a.jpg, 7]", ["2: styles: should be the path of a painting, found 7"]),
        ("[{a: b.jpg}]", ["2: styles: should be the path of a painting, found {'a': 'b.jpg'}"]),
        ("\n- a.jpg\n- b/a.png", ["4: styles: two styles are named a, after their files; "]),
        ("\n- a.jpg\n- größe.jpg", ["4: styles: 'größe' is not a plain name; "]),
        ("\n  a/b: x.jpg", ["3: styles: 'a/b' is not a plain name; "]),
        ("\n- all.jpg", ["3: styles: 'all' has another meaning in commands"]),
        ("\n  a: x.jpg\n  a: y.jpg", ["4: a: already set at style.yml:3; remove one of them"]),
        (
            "\n  a:\n",
            ["3: styles.a: should be the path of a painting or a style's keys, found None"],
        ),
        ("\n  a: {}", ["3: styles.a: style_image is missing: Painting whose style is "]),
        ("\n  a:\n    strength: 2", ["3: styles.a: style_image is missing: "]),
        (
            "\n  wave:\n    style_image: x.jpg\n    strenght: 2\n    style_size: 3\n    seed: 1",
            [
                "5: unknown key styles.wave.strenght; did you mean strength?",
                "6: styles.wave.style_size: 3 is too small, should be at least 16",
                "7: styles.wave.seed: applies to all styles; set seed at the top level",
            ],
        ),
        (
            "\n  a:\n    style_image: x.jpg\n    strength: 2\n    strength: 3",
            ["6: strength: already set at style.yml:5; remove one of them"],
        ),
        (
            "\n  a:\n    style_image: x.jpg\n    content_weight: 0",
            [" styles.a: style_weight: auto is relative to the content loss, whose weight is 0"],
        ),
    ],
)
def test_a_mistake_in_styles_is_named_with_its_line(
    write: Write, styles: str, found: list[str]
) -> None:
    lines = problems(write(f"naming: gallery\nstyles: {styles}\n"))
    assert len(lines) == len(found)
    for line, start in zip(lines, found, strict=True):
        assert line.startswith(f"style.yml:{start}")


def test_a_mistake_in_the_default_of_all_styles_is_named_once(write: Write) -> None:
    text = "naming: x\nstrength: 0\nstyles: [a.jpg, b.jpg]\n"
    assert only_problem(write(text)).startswith("style.yml:2: strength: 0.0 is too small")


def test_styles_and_style_image_exclude_each_other(write: Write) -> None:
    found = only_problem(write(LEAST + "styles: [img/wave.jpg]\n"))
    assert found.startswith("style.yml:1: style_image: cannot be combined with styles")


def test_a_misspelt_styles_is_recognized(write: Write) -> None:
    found = problems(write("naming: x\nstiles: [a.jpg]\n"))
    assert found[0] == "style.yml:2: unknown key stiles; did you mean styles?"


@pytest.mark.parametrize("naming", ["gallery", "wave"])
def test_written_styles_read_back_the_same(write: Write, naming: str) -> None:
    settings = config.load(write(GALLERY.replace("gallery", naming)), ["identity=off"])
    assert config.load(write(settings.to_yaml())) == settings
    one = config.load(write(f"naming: {naming}\nstyles: [img/wave.jpg]\n"))
    assert config.load(write(one.to_yaml())) == one


# From Python.


def test_a_mapping_is_read_like_a_file(write: Write) -> None:
    for text in (LEAST, GALLERY, ORIGINAL):
        assert config.from_mapping(yaml.safe_load(text)) == config.load(write(text))


def test_a_mapping_may_hold_paths_and_tuples(write: Write) -> None:
    styles = (Path("a.jpg"), "b.jpg")
    mapping = {"naming": "x", "styles": styles, "style_layers": ("relu1_2", "relu2_2")}
    settings = config.from_mapping(mapping)
    assert [style.style_image for style in settings.styles.values()] == ["a.jpg", "b.jpg"]
    assert settings.styles["a"].style_layers == {"relu1_2": 1.0, "relu2_2": 1.0}
    assert config.load(write(LEAST), dataset=Path("photos")).data.dataset == "photos"


def test_a_mistake_in_a_mapping_names_the_key() -> None:
    mapping = {"naming": "x", "styles": {"a": {"style_image": 7, "strenght": 1}}, "image_size": 0}
    with pytest.raises(errors.UserError) as caught:
        config.from_mapping(mapping)
    assert str(caught.value).splitlines() == [
        "config: image_size: 0 is too small, should be at least 16",
        "config: unknown key styles.a.strenght; did you mean strength?",
    ]
    with pytest.raises(errors.UserError, match=r"^notebook: naming is missing: "):
        config.from_mapping({"style_image": "x.jpg"}, "notebook")


def test_a_mapping_of_a_configuration_gives_it_back() -> None:
    settings = config.load("candy", gpu=True)
    assert settings.recipe == "gpu"
    assert config.from_mapping(settings.flat()) == settings
    assert config.load("candy", gpu=True, begun="cpu").recipe == "cpu"
