"""Counts the votes of judges who compared the pictures of two models, A and B, on a blind page.

The page itself counts with the same formulas, in fastnst/reports/compare_votes.js.
"""

from __future__ import annotations

import collections
import collections.abc
import dataclasses
import json
import math
import statistics
from pathlib import Path

from fastnst import errors, images

FORMAT = "fastnst votes 1"
# Fewer photos could find a difference by chance: five equal votes happen in one of 16 cases.
MIN_PHOTOS = 6

# The share of A in each vote.
_SCORES = {"a": 1.0, "tie": 0.5, "b": 0.0}
_Z = statistics.NormalDist().inv_cdf(0.975)


@dataclasses.dataclass(frozen=True)
class Judge:
    """One person's votes.

    Attributes:
        id: Tells judges of the same name apart.
        name: The name as entered on the page.
        votes: By question, a vote for each photo: "a", "b", "tie", or None where there is none.
    """

    id: str
    name: str
    votes: collections.abc.Mapping[str, tuple[str | None, ...]]

    @property
    def count(self) -> int:
        """The number of votes."""
        return sum(vote is not None for votes in self.votes.values() for vote in votes)


@dataclasses.dataclass(frozen=True)
class Ballot:
    """The votes of all judges of one page.

    Attributes:
        page: Identifies the page, and thus the pictures.
        models: The names of A and B.
        questions: Texts of the questions by their keys.
        photos: Names of the photos, in the order of the votes.
        judges: The judges.
    """

    page: str
    models: tuple[str, str]
    questions: collections.abc.Mapping[str, str]
    photos: tuple[str, ...]
    judges: tuple[Judge, ...]


@dataclasses.dataclass(frozen=True)
class Count:
    """The votes on one question.

    Attributes:
        a: Number of votes for A.
        tie: Number of votes for no difference.
        b: Number of votes for B.
        photos: Number of photos with at least one vote.
        share: Share of A in [0, 1], with ties as half a vote: the mean over the photos of the mean
            over the judges; None without votes.
    """

    a: int
    tie: int
    b: int
    photos: int
    share: float | None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95% interval of the share; None without votes."""
        return None if self.share is None else interval(self.share, self.photos)

    @property
    def preferred(self) -> str | None:
        """Returns "a" or "b" if the interval excludes 50%, else None."""
        if self.interval is None or self.photos < MIN_PHOTOS:
            return None
        low, high = self.interval
        return "a" if low > 0.5 else "b" if high < 0.5 else None


@dataclasses.dataclass(frozen=True)
class Agreement:
    """How far two judges agree.

    Attributes:
        equal: Number of equal answers.
        both: Number of questions on photos that both have answered.
        kappa: Cohen's kappa, the agreement beyond chance: 1 is full agreement and 0 is chance;
            None if it is undefined, because both always gave one and the same answer.
    """

    equal: int
    both: int
    kappa: float | None


def interval(share: float, number: int) -> tuple[float, float]:
    """Returns the 95% score interval of a share (Wilson 1927).

    With z = 1.96, the interval is (p + z²/2n ± z √(p(1 - p)/n + z²/4n²)) / (1 + z²/n).

    Args:
        share: The share p, in [0, 1].
        number: The sample size n, at least 1.

    Returns:
        Its lower and upper end, in [0, 1].
    """
    square = _Z * _Z / number
    half = _Z * math.sqrt(share * (1 - share) / number + square / (4 * number))
    middle, scale = share + square / 2, 1 + square
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


def deciding_share(photos: int) -> float:
    """Returns the share above which the interval for so many photos excludes 50%."""
    return 0.5 + _Z / (2 * math.sqrt(photos))


def count(ballot: Ballot, question: str) -> Count:
    """Counts the votes of all judges on one question."""
    by_photo = [
        [vote for judge in ballot.judges if (vote := judge.votes[question][photo]) is not None]
        for photo in range(len(ballot.photos))
    ]
    # Judges of one photo see the same pictures, so that photos, not votes, are the sample.
    shares = [sum(_SCORES[vote] for vote in votes) / len(votes) for votes in by_photo if votes]
    number = collections.Counter(vote for votes in by_photo for vote in votes)
    return Count(
        a=number["a"],
        tie=number["tie"],
        b=number["b"],
        photos=len(shares),
        share=sum(shares) / len(shares) if shares else None,
    )


def agreement(one: Judge, other: Judge) -> Agreement:
    """Compares the answers of two judges to all questions (Cohen 1960).

    Kappa is (p - c) / (1 - c), where p is the share of equal answers and c the share that is
    expected by chance, from how often each judge gives each answer.
    """
    both = [
        pair
        for question, votes in one.votes.items()
        for pair in zip(votes, other.votes[question], strict=True)
        if None not in pair
    ]
    equal = sum(first == second for first, second in both)
    chance = sum(
        sum(first == vote for first, _ in both) * sum(second == vote for _, second in both)
        for vote in _SCORES
    )
    # In whole numbers, so that "by chance always" is found exactly.
    total = len(both) ** 2
    kappa = (equal * len(both) - chance) / (total - chance) if chance < total else None
    return Agreement(equal, len(both), kappa)


def read(path: str | Path) -> Ballot:
    """Reads a file of votes that the page has saved.

    Raises:
        UserError: If it cannot be read or is not such a file.
    """
    try:
        content = json.loads(images.read_bytes(path))
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']!r} instead of {FORMAT!r}")
        name_a, name_b = map(str, content["models"])
        questions = {str(entry["id"]): str(entry["text"]) for entry in content["questions"]}
        photos = tuple(map(str, content["photos"]))
        judges = tuple(_judge(entry, questions, len(photos)) for entry in content["judges"])
        return Ballot(str(content["page"]), (name_a, name_b), questions, photos, judges)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise errors.UserError(
            f"{path}: not votes of a page of fastnst compare ({error}); download them on that page"
        ) from None


def _judge(
    entry: collections.abc.Mapping[str, object],
    questions: collections.abc.Iterable[str],
    photos: int,
) -> Judge:
    given = entry["votes"]
    if not isinstance(given, dict):
        raise ValueError("votes that are not listed by question")
    votes = {question: tuple(given[question]) for question in questions}
    for answers in votes.values():
        if len(answers) != photos or not {*answers} <= {*_SCORES, None}:
            raise ValueError(f"votes of {entry['name']} that do not fit the photos")
    return Judge(str(entry["id"]), str(entry["name"]), votes)


def merge(paths: collections.abc.Sequence[str | Path]) -> Ballot:
    """Reads files of votes on one page and combines them.

    A judge who is in several files counts once: with the most votes, of equally many the last.

    Args:
        paths: At least one file.

    Raises:
        UserError: If a file cannot be read, or belongs to another page.
    """
    ballots = [read(path) for path in paths]
    first = ballots[0]
    judges: dict[str, Judge] = {}
    for path, ballot in zip(paths, ballots, strict=True):
        if ballot.page != first.page:
            raise errors.UserError(
                f"{path}: has votes on another page than {paths[0]}; count them separately"
            )
        for judge in ballot.judges:
            if judge.id not in judges or judge.count >= judges[judge.id].count:
                judges[judge.id] = judge
    return dataclasses.replace(first, judges=tuple(judges.values()))
