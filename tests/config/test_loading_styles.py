"""Conf files of several styles."""

from __future__ import annotations

import confs
import pytest

from fastnst import config


def test_styles_can_be_a_list_of_paintings_named_after_their_files(write: confs.Write) -> None:
    for text in ("[img/wave.jpg, my/Own-2.tiff]", "\n  - img/wave.jpg\n  - my/Own-2.tiff"):
        settings = config.load(write(f"naming: gallery\nstrength: 2\nstyles: {text}\n"))
        assert settings.styles == {
            "wave": config.Style("img/wave.jpg", strength=2.0),
            "Own-2": config.Style("my/Own-2.tiff", strength=2.0),
        }
        assert settings.transfer.identity == "on"


def test_a_style_can_have_its_own_keys_and_else_has_those_of_the_top_level(
    write: confs.Write,
) -> None:
    settings = config.load(write(confs.GALLERY))
    assert list(settings.styles) == ["wave", "candy"]
    assert settings.styles["wave"] == config.Style("img/wave.jpg", style_size=384)
    assert settings.styles["candy"] == config.Style(
        "img/candy.jpg", style_size=512, strength=3.0, style_layers={"relu1_2": 1.0}
    )


def test_a_name_of_a_style_may_look_like_a_number(write: confs.Write) -> None:
    settings = config.load(write("naming: x\nstyles: {7: a.jpg, 1.5: b.jpg, on: c.jpg}\n"))
    assert list(settings.styles) == ["7", "1.5", "on"]
    assert config.load(write(settings.to_yaml())) == settings


def test_set_changes_one_style_or_all_of_them(write: confs.Write) -> None:
    path = write(confs.GALLERY)

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
    write: confs.Write, assignment: str, complaint: str
) -> None:
    found = confs.only_problem(write(confs.GALLERY), assignment)
    assert found.startswith(f"--set {assignment}: {complaint}")


def test_a_key_of_one_style_cannot_be_set_without_styles(write: confs.Write) -> None:
    found = confs.only_problem(write(confs.LEAST), "styles.candy.strength=2")
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
    write: confs.Write, styles: str, found: list[str]
) -> None:
    lines = confs.problems(write(f"naming: gallery\nstyles: {styles}\n"))
    assert len(lines) == len(found)
    for line, start in zip(lines, found, strict=True):
        assert line.startswith(f"style.yml:{start}")


def test_a_mistake_in_the_default_of_all_styles_is_named_once(write: confs.Write) -> None:
    text = "naming: x\nstrength: 0\nstyles: [a.jpg, b.jpg]\n"
    assert confs.only_problem(write(text)).startswith("style.yml:2: strength: 0.0 is too small")


def test_styles_and_style_image_exclude_each_other(write: confs.Write) -> None:
    found = confs.only_problem(write(confs.LEAST + "styles: [img/wave.jpg]\n"))
    assert found.startswith("style.yml:1: style_image: cannot be combined with styles")


def test_a_misspelt_styles_is_recognized(write: confs.Write) -> None:
    found = confs.problems(write("naming: x\nstiles: [a.jpg]\n"))
    assert found[0] == "style.yml:2: unknown key stiles; did you mean styles?"


@pytest.mark.parametrize("naming", ["gallery", "wave"])
def test_written_styles_read_back_the_same(write: confs.Write, naming: str) -> None:
    settings = config.load(write(confs.GALLERY.replace("gallery", naming)), ["identity=off"])
    assert config.load(write(settings.to_yaml())) == settings
    one = config.load(write(f"naming: {naming}\nstyles: [img/wave.jpg]\n"))
    assert config.load(write(one.to_yaml())) == one
