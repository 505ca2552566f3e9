"""Counted votes, compared with values derived by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fastnst import errors
from fastnst.evaluation import votes


def judge(name: str, **answers: str) -> votes.Judge:
    """A judge whose answers are written as letters: a, b, t for a tie, - for none."""
    words = {"a": "a", "b": "b", "t": "tie", "-": None}
    return votes.Judge(
        name.lower(),
        name,
        {question: tuple(words[letter] for letter in text) for question, text in answers.items()},
    )


def ballot(*judges: votes.Judge) -> votes.Ballot:
    questions = {question: f"{question}?" for question in judges[0].votes}
    photos = tuple(f"{index}.jpg" for index in range(len(next(iter(judges[0].votes.values())))))
    return votes.Ballot("page", ("old", "new"), questions, photos, judges)


def save(path: Path, counted: votes.Ballot, **changes: Any) -> Path:
    content = {
        "format": votes.FORMAT,
        "page": counted.page,
        "models": counted.models,
        "questions": [{"id": key, "text": text} for key, text in counted.questions.items()],
        "photos": counted.photos,
        "judges": [
            {"id": one.id, "name": one.name, "votes": dict(one.votes)} for one in counted.judges
        ],
    }
    path.write_text(json.dumps(content | changes), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("share", "number", "expected"),
    [
        # z² = 3.8415. At p = 1 the root is z²/2n: from n/(n + z²) to 1; at p = 0 the mirror image.
        (1.0, 10, (10 / 13.8415, 1.0)),
        (0.0, 10, (0.0, 3.8415 / 13.8415)),
        # At p = 1/2 it is 1/2 ± z/(2 √(n + z²)).
        (0.5, 22, (0.5 - 0.98 / 25.8415**0.5, 0.5 + 0.98 / 25.8415**0.5)),
        # Wilson's interval for 8 of 10, as tabled in many places.
        (0.8, 10, (0.4902, 0.9433)),
    ],
)
def test_the_interval_is_wilsons(share: float, number: int, expected: tuple[float, float]) -> None:
    assert votes.interval(share, number) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize("photos", [6, 22, 100])
def test_the_deciding_share_is_where_the_interval_begins_to_exclude_a_half(photos: int) -> None:
    limit = votes.deciding_share(photos)
    assert votes.interval(limit - 1e-6, photos)[0] < 0.5 < votes.interval(limit + 1e-6, photos)[0]


def test_a_tie_is_half_a_vote_for_each_model() -> None:
    count = votes.count(ballot(judge("Anna", wall="aatb")), "wall")
    assert (count.a, count.tie, count.b, count.photos) == (2, 1, 1, 4)
    assert count.share == 2.5 / 4


def test_photos_are_the_sample_however_many_judges_there_are() -> None:
    alone = ballot(judge("Anna", wall="aaaaabb-"))
    both = ballot(judge("Anna", wall="aaaaabb-"), judge("Ben", wall="aaaaabb-"))
    one, two = votes.count(alone, "wall"), votes.count(both, "wall")
    assert (two.a, two.b, two.photos) == (10, 4, 7)
    assert one.share == two.share == 5 / 7
    assert one.interval == two.interval == votes.interval(5 / 7, 7)


def test_the_judges_of_a_photo_are_averaged_before_the_photos() -> None:
    # Photo 0: both for A. Photo 1: one for each. Photo 2: only Ben, for B. Photo 3: nobody.
    count = votes.count(ballot(judge("Anna", wall="aa--"), judge("Ben", wall="abb-")), "wall")
    assert (count.a, count.b, count.photos, count.share) == (3, 2, 3, (1 + 0.5 + 0) / 3)


def test_a_model_is_preferred_if_the_interval_excludes_a_half() -> None:
    def preferred(answers: str) -> str | None:
        return votes.count(ballot(judge("Anna", wall=answers)), "wall").preferred

    # With 10 photos, this takes a share above 1/2 + 0.98/√10 = 0.81.
    assert preferred("aaaaaaaaab") == "a"
    assert preferred("aaaaaaaabt") == "a"  # 0.85
    assert preferred("aaaaaaaabb") is None
    assert preferred("abbbbbbbbb") == "b"
    assert preferred("tttttttttt") is None
    # Five equal votes are not enough, six are.
    assert preferred("aaaaa") is None
    assert preferred("bbbbbb") == "b"


def test_without_votes_there_is_no_share() -> None:
    count = votes.count(ballot(judge("Anna", wall="---")), "wall")
    assert (count.photos, count.share, count.interval, count.preferred) == (0, None, None, None)


def test_kappa_is_the_agreement_beyond_chance() -> None:
    # Both answered ten questions: equal in seven. Anna: 5 a, 3 b, 2 ties; Ben: 6 a, 2 b, 2 ties.
    # By chance 0.5 0.6 + 0.3 0.2 + 0.2 0.2 = 0.4, so kappa = (0.7 - 0.4) / (1 - 0.4) = 0.5.
    one = judge("Anna", wall="aaaaab", style="bbtt-")
    other = judge("Ben", wall="aaaatb", style="abatb")
    found = votes.agreement(one, other)
    assert (found.equal, found.both) == (7, 10)
    assert found.kappa == pytest.approx(0.5)


def test_kappa_is_undefined_if_both_always_gave_the_same_answer() -> None:
    found = votes.agreement(judge("Anna", wall="aa-"), judge("Ben", wall="aaa"))
    assert found == votes.Agreement(2, 2, None)
    nothing = votes.agreement(judge("Anna", wall="-a"), judge("Ben", wall="a-"))
    assert nothing == votes.Agreement(0, 0, None)


def test_a_file_of_votes_is_read_as_it_was_saved(tmp_path: Path) -> None:
    given = ballot(judge("Anna", wall="a-t", style="bba"), judge("Ben", wall="ttt", style="---"))
    assert votes.read(save(tmp_path / "votes.json", given)) == given


def test_files_are_combined_and_a_judge_counts_once(tmp_path: Path) -> None:
    early = judge("Anna", wall="a--")
    late, ben = judge("Anna", wall="abb"), judge("Ben", wall="ttt")
    paths = [
        save(tmp_path / "1.json", ballot(early)),
        save(tmp_path / "2.json", ballot(late, ben)),
        save(tmp_path / "3.json", ballot(early)),
    ]
    assert votes.merge(paths).judges == (late, ben)
    changed = judge("Anna", wall="bbb")
    again = [*paths, save(tmp_path / "4.json", ballot(changed))]
    assert votes.merge(again).judges == (changed, ben)


def test_votes_on_another_page_are_refused(tmp_path: Path) -> None:
    given = ballot(judge("Anna", wall="a"))
    paths = [save(tmp_path / "1.json", given), save(tmp_path / "2.json", given, page="other")]
    with pytest.raises(errors.UserError, match=r"2\.json: has votes on another page than"):
        votes.merge(paths)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": "fastnst votes 2"}, "format 'fastnst votes 2' instead of 'fastnst votes 1'"),
        ({"photos": ["0.jpg"]}, "votes of Anna that do not fit the photos"),
        ({"models": ["one"]}, "not enough values"),
        ({"judges": [{"id": "1", "name": "Anna", "votes": {}}]}, "wall"),
        ({"judges": [{"id": "1", "name": "Anna", "votes": []}]}, "not listed by question"),
        ({"judges": [{"id": "1", "name": "Anna", "votes": {"wall": [["a"], "x"]}}]}, ""),
        ({"judges": ["Anna"]}, ""),
    ],
)
def test_a_file_that_does_not_hold_votes_is_one_line(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    path = save(tmp_path / "votes.json", ballot(judge("Anna", wall="at")), **changes)
    with pytest.raises(errors.UserError, match=r"votes\.json: not votes of a page") as caught:
        votes.read(path)
    assert reason in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_that_is_missing_or_no_json_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(errors.UserError, match=r"none\.json: no such file"):
        votes.read(tmp_path / "none.json")
    with pytest.raises(errors.UserError, match="/dev/zero: is a pipe, a socket or a device"):
        votes.read("/dev/zero")
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "text.json").write_bytes(b"\xff")
    for name in ("list.json", "deep.json", "text.json"):
        with pytest.raises(errors.UserError, match="not votes of a page"):
            votes.read(tmp_path / name)
