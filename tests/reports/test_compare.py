"""The blind page: its text, and its behavior in a real browser, if chromium is installed."""

from __future__ import annotations

import dataclasses
import json
import random
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastnst.cli import compare as command
from fastnst.evaluation import votes
from fastnst.reports import compare

NAMES = ("oldie", "newcomer")
QUESTIONS = ("wall", "style", "subject")
PHOTOS = 7


def picture(*color: int, height: int = 20, width: int = 30) -> np.ndarray:
    return np.full((height, width, 3), color, np.uint8)


def pairs(number: int = PHOTOS) -> list[compare.Pair]:
    """Every model has a color of its own, which is a little different on every photo."""
    return [
        compare.Pair(
            f"{index}.jpg", picture(90, 90, 90), picture(index, 0, 200), picture(200, 0, index)
        )
        for index in range(number)
    ]


def render(**changes: Any) -> str:
    arguments: dict[str, Any] = {
        "models": NAMES,
        "pairs": pairs(),
        "painting": picture(250, 200, 0),
    }
    return compare.render(**(arguments | changes))


def data_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    content: dict[str, Any] = json.loads(found[1])
    return content


def test_the_page_needs_no_other_files() -> None:
    text = render()
    assert "://" not in text and "url(" not in text and "@import" not in text
    assert not re.search(r"<link|<script[^>]* src=", text)
    assert text.count("data:image/jpeg;base64,") == 3 * PHOTOS + 1


def test_the_names_of_the_models_are_not_readable_in_the_page() -> None:
    text = render()
    assert "oldie" not in text and "newcomer" not in text


def test_a_name_cannot_end_the_script() -> None:
    wrong = dataclasses.replace(pairs(1)[0], name="</script><b>$x</b>.jpg")
    text = render(pairs=[wrong])
    assert data_of(text)["pairs"][0]["name"] == wrong.name
    assert text.count("</script>") == 4


def test_photos_are_embedded_small_and_pictures_at_their_own_size() -> None:
    large = picture(1, 2, 3, height=640, width=960)
    found = data_of(render(pairs=[compare.Pair("0.jpg", large, large, large)]))["pairs"][0]
    sizes = [(found[key]["width"], found[key]["height"]) for key in ("photo", "a", "b")]
    assert sizes == [(480, 320), (960, 640), (960, 640)]


def test_without_a_painting_no_question_mentions_one() -> None:
    found = data_of(render(painting=None))
    assert found["painting"] is None
    assert [question["id"] for question in found["questions"]] == ["wall", "painted", "subject"]
    assert not any("the painting" in question["text"] for question in found["questions"])
    assert "the painting" in data_of(render())["questions"][1]["text"]


def test_other_pictures_or_another_seed_make_another_page() -> None:
    pages = [
        data_of(render(**changes))["page"]
        for changes in ({}, {"seed": 1}, {"pairs": pairs(6)}, {"models": NAMES[::-1]})
    ]
    assert len(set(pages)) == 4
    assert data_of(render())["page"] == pages[0]


# In the browser.


@pytest.fixture
def page(browser: Any, tmp_path: Path) -> Path:
    """The page, open in the browser, without any votes."""
    path = tmp_path / "page.html"
    path.write_text(render(), encoding="utf-8")
    for old in browser.downloads.iterdir():
        old.unlink()
    browser.resize(1280, 800)
    browser.open(path)
    browser.run("localStorage.clear()")
    browser.open(path)
    return path


def start(browser: Any, name: str) -> None:
    browser.type("#name", name)
    browser.click("#enter button")


def side_of_a(browser: Any) -> str:
    """The key for the side on which the first model's picture is shown."""
    left = browser.run("return document.querySelector('[data-show=left] img').src")
    of_a = browser.run("return data.pairs.map((pair) => pair.a.src)")
    return "left" if left in of_a else "right"


def judge_all(browser: Any, name: str, for_b: int = 0) -> None:
    """Votes for the first model, but on the first `for_b` pairs for the second one."""
    start(browser, name)
    for number in range(PHOTOS):
        key = side_of_a(browser)
        if number < for_b:
            key = "right" if key == "left" else "left"
        browser.press(key, key, "down")


def judges_of(browser: Any) -> Any:
    return browser.run("return judges")


