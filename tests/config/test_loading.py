"""Conf files of one style: which are accepted, and how each mistake in one is reported."""

from __future__ import annotations

import re
from pathlib import Path

import confs
import pytest
import yaml

from fastnst import config, errors, files
from fastnst.config import schema

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("spelling", ["slim", "plain"])
def test_a_conf_of_the_original_loads_unmodified(write: confs.Write, spelling: str) -> None:
    text = confs.ORIGINAL if spelling == "slim" else re.sub(r"vgg_16/conv\d/", "", confs.ORIGINAL)
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


def test_a_conf_of_the_original_can_train_as_the_original_did(write: confs.Write) -> None:
    settings = config.load(write(confs.ORIGINAL + "recipe: original\n"))
    assert (settings.training.epoch, settings.training.max_steps) == (2, None)
    training = settings.training
    assert (training.optimizer, training.learning_rate) == ("adam", 1e-3)
    assert (training.schedule, training.average) == ("constant", 0.0)
    assert (settings.data.augment, settings.data.batch_size) == ("none", 4)
    assert settings.transfer.start_from is None


STYLES = [
    path
    for path in sorted((ROOT / "conf").glob("*.yml"))
    if "task" not in yaml.safe_load(path.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_every_shipped_conf_loads_and_its_style_images_exist(path: Path) -> None:
    settings = config.load(path)
    assert all(files.find(style.style_image).is_file() for style in settings.styles.values())
    if settings.task == schema.STYLE:
        assert config.load(path, quick=True).naming == f"{settings.naming}-quick"


def test_layers_may_be_a_mapping_to_weights_in_either_spelling(write: confs.Write) -> None:
    text = "style_layers: {vgg_16/conv1/conv1_2: 2, relu2_2: 1e-1, conv5_3: 0.25}\n"
    settings = config.load(write(confs.LEAST + text))
    assert confs.style(settings).style_layers == {"relu1_2": 2.0, "relu2_2": 0.1, "relu5_3": 0.25}


def test_one_layer_needs_no_list(write: confs.Write) -> None:
    settings = config.load(write(confs.LEAST + "content_layers: relu2_2\n"))
    assert confs.style(settings).content_layers == {"relu2_2": 1.0}


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
def test_wrong_layers_are_named(write: confs.Write, layers: str, complaint: str) -> None:
    found = confs.only_problem(write(confs.LEAST + f"style_layers: {layers}\n"))
    assert found.startswith(f"style.yml:3: style_layers: {complaint}")


def test_powers_of_ten_are_numbers_although_yaml_takes_them_for_text(write: confs.Write) -> None:
    text = "style_weight: 1e5\nlearning_rate: 1e-4\nmax_steps: 2e3\ntv_weight: '0.5'\n"
    assert yaml.safe_load(text)["style_weight"] == "1e5"
    settings = config.load(write(confs.LEAST + text))
    assert confs.style(settings).style_weight == 100_000.0
    assert settings.training.learning_rate == 0.0001
    assert settings.training.max_steps == 2000
    assert isinstance(settings.training.max_steps, int)
    assert confs.style(settings).tv_weight == 0.5


def test_on_and_off_stay_words_where_words_are_meant(write: confs.Write) -> None:
    assert config.load(write(confs.LEAST + "xla: on\n")).computing.xla == "on"
    assert config.load(write(confs.LEAST + "xla: off\n")).computing.xla == "off"


def test_an_unknown_key_gets_the_nearest_one(write: confs.Write) -> None:
    found = confs.only_problem(write(confs.LEAST + "style_wieght: 1\n"))
    assert found == "style.yml:3: unknown key style_wieght; did you mean style_weight?"
    assert confs.only_problem(write(confs.LEAST + "zzz: 1\n")) == "style.yml:3: unknown key zzz"


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
        ("augment: null", "has no value"),
        ("augment: corp", "'corp' is not one of crop, none; did you mean crop?"),
        ("precision: float16", "'float16' is not one of auto, float32, mixed_bfloat16, "),
        (
            "loss_model: resnet_v1_50",
            "'resnet_v1_50' is not one of vgg_16, vgg_19, vgg_a, alexnet_v2, overfeat, cifarnet, "
            "lenet",
        ),
        ("schedule: false", "'off' is not one of constant, cosine"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(
    write: confs.Write, line: str, complaint: str
) -> None:
    key = line.partition(":")[0]
    assert confs.only_problem(write(confs.LEAST + line + "\n")).startswith(
        f"style.yml:3: {key}: {complaint}"
    )


def test_a_number_too_large_for_any_computer_is_no_crash(write: confs.Write) -> None:
    assert confs.only_problem(write(confs.LEAST + f"epoch: {'9' * 400}\n")).startswith(
        "style.yml:3: epoch: "
    )


@pytest.mark.parametrize("naming", ["../../x", "a/b", ".hidden", "..", "with space", "-x", "a\\b"])
def test_naming_cannot_lead_out_of_its_folder(write: confs.Write, naming: str) -> None:
    found = confs.only_problem(write(f"style_image: x.jpg\nnaming: '{naming}'\n"))
    assert found.startswith(f"style.yml:2: naming: {naming!r} is not a plain name; letters, ")


def test_an_empty_name_is_no_name(write: confs.Write) -> None:
    assert (
        confs.only_problem(write("style_image: x.jpg\nnaming: ''\n"))
        == "style.yml:2: naming: is empty"
    )


def test_missing_keys_are_named_with_what_they_mean(write: confs.Write) -> None:
    found = confs.problems(write("style_weight: 1\n"))
    assert [line.partition(" is missing: ")[0] for line in found] == [
        "style.yml: naming",
        "style.yml: style_image",
    ]
    assert found[1].endswith(
        "Painting whose style is learned, any image format; or a folder of several."
    )


def test_all_problems_come_at_once_each_with_its_line(write: confs.Write) -> None:
    text = (
        "naming: ../../x\n"
        "image_size: 0\n"
        "batchsize: 4\n"
        "\n"
        "# a comment\n"
        "batchsize: 4\n"
        "style_layers: [relu9_9]\n"
    )
    found = confs.problems(write(text), "epoch=none", "nonsense", batch_size=0)
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


def test_nothing_to_train_for_is_an_error(write: confs.Write) -> None:
    text = confs.LEAST + "content_weight: 0\nstyle_weight: 0\n"
    assert "are all 0; set at least one" in confs.only_problem(write(text))
    assert confs.style(config.load(write(text + "tv_weight: 1\n"))).tv_weight == 1


def test_layers_are_those_of_the_loss_network(write: confs.Write) -> None:
    alexnet = "loss_model: alexnet_v2\nloss_model_file: a.ckpt\n"
    chosen = "content_layers: [alexnet_v2/conv4]\nstyle_layers: {conv1: 2, relu3: 1}\n"
    settings = config.load(write(confs.LEAST + alexnet + chosen))
    assert settings.loss_network.loss_model == "alexnet_v2"
    assert confs.style(settings).content_layers == {"relu4": 1.0}
    assert confs.style(settings).style_layers == {"relu1": 2.0, "relu3": 1.0}
    path = write(confs.LEAST + "style_layers: [relu3_4]\n")
    found = confs.only_problem(path)
    assert "style_layers: vgg_16 has no relu3_4; choose from relu1_1, relu1_2, " in found
    with pytest.raises(errors.UserError) as caught:
        config.load(write(confs.LEAST + alexnet))
    assert [line.split(": ", 1)[1][:45] for line in str(caught.value).splitlines()] == [
        "content_layers: alexnet_v2 has no relu3_3; ch",
        "style_layers: alexnet_v2 has no relu1_2, relu",
    ]


@pytest.mark.parametrize("nothing", ["content_weight: 0", "content_layers: {relu3_3: 0}"])
def test_auto_needs_a_content_to_go_by(write: confs.Write, nothing: str) -> None:
    text = f"{confs.LEAST}{nothing}\nstyle_weight: auto\n"
    assert "style_weight: auto is relative to the content loss" in confs.only_problem(write(text))


def test_set_wins_over_the_file_and_passes_the_same_checks(write: confs.Write) -> None:
    path = write(confs.LEAST + "image_size: 0\n")
    settings = config.load(
        path, ["image_size=64", " style_weight = 1e5 ", "style_layers=[relu1_2]", "style_size="]
    )
    assert settings.data.image_size == 64
    assert confs.style(settings).style_weight == 100_000.0
    assert confs.style(settings).style_layers == {"relu1_2": 1.0}
    assert confs.style(settings).style_size is None
    path = write(confs.LEAST)
    for assignment, complaint in {
        "image_size=0": "image_size: 0 is too small, should be at least 16",
        "image_siz=64": "unknown key image_siz; did you mean image_size?",
        "image_size": "should be key=value",
        "image_size=": "image_size: has no value",
        "style_layers=[": "the value is not valid YAML",
        "naming=../x": "naming: '../x' is not a plain name",
        "naming=list": "naming: 'list' has another meaning in commands",
        "dataset=a: b: c": "the value is not valid YAML",
    }.items():
        assert confs.only_problem(path, assignment).startswith(f"--set {assignment}: {complaint}")


def test_a_value_set_may_hold_an_equals_sign(write: confs.Write) -> None:
    assert config.load(write(confs.LEAST), ["dataset=/photos/a=b"]).data.dataset == "/photos/a=b"


def test_keyword_arguments_win_over_everything(write: confs.Write) -> None:
    path = write(confs.LEAST + "dataset: a\n")
    assert config.load(path, ["dataset=b"], quick=True, dataset="c").data.dataset == "c"
    found = confs.only_problem(path, max_steps=0)
    assert found == "--max_steps: max_steps: 0 is too small, should be at least 1"


def test_quick_lies_over_the_file_and_below_set(write: confs.Write) -> None:
    text = "image_size: 512\nstyle_weight: 7\ndataset: /photos\nrecipe: original\naverage: 0.5\n"
    settings = config.load(write(confs.LEAST + text), ["batch_size=3"], quick=True).flat()
    expected = config.RECIPES["quick"] | {"batch_size": 3, "recipe": "quick"}
    assert {key: settings[key] for key in expected} == expected
    # Keys that the recipe does not have are the file's.
    assert (settings["style_weight"], settings["average"]) == (7, 0.5)


def test_values_of_quick_yield_to_set_but_not_to_the_file(write: confs.Write) -> None:
    text = "stages: {64: 9}\nepoch: 5\nmax_steps: 70\noptimizer: adam\nlearning_rate: 0.5\n"
    path = write(confs.LEAST + text)
    plain = config.load(path, quick=True)
    assert (plain.training.max_steps, plain.training.learning_rate) == (1000, 3e-3)
    given = ["epoch=2", "image_size=128", "optimizer=adam"]
    settings = config.load(path, given, quick=True)
    assert (settings.training.max_steps, settings.training.learning_rate) == (None, 1e-3)
    assert (settings.data.stages, settings.data.image_size) == ({}, 128)


@pytest.mark.parametrize("naming", ["candy", "7"])
def test_quick_trains_beside_the_real_network(write: confs.Write, naming: str) -> None:
    path = write(f"style_image: x.jpg\nnaming: {naming}\nmodel_path: m\n")
    assert config.load(path, quick=True).run_dir == Path(f"m/{naming}-quick")
    assert config.load(path).run_dir == Path(f"m/{naming}")


def test_quick_hides_no_mistake_in_naming(write: confs.Write) -> None:
    path = write("style_image: x.jpg\nnaming: [a]\n")
    assert (
        confs.only_problem(path, quick=True) == "style.yml:2: naming: should be text, found ['a']"
    )


def test_null_stands_for_a_default_only_where_one_is_worked_out(write: confs.Write) -> None:
    fields = schema.fields(schema.STYLE)
    optional = {name for name, field in fields.items() if field.metadata.get("optional")}
    worked_out = {"style_size", "max_steps", "start_from", "width", "deep"}
    assert optional == worked_out | {"data_service", "max_pixels"}
    for name in fields:
        text = "".join(line for line in confs.LEAST.splitlines(True) if not line.startswith(name))
        path = write(f"{text}{name}: null\n")
        if name in optional:
            assert config.load(path).flat()[name] == {"width": 32, "deep": True}.get(name)
        else:
            assert confs.only_problem(path).endswith(f"{name}: has no value")


def test_a_written_configuration_reads_back_the_same(write: confs.Write, tmp_path: Path) -> None:
    text = (
        "style_image: img/größe.jpg\nnaming: '7'\nlearning_rate: 1e-5\nxla: on\nstyle_size: 512\n"
        "style_layers: {relu1_2: 0.125, relu5_3: 3}\nseed: 12\ntv_weight: 1e-7\n"
    )
    settings = config.load(write(text))
    written = settings.to_yaml()
    assert list(yaml.safe_load(written)) == list(schema.fields(schema.STYLE))
    assert "größe" in written
    assert config.load(write(written)) == settings
    defaults = config.load(write(confs.LEAST))
    assert config.load(write(defaults.to_yaml())) == defaults


def test_configurations_do_not_share_their_layers(write: confs.Write) -> None:
    path = write(confs.LEAST)
    confs.style(config.load(path)).style_layers.clear()
    assert len(confs.style(config.load(path)).style_layers) == 4


def test_keys_of_another_task_are_refused(write: confs.Write) -> None:
    mnist = "naming: digits\ntask: classification\n"
    assert config.load(write(mnist)).task == "classification"
    found = confs.problems(write(f"{mnist}strength: 2\nstyles: [a.jpg]\n"))
    assert found == [
        f"style.yml:{line}: {key}: applies only to task: style, and this is task: classification; "
        "remove it"
        for line, key in ((3, "strength"), (4, "styles"))
    ]
    assert confs.only_problem(write(mnist), quick=True) == (
        "--quick: applies only to task: style; use --steps for a short run"
    )
