"""The report of a dream, with numbers derived by hand."""

from __future__ import annotations

import re

import numpy as np

from fastnst.reports import dreams

DARK, LIGHT = (np.full((30, 40, 3), level, np.uint8) for level in (10, 240))


def render(**changes: object) -> str:
    return dreams.render(
        **{
            "name": "cat",
            "before": DARK,
            "after": LIGHT,
            "samples": {2: DARK[:20], 4: LIGHT},
            "octaves": [((20, 40), (-1.0, 1.0)), ((30, 40), (0.0, 3.0))],
            "command": "fastnst dream 'my cat.jpg'",
            "config_text": "octaves: 2",
            "figures": {"Network": "vgg_16"},
            **changes,
        }
    )


def test_one_curve_runs_over_the_iterations_of_all_octaves() -> None:
    found = re.search(r'<g class="training term0"><path d="M([^"]+)"', render())
    # Steps 1 to 4 on an axis from 50 to 520; -1, 1, 0 and 3 on one from 290 (-1) up to 10 (3).
    assert found and found[1] == "167.5 290.0L285.0 150.0L402.5 220.0L520.0 10.0"


def test_the_last_objective_of_each_octave_is_tabled() -> None:
    page = render()
    assert "<td>40 x 20 px</td><td>40 x 30 px</td>" in page
    assert '<th scope="row">activity</th><td>1</td><td>3</td>' in page


def test_it_shows_both_pictures_those_on_the_way_and_the_command() -> None:
    page = render()
    assert "Left: the first picture. Right: the dream." in page and "stylized" not in page
    assert '<img alt="photo 1, the dream" width="40" height="30"' in page
    assert '<img alt="the dream at step 2" width="40" height="20"' in page
    assert "fastnst dream &#x27;my cat.jpg&#x27;" in page and "octaves: 2" in page


def test_a_dream_that_was_stopped_at_once_has_no_curve() -> None:
    page = render(octaves=[], samples={})
    assert "<svg" not in page and "<dd>vgg_16</dd>" in page
