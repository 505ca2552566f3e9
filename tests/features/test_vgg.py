"""The facts about VGG, against those in the paper and in slim."""

from __future__ import annotations

from fastnst.features import vgg


def test_layers_are_listed_from_the_image_inwards() -> None:
    assert vgg.convolutions_of("vgg_16")[:3] == ("conv1_1", "conv1_2", "conv2_1")
    assert vgg.convolutions_of("vgg_16")[-3:] == ("conv5_1", "conv5_2", "conv5_3")
    assert vgg.layers_of("vgg_16")[5:8] == ("relu3_2", "relu3_3", "relu4_1")


def test_the_networks_differ_as_configurations_d_e_and_a_do() -> None:
    assert len(vgg.layers_of("vgg_16")) == 13
    assert len(vgg.layers_of("vgg_19")) == 16
    more = set(vgg.layers_of("vgg_19")) - set(vgg.layers_of("vgg_16"))
    assert more == {"relu3_4", "relu4_4", "relu5_4"}
    # The paper's counts of parameters, less those of the fully connected layers.
    counts = {"vgg_16": 14_714_688, "vgg_19": 20_024_384, "vgg_a": 9_220_480}
    assert counts.keys() == vgg.MODELS.keys()
    for model, expected in counts.items():
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