@pytest.mark.browser
def test_votes_count_for_the_model_whose_picture_is_on_the_chosen_side(
    browser: Any, page: Path
) -> None:
    judge_all(browser, "Anna")
    (anna,) = judges_of(browser)
    assert anna["votes"] == {
        "wall": ["a"] * PHOTOS,
        "style": ["a"] * PHOTOS,
        "subject": ["tie"] * PHOTOS,
    }
    assert browser.text("#thanks") == "Thank you, Anna"
    browser.click("#reveal")
    assert browser.text("#versus") == "oldie or newcomer?"
    verdicts = browser.run(
        "return [...document.querySelectorAll('.verdict')].map((one) => one.innerText)"
    )
    assert verdicts == ["oldie is preferred."] * 2 + ["No difference was found."]


@pytest.mark.browser
def test_no_screen_shows_the_names_before_they_are_revealed(browser: Any, page: Path) -> None:
    whole = "return document.documentElement.outerHTML + document.title"
    seen = [browser.run(whole)]
    start(browser, "Anna")
    seen.append(browser.run(whole))
    browser.press("z")
    seen.append(browser.run(whole))
    browser.press("escape", *("1" * 3 * PHOTOS))
    assert browser.text("#thanks")
    seen.append(browser.run(whole))
    assert not [text for text in seen if "oldie" in text or "newcomer" in text]
    browser.click("#reveal")
    assert "oldie" in browser.run(whole)


