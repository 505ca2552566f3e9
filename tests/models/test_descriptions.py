"""The content of model.json."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fastnst import errors
from fastnst.models import descriptions
from fastnst.nets import architectures

TINY = architectures.Transform(width=4, residual_blocks=0, output_norm=False, lite=True)
STYLES = (descriptions.Style("wave", "img/wave.jpg"), descriptions.Style("candy"))


def _changed(**keys: object) -> Callable[[str], str]:
    return lambda text: json.dumps(json.loads(text) | keys)


def test_a_description_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    for identity in (True, False):
        described = descriptions.Description(TINY, STYLES, identity)
        path.write_text(described.to_json())
        assert descriptions.Description.read(path) == described
        assert described.names == ("wave", "candy")
        assert described.rows == (3 if identity else 2)


def test_model_json_states_format_architecture_styles_and_contract() -> None:
    content = json.loads(descriptions.Description(TINY, STYLES, True).to_json())
    assert content == {
        "format": 1,
        "architecture": {
            "name": "transform_net",
            "width": 4,
            "residual_blocks": 0,
            "output_norm": False,
            "skips": True,
            "lite": True,
            "antialias": False,
            "deep": False,
        },
        "styles": [
            {"name": "wave", "painting": "img/wave.jpg"},
            {"name": "candy", "painting": ""},
        ],
        "identity": True,
        "input": "RGB [B, H, W, 3] in 0..255, at least 16 x 16 pixels",
        "output": "RGB of the same shape in 0..255",
    }


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[:100], "cannot be read ("),
        (lambda text: "", "cannot be read ("),
        (lambda text: "[1]", "cannot be read ("),
        (lambda text: '{"format": 1}', "cannot be read ('architecture')"),
        (_changed(format="new"), "cannot be read ("),
        (_changed(styles=[{"title": "wave"}]), "cannot be read ("),
        (_changed(styles=3), "cannot be read ("),
        (_changed(architecture={"name": "transform_net", "depth": 3}), "cannot be read ("),
        (_changed(architecture={"name": "pyramid"}), "unknown architecture pyramid"),
        (
            _changed(format=2, styles="of another kind"),
            "has format 2, but this release reads only formats up to 1; install a newer fastnst",
        ),
    ],
)
def test_a_damaged_or_newer_model_json_is_the_users_error(
    tmp_path: Path, damage: Callable[[str], str], message: str
) -> None:
    path = tmp_path / "model.json"
    path.write_text(damage(descriptions.Description(TINY, STYLES).to_json()))
    with pytest.raises(errors.UserError) as caught:
        descriptions.Description.read(path)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)


def test_a_missing_model_json_is_the_users_error(tmp_path: Path) -> None:
    with pytest.raises(errors.UserError, match=r"model\.json: cannot be read \(.*No such file"):
        descriptions.Description.read(tmp_path / "model.json")


def test_a_model_json_of_binary_data_is_the_users_error(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_bytes(b"\xff\xfe\0")
    with pytest.raises(errors.UserError, match=r"model\.json: cannot be read \("):
        descriptions.Description.read(tmp_path / "model.json")


@pytest.mark.parametrize(
    "changes",
    [
        {"styles": [{"name": "../../up"}]},
        {"styles": [{"name": 5}]},
        {"styles": [{"name": "a"}, {"name": "a"}]},
        {"styles": []},
        {"styles": [{"name": "a\u001b[2J"}]},
        {"identity": "yes"},
        {"grain": -1},
        {"grain": float("nan")},
        {"architecture": {"name": "transform_net", "width": "4"}},
        {"architecture": {"name": "transform_net", "width": 10**9}},
        {"architecture": {"name": "layers", "layers": [{"kind": "Pad", "margins": [10**9]}]}},
        {"architecture": ["transform_net"]},
    ],
    ids=str,
)
def test_values_that_no_model_has_are_refused(changes: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_text(_changed(**changes)(descriptions.Description(TINY, STYLES).to_json()))
    with pytest.raises(errors.UserError, match=r"model\.json: cannot be read \("):
        descriptions.Description.read(path)


@pytest.mark.parametrize("text", ["[" * 100_000, "7", "null", "[]"], ids=["deep", "7", "0", "[]"])
def test_json_that_is_no_description_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(errors.UserError, match=r"model\.json: cannot be read \("):
        descriptions.Description.read(tmp_path / "model.json")
