"""Planning the sweeps over a large picture."""

from __future__ import annotations

import pytest

from fastnst.nets import architectures, steps, sweeps, transform_net

NETWORK = steps.of(transform_net.TransformNet(architectures.Transform(32, 5)))


@pytest.mark.parametrize(
    ("height", "width", "pixels"), [(64, 20, 900), (131, 93, 4000), (17, 1000, 2500), (99, 99, 1)]
)
def test_each_pixel_belongs_to_one_tile_and_is_computed_with_a_halo(
    height: int, width: int, pixels: int
) -> None:
    halo, align = 6, 4
    tiles = sweeps.cut(height, width, pixels, halo, align)
    owners = [
        (row, column)
        for tile in tiles
        for row in range(tile.rows.first, tile.rows.last)
        for column in range(tile.columns.first, tile.columns.last)
    ]
    assert len(owners) == len(set(owners)) == height * width
    assert sum(tile.pixels() for tile in tiles) == height * width
    for tile in tiles:
        for span, size in ((tile.rows, height), (tile.columns, width)):
            assert span.begin % align == span.first % align == 0
            assert span.begin <= max(span.first - halo, 0)
            assert min(span.last + halo, size) <= span.end <= size
            assert span.end == size or span.end % align == 0


def test_tiles_are_no_larger_than_asked_for() -> None:
    for tile in sweeps.cut(1000, 3000, 200 * 200, 57, 4):
        computed = [span.end - span.begin for span in (tile.rows, tile.columns)]
        assert computed[0] * computed[1] <= 200 * 200


def test_a_window_at_a_smaller_scale_begins_at_the_same_place() -> None:
    span = sweeps.Span(first=8, last=15, begin=4, end=15)
    assert span.window(2) == slice(2, 8) and span.own(2) == slice(4, 8)
    assert span.inner(2) == slice(2, 6) and span.inner() == slice(4, 11)


def test_with_known_moments_one_pass_computes_everything() -> None:
    (only,) = sweeps.Plan(NETWORK, moments_known=True).sweeps
    assert only.target is None and not only.reads
    # 4, 1 and 2 in the encoder, rounded up to whole pixels of each scale: 4, 6 and 8; 10 times 4 in
    # the trunk, 4 + 2 + 4 in the decoder.
    assert only.halo == 58


def test_every_norm_has_its_pass_and_nothing_is_kept_to_the_end() -> None:
    for scale in (1, 2, 4):
        plan = sweeps.Plan(NETWORK, scale)
        assert [each.target for each in plan.sweeps] == [*(step.name for step in NETWORK), None]
        kept = set[str]()
        for each in plan.sweeps:
            assert set(each.reads) <= kept
            kept |= ({each.target} if each.keeps else set()) | {each.settles} - {None}
            kept -= set(each.drops)
        assert not kept


def test_less_is_kept_at_smaller_scales_and_the_halo_grows_instead() -> None:
    plans = [sweeps.Plan(NETWORK, scale) for scale in (1, 2, 4)]
    memory = [plan.kept_memory for plan in plans]
    assert memory == sorted(memory, reverse=True) and memory[-1] <= memory[0] / 2
    second = [plan.sweeps[1].halo for plan in plans]
    # With the first convolution repeated, its 4 pixels are needed as well.
    assert second == [2, 6, 6]


def test_the_trunk_is_one_pass_if_it_is_computed_at_once() -> None:
    plan = sweeps.Plan(NETWORK, 1, trunk_at_once=True)
    trunk = "residuals/4"
    targets = ["norm1/relu", "norm2/relu", "trunk", trunk, "skip1", "skip2", "picture", None]
    assert [each.target for each in plan.sweeps] == targets
    (whole,) = (each for each in plan.sweeps if each.whole)
    assert whole.target == whole.settles == trunk and not whole.keeps
    assert trunk in plan.sweeps[4].settled


def test_the_fastest_plan_that_fits_is_chosen_else_the_most_frugal() -> None:
    pixels, tile = 2048 * 2048, 10**9
    fastest = sweeps.Plan(NETWORK, 2, trunk_at_once=True)
    enough = fastest.kept_memory * pixels + max(tile, fastest.whole_memory * pixels)
    chosen = sweeps.choose(NETWORK, pixels, enough, tile)
    assert chosen.sweeps == fastest.sweeps
    assert sweeps.choose(NETWORK, pixels, enough - 1, tile).sweeps != fastest.sweeps
    frugal = sweeps.most_frugal(NETWORK)
    assert sweeps.choose(NETWORK, pixels, 0, tile).sweeps == frugal.sweeps
    # The trunk of a much larger picture is always computed in tiles.
    assert not sweeps.choose(NETWORK, 9 * pixels, 1e15, tile).whole_memory