@pytest.mark.browser
def test_order_and_sides_differ_by_judge_and_each_model_is_left_in_half_of_the_pairs(
    browser: Any, page: Path
) -> None:
    plans = [browser.run("return planFor(arguments[0])", name) for name in ("Anna", "Ben", "Anna")]
    assert plans[0] == plans[2] != plans[1]
    many = [browser.run("return planFor(arguments[0])", f"Judge {index}") for index in range(40)]
    for plan in many:
        assert sorted(step["pair"] for step in plan) == list(range(PHOTOS))
        assert sum(step["sides"] == ["a", "b"] for step in plan) in (PHOTOS // 2, PHOTOS // 2 + 1)
    # All places and sides occur.
    assert {plan[0]["pair"] for plan in many} == set(range(PHOTOS))
    assert {plan[0]["sides"][0] for plan in many} == {"a", "b"}


@pytest.mark.browser
def test_votes_survive_a_reload_which_continues_at_the_first_open_question(
    browser: Any, page: Path
) -> None:
    start(browser, "Anna")
    browser.press("1", "2", "3", "3")
    kept = judges_of(browser)
    browser.open(page)
    assert judges_of(browser) == kept
    assert browser.text("#count") == f"2 of {PHOTOS}"
    assert browser.run("return question") == 1


@pytest.mark.browser
def test_answers_can_be_changed_with_back_and_by_clicking(browser: Any, page: Path) -> None:
    start(browser, "Anna")
    browser.press("1", "1", "1")
    (first, *_) = browser.run("return plan")
    browser.press("up")  # Back to the last question of the first pair.
    assert browser.text("#count") == f"1 of {PHOTOS}"
    browser.click("#back")
    assert browser.run("return question") == 1
    browser.press("2")
    browser.click("#questions fieldset:nth-of-type(3) button:nth-of-type(3)")
    assert browser.text("#count") == f"2 of {PHOTOS}"
    (anna,) = judges_of(browser)
    left, right = first["sides"]
    answers = [anna["votes"][question][first["pair"]] for question in QUESTIONS]
    assert answers == [left, "tie", right]


@pytest.mark.browser
def test_questions_can_be_answered_in_any_order(browser: Any, page: Path) -> None:
    start(browser, "Anna")
    for row, next_row in ((3, 0), (1, 1)):
        browser.click(f"#questions fieldset:nth-of-type({row}) button")
        assert browser.run("return question") == next_row
        assert browser.text("#count") == f"1 of {PHOTOS}"
    browser.click("#questions fieldset:nth-of-type(2) button")
    assert browser.text("#count") == f"2 of {PHOTOS}"


@pytest.mark.browser
def test_a_picture_is_enlarged_to_its_own_size_and_replaced_in_place(
    browser: Any, page: Path
) -> None:
    start(browser, "Anna")
    browser.click("[data-show=right]")
    size = (
        "const one = document.querySelector('#zoom img'); return [one.src, one.width, one.height]"
    )
    right = browser.run(size)
    assert right[1:] == [30, 20]
    browser.press("left")
    left = browser.run(size)
    shown = "return [...document.querySelectorAll('#pictures img')].map((one) => one.src)"
    assert [left[0], right[0]] == browser.run(shown)
    assert browser.run("return answered(judgeNow())") == 0  # An arrow is not an answer here.
    browser.press("escape")
    assert not browser.run("return document.getElementById('zoom').open")


@pytest.mark.browser
def test_two_judges_on_two_computers_are_counted_together(
    browser: Any, page: Path, tmp_path: Path
) -> None:
    judge_all(browser, "Anna", for_b=2)
    browser.click("#done .download")
    (of_anna,) = wait_for_download(browser)
    anna = votes.read(of_anna)
    assert of_anna.name == "votes-Anna.json"
    assert [judge.name for judge in anna.judges] == ["Anna"]
    kept = of_anna.rename(tmp_path / "anna.json")

    browser.run("localStorage.clear()")
    browser.open(page)
    judge_all(browser, "Ben", for_b=3)
    browser.click("#reveal")
    browser.type("#files", str(kept))
    browser.wait("return judges.length === 2")
    browser.type("#files", str(kept))  # A second time, which changes nothing.
    browser.click("#results .download")
    (of_both,) = wait_for_download(browser)
    both = votes.read(of_both)
    assert [judge.name for judge in both.judges] == ["Ben", "Anna"]
    assert both.judges[1] == anna.judges[0]
    # 2 of 7 and 3 of 7 pairs for the second model.
    wall = votes.count(both, "wall")
    assert (wall.a, wall.tie, wall.b, wall.photos) == (9, 0, 5, 7)

    # The command prints the same sentences.
    shown = browser.run(
        "return [...document.querySelectorAll('.count .verdict, .share, #agreements p')]"
        ".map((one) => one.innerText)"
    )
    sentence = re.compile("Share of |No difference was |.* is preferred|.* gave the same answer ")
    printed = [line.strip() for line in command.table(both).splitlines()]
    assert len(shown) == 3 + 3 + 1
    assert sorted(shown) == sorted(filter(sentence.match, printed))

    other = json.loads(kept.read_text()) | {"page": "another"}
    (tmp_path / "other.json").write_text(json.dumps(other))
    browser.type("#files", str(tmp_path / "other.json"))
    browser.wait("return find('problem').innerText")
    assert browser.text("#problem") == "other.json has votes on another page."
    assert len(judges_of(browser)) == 2


def wait_for_download(browser: Any) -> list[Path]:
    for _ in range(200):
        found = [path for path in browser.downloads.iterdir() if path.suffix == ".json"]
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("nothing was downloaded")


@pytest.mark.browser
def test_page_and_command_count_alike(browser: Any, page: Path) -> None:
    drawn = random.Random(0)
    for number in range(1, 31):
        judges = tuple(
            votes.Judge(
                str(index),
                f"Judge {index}",
                {
                    question: tuple(
                        drawn.choices(["a", "b", "tie", None], [number % 7, 2, 1, 1], k=number)
                    )
                    for question in QUESTIONS
                },
            )
            for index in range(drawn.randint(1, 3))
        )
        texts = {question: f"{question}?" for question in QUESTIONS}
        ballot = votes.Ballot("page", NAMES, texts, tuple(map(str, range(number))), judges)
        given = [{"name": one.name, "votes": dict(one.votes)} for one in judges]
        for question in QUESTIONS:
            found = browser.run("return count(...arguments)", given, question, number)
            expected = votes.count(ballot, question)
            ends = found.pop("interval")
            assert ends == (expected.interval and pytest.approx(list(expected.interval), 1e-12))
            assert found == dataclasses.asdict(expected) | {"preferred": expected.preferred}
        if len(given) > 1:
            found = browser.run("return agreement(...arguments)", *given[:2])
            assert found == dataclasses.asdict(votes.agreement(*judges[:2]))
        assert browser.run("return decidingShare(arguments[0])", number) == pytest.approx(
            votes.deciding_share(number)
        )


@pytest.mark.browser
@pytest.mark.parametrize(("width", "height"), [(320, 568), (390, 844), (1280, 800)])
def test_every_screen_fits_the_width_of_the_window(
    browser: Any, page: Path, width: int, height: int
) -> None:
    browser.resize(width, height)
    overflow = "return document.documentElement.scrollWidth - innerWidth"
    assert browser.run(overflow) <= 0
    start(browser, "Anna")
    assert browser.run(overflow) <= 0
    assert browser.run("return find('pair').getBoundingClientRect().bottom") <= height
    browser.press("z")
    assert browser.run("return zoom.querySelector('nav').scrollWidth") <= width
    browser.press("escape", *("1" * 3 * PHOTOS))
    assert browser.run(overflow) <= 0
    browser.click("#reveal")
    assert browser.run(overflow) <= 0
