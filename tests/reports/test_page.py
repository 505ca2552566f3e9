"""The report, parsed as in a browser and compared with values derived by hand."""

from __future__ import annotations

import base64
import dataclasses
import html.parser
import io
import shlex
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fastnst import images
from fastnst.reports import charts
from fastnst.reports import page as report

GRAY = np.full((40, 60, 3), 128, np.uint8)
VOID = {"meta", "img", "input", "path", "circle"}


class Page(html.parser.HTMLParser):
    """Collects the elements and text of a page, and checks that every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def paths(self) -> list[str | None]:
        return [path["d"] for path in self.all("path") if path.get("class") != "grid"]


def render(**changes: Any) -> str:
    arguments = {
        "name": "candy",
        "reference": GRAY,
        "before": [GRAY],
        "after": [255 - GRAY],
        "samples": {},
        "metrics": [],
        "config_text": "naming: candy\n",
        "figures": {"Steps": "3"},
        "terms": ("total", "content", "style", "tv"),
    }
    return report.render(**(arguments | changes))


def line(kind: str, step: int, total: float, **more: float) -> dict[str, object]:
    return {"kind": kind, "step": step, "time": 0.0, "total": total, **more}


def samples_in(folder: Path, *steps: int) -> dict[int, Path]:
    paths = {step: folder / f"step-{step:06d}.png" for step in steps}
    for path in paths.values():
        images.write(path, GRAY)
    return paths


def test_the_page_needs_no_other_files(tmp_path: Path) -> None:
    text = render(samples=samples_in(tmp_path, 1), metrics=[line("training", 1, 5.0)])
    page = Page(text)
    pictures = [picture["src"] or "" for picture in page.all("img")]
    assert len(pictures) == 4  # the style, before, after, one strip
    assert all(picture.startswith("data:image/jpeg;base64,") for picture in pictures)
    assert "://" not in text and "url(" not in text and "@import" not in text
    assert not page.all("link")
    assert all("src" not in script for script in page.all("script"))


def test_the_page_shows_the_given_pictures_scaled_down_if_large() -> None:
    page = Page(render(before=[np.zeros((640, 960, 3), np.uint8)], after=[GRAY]))
    sources = [(picture["src"] or "").partition(",")[2] for picture in page.all("img")]
    style, before, after = (Image.open(io.BytesIO(base64.b64decode(data))) for data in sources)
    assert (style.size, before.size, after.size) == ((60, 40), (480, 320), (60, 40))
    assert np.abs(np.asarray(style).astype(int) - 128).max() <= 1
    assert np.asarray(before).max() <= 1
    assert page.all("img")[1]["width"] == "480"


def test_text_of_the_user_is_escaped_and_shown() -> None:
    wrong = "<script>alert('&')</script> $name"
    page = Page(render(name=wrong, config_text=f"a: {wrong}", figures={wrong: wrong}))
    assert len(page.all("script")) == 1
    assert page.text.count(wrong) == 5  # title, heading, label, figure, configuration
    assert page.text.count(f"--model {shlex.quote(wrong)}") == 2  # commands, as a shell reads them
    layer = Page(render(metrics=[line("validation", 1, 5.0, **{f"layers/{wrong}": 1.0})]))
    assert len(layer.all("script")) == 1


def test_without_pictures_and_metrics_those_sections_are_left_out() -> None:
    page = Page(render(before=[], after=[]))
    assert "Configuration" in page.text and "fastnst eval --model candy photo.jpg" in page.text
    assert "Before and after" not in page.text
    assert "Progress" not in page.text
    assert "Final values" not in page.text
    assert not page.all("svg")


def test_a_curve_passes_through_the_points_of_its_steps_and_values() -> None:
    metrics = [line("training", 2, 10.0), line("training", 4, 20.0), line("validation", 4, 20.0)]
    page = Page(render(metrics=metrics))
    # Steps 0..4 lie on 50..520 and, in equal factors, values 10..20 on 290..10.
    assert page.paths() == ["M285.0 290.0L520.0 10.0", "M520.0 10.0"]
    dots = [(dot["cx"], dot["cy"]) for dot in page.all("circle")]
    assert dots == [("285.0", "290.0"), ("520.0", "10.0"), ("520.0", "10.0")]


def test_terms_that_are_zero_or_not_finite_are_left_out_of_the_chart() -> None:
    terms = {"content": 3.0, "style": float("nan"), "tv": 0.0}
    page = Page(render(metrics=[line("training", 1, 3.0, **terms)]))
    assert len(page.paths()) == 2
    assert [span["class"] for span in page.all("span") if span["class"] != "drag"] == ["term1"]


def test_a_curve_of_many_points_is_thinned() -> None:
    many = [line("training", step, 7.0) for step in range(1, 100_001)]
    [path] = Page(render(metrics=many)).paths()
    assert path is not None and path.count("L") == charts.MAX_POINTS - 1


def test_a_chart_over_many_decades_has_few_ticks() -> None:
    page = Page(render(metrics=[line("training", 1, 1e-9), line("training", 2, 1e9)]))
    assert 3 <= len([path for path in page.all("path") if path.get("class") == "grid"]) <= 7


def test_the_last_values_of_terms_and_layers_are_tabled() -> None:
    layer = "layers/style/relu1_2"
    metrics = [
        line("training", 1, 111.0, **{layer: 222.0}),
        line("training", 2, 333.0, **{layer: 444.0}),
        line("validation", 2, 555.0, **{layer: 666.0}),
    ]
    text = render(metrics=metrics)
    assert '<th scope="row">total</th><td>333</td><td>555</td>' in text
    assert '<th scope="row">style relu1_2</th><td>444</td><td>666</td>' in text
    assert "111" not in Page(text).text and "222" not in Page(text).text


def test_an_optimization_has_a_wording_of_its_own() -> None:
    next_steps = (("Again <b>:", "stylize {model} & co"),)
    wording = dataclasses.replace(report.OPTIMIZATION, next_steps=next_steps)
    metrics = [
        line("training", 1, 333.0),
        line("training", 2, 444.0),
        {**line("training", 1, 333.0), "kind": "best"},
    ]
    page = Page(text := render(metrics=metrics, wording=wording))
    assert "candy · optimization report" in page.text
    assert '<th scope="row">total</th><td>333</td></tr>' in text
    assert "<td>444</td>" not in text
    assert "Again <b>:" in page.text and "stylize candy & co" in page.text
    # The best values are listed, but have no curve of their own.
    assert len(page.paths()) == 1
    for word in (
        "training report",
        "Configuration",
        "All keys",
        "validation photos",
        "fastnst eval",
    ):
        assert word not in page.text


def test_at_most_eight_strips_are_shown_evenly_spaced_with_the_first_and_the_last(
    tmp_path: Path,
) -> None:
    def shown(count: int) -> list[int]:
        steps = range(10, 10 * count + 1, 10)
        pictures = Page(render(samples=samples_in(tmp_path, *steps))).all("img")[3:]
        return [int((picture["alt"] or "").rpartition(" ")[2]) for picture in pictures]

    assert shown(1) == [10]
    assert shown(8) == [10, 20, 30, 40, 50, 60, 70, 80]
    assert shown(12) == [10, 20, 40, 60, 80, 100, 120]
    assert all(len(shown(count)) <= report.MAX_STRIPS for count in range(9, 25))


def test_a_strip_that_is_not_an_image_is_named_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "step-000001.png"
    path.write_bytes(b"not an image")
    assert f"<figcaption>1: {path}: " in render(samples={1: path})
