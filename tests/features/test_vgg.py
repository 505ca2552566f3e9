"""The facts about VGG, against those in the paper and in slim."""

from __future__ import annotations

import pytest

from fastnst.features import vgg


def test_layers_are_listed_from_the_image_inwards() -> None:
    assert vgg.convolutions_of("vgg_16")[:3] == ("conv1_1", "conv1_2", "conv2_1")
    assert vgg.convolutions_of("vgg_16")[-3:] == ("conv5_1", "conv5_2", "conv5_3")
    assert vgg.layers_of("vgg_16")[5:8] == ("relu3_2", "relu3_3", "relu4_1")


def test_the_networks_differ_as_configurations_d_and_e_do() -> None:
    assert len(vgg.layers_of("vgg_16")) == 13
    assert len(vgg.layers_of("vgg_19")) == 16
    more = set(vgg.layers_of("vgg_19")) - set(vgg.layers_of("vgg_16"))
    assert more == {"relu3_4", "relu4_4", "relu5_4"}
    # The paper's counts of parameters, less those of the fully connected layers.
    for model, expected in {"vgg_16": 14_714_688, "vgg_19": 20_024_384}.items():
        count, inputs = 0, 3
        for repeats, channels in vgg.MODELS[model]:
            for _ in range(repeats):
                count += 9 * inputs * channels + channels
                inputs = channels
        assert count == expected


def test_variables_are_named_as_slim_names_them() -> None:
    names = ("vgg_16/conv3/conv3_2/weights", "vgg_16/conv3/conv3_2/biases")
    assert vgg.variables("vgg_16", "conv3_2") == vgg.variables("vgg_16", "relu3_2") == names
    assert vgg.variables("vgg_19", "relu3_4")[0] == "vgg_19/conv3/conv3_4/weights"


@pytest.mark.parametrize("name", ["relu3_3", "conv3_3", "vgg_16/conv3/conv3_3"])
def test_a_layer_is_found_by_each_of_its_names(name: str) -> None:
    assert vgg.layer_named(name) == "relu3_3"


@pytest.mark.parametrize(
    "name", ["relu2_3", "relu3_4", "relu6_1", "pool3", "vgg_16/conv2/conv3_3", "vgg_16/relu3_3", ""]
)
def test_a_name_of_no_layer_finds_none(name: str) -> None:
    assert vgg.layer_named(name) is None


def test_a_layer_of_vgg19_alone_is_found_there_only() -> None:
    assert vgg.layer_named("vgg_19/conv3/conv3_4", "vgg_19") == "relu3_4"
    assert vgg.layer_named("vgg_19/conv3/conv3_4") is None
