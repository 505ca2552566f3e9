"""The page in the browser: its files, and what visitors do with it in a real one."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import visits
from PIL import Image

from fastnst import errors, export, files, images
from fastnst.cli import eval as eval_command
from fastnst.controls import grain, strokes
from fastnst.export import web
from fastnst.models import descriptions, loading, restore, store, stylizer
from fastnst.models import model as model_module

LITE = Path("pretrained/gallery-lite")
# Of the shipped network: a style whose pictures have many colors.
CANDY, POSTER = 7, 13
STYLES = restore.styles(files.asset(LITE))


def photo(height: int, width: int) -> np.ndarray:
    """A shipped photo at another size, uint8 [height, width, 3]."""
    path = files.asset("img/photos/coffee.jpg")
    return images.resize(images.decode(path.read_bytes()), height, width)


def assert_close(found: np.ndarray, expected: np.ndarray) -> None:
    """Asserts that pictures differ by no more than 3 levels, and hardly on average."""
    assert found.shape == expected.shape
    difference = np.abs(found.astype(int) - expected)
    assert difference.max() <= 3 and difference.mean() <= 0.6


# Its files.


@pytest.fixture
def no_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is written without the files of the runtime."""
    monkeypatch.setattr(web, "_write_runtime", lambda folder: {})


@pytest.mark.usefixtures("no_runtime")
def test_the_page_lists_its_styles_and_shows_their_paintings(tmp_path: Path, gallery: Path) -> None:
    model = restore.load(store.find(gallery))
    web.write_page({"mine": model}, tmp_path, export.Options())
    (described,) = json.loads((tmp_path / web.CONTENTS).read_text())["models"]
    assert [style["name"] for style in described["styles"]] == ["wave", "candy", "ink"]
    assert described["strength"] is True and described["grain"] == 0.0
    assert described["bytes"] == (tmp_path / described["file"]).stat().st_size
    painting = images.decode(files.asset("img/wave.jpg").read_bytes())
    shown = images.decode((tmp_path / described["styles"][0]["thumbnail"]).read_bytes())
    assert shown.shape == (192, 192, 3)
    means = [pixels.mean(axis=(0, 1)) for pixels in (shown, painting)]
    np.testing.assert_allclose(*means, atol=12)


@pytest.mark.usefixtures("no_runtime")
def test_a_style_without_its_painting_shows_a_painted_photo(
    tmp_path: Path, model: model_module.Model
) -> None:
    style = descriptions.Style("mine", "img/moved-away.jpg")
    described = descriptions.Description(model.description.architecture, (style,))
    web.write_page({"mine": model_module.Model(model.net, described)}, tmp_path, export.Options())
    shown = images.decode((tmp_path / "thumbnails" / "0.jpg").read_bytes())
    assert shown.shape == (192, 192, 3) and shown.std() > 5


@pytest.mark.usefixtures("no_runtime")
def test_several_models_have_files_of_their_own(
    tmp_path: Path, gallery: Path, model: model_module.Model
) -> None:
    several = {"a / b": restore.load(store.find(gallery)), "tiny": model}
    web.write_page(several, tmp_path, export.Options())
    described = json.loads((tmp_path / web.CONTENTS).read_text())["models"]
    assert [each["name"] for each in described] == ["a / b", "tiny"]
    assert [each["file"] for each in described] == [f"models/{at}/model.onnx" for at in (0, 1)]
    assert all((tmp_path / each["file"]).is_file() for each in described)
    assert described[1]["strength"] is False


@pytest.mark.usefixtures("no_runtime")
def test_webgpu_computes_every_node(tmp_path: Path, gallery: Path) -> None:
    web.write_page({"mine": restore.load(store.find(gallery))}, tmp_path, export.Options())
    nodes = onnx.load(tmp_path / "model.onnx").graph.node
    # Its slices are wrong with negative steps, the fifth input.
    assert not [node for node in nodes if node.op_type == "Slice" and len(node.input) > 4]
    assert max(len(node.input) + len(node.output) for node in nodes) <= 8


@pytest.mark.usefixtures("no_runtime")
def test_the_page_names_no_other_site(tmp_path: Path, model: model_module.Model) -> None:
    web.write_page({"mine": model}, tmp_path, export.Options())
    for path in tmp_path.rglob("*"):
        if path.suffix in (".html", ".css", ".js", ".json"):
            text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
            assert not re.search(r"(https?:)?//[a-z]", text.replace("// ", "")), path


def test_without_npm_one_line_says_how_to_get_the_runtime_and_nothing_is_left(
    tmp_path: Path, model: model_module.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:1/")
    with pytest.raises(errors.UserError) as caught:
        export.export(model, tmp_path / "site", "web", {})
    message = str(caught.value)
    assert message.startswith("onnxruntime-web-1.30.0.tgz: cannot be downloaded (")
    assert "run `npm pack onnxruntime-web@1.30.0` on a machine with a connection" in message
    assert message.endswith(f" put it into {tmp_path / 'cache' / 'fastnst'}")
    assert "\n" not in message and not (tmp_path / "site").exists()


def test_a_site_of_ones_own_is_not_replaced(tmp_path: Path, model: model_module.Model) -> None:
    (tmp_path / "index.html").write_text("my own site")
    with pytest.raises(errors.UserError, match="is not part of an export"):
        export.export(model, tmp_path, "web", {})
    assert (tmp_path / "index.html").read_text() == "my own site"


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_has_contrast_in_both_schemes(scheme: int) -> None:
    css = (Path(web.__file__).parent / "page" / "app" / "page.css").read_text()
    blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)[:2]
    colors = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", blocks[scheme]))

    def luminance(name: str) -> float:
        levels = np.array([int(colors[name][at : at + 2], 16) for at in (1, 3, 5)]) / 255.0
        linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    for text, ground in (
        *((text, ground) for text in ("ink", "muted") for ground in ("paper", "panel", "sunk")),
        ("on-accent", "accent"),
    ):
        dark, light = sorted(map(luminance, (text, ground)))
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)


# In the browser.


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, web_runtime: Path) -> Path:
    """The page of the shipped small network; not to be written to."""
    folder = tmp_path_factory.mktemp("site")
    model = restore.load(store.find(files.asset(LITE)))
    web.write_page({"gallery-lite": model}, folder, export.Options("float16"))
    return folder


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """The page on a server that sends files and no headers of its own."""
    with visits.static_server(site) as found:
        yield found


@pytest.fixture(scope="module")
def visit(chromium: Any, address: str) -> Iterator[visits.Visit]:
    """A visit that lasts from test to test, with the choices of those before."""
    yield from visited(chromium, address)


@pytest.fixture
def first_visit(chromium: Any, address: str) -> Iterator[visits.Visit]:
    """A visit of a browser that has not seen the page before."""
    yield from visited(chromium, address)


def visited(chromium: Any, address: str) -> Iterator[visits.Visit]:
    with chromium.new_context(accept_downloads=True) as context:
        made = visits.Visit(context, address)
        made.wait_until_ready()
        yield made
        assert made.elsewhere == [] and made.mistakes == []


@pytest.fixture(scope="module")
def painter() -> stylizer.Stylizer:
    """The network as fastnst computes it."""
    return loading.load(store.find(files.asset(LITE)), "float32")


@pytest.mark.browser
def test_a_photo_is_painted_as_by_eval(visit: visits.Visit, tmp_path: Path) -> None:
    source, target = tmp_path / "photo.png", tmp_path / "painted.png"
    images.write(source, photo(187, 250))
    options = ["--model", str(files.asset(LITE)), "--style", STYLES[CANDY], "--seed", "0"]
    options += ["--precision", "float32", "--quiet", str(source), "-o", str(target)]
    assert eval_command.main(options) == 0
    visit.choose_file("photo.png", source.read_bytes())
    visit.choose_style(CANDY)
    assert_close(visit.paint(), images.decode(target.read_bytes()))
    before = visit.page.eval_on_selector("#before", "({ width, height }) => [width, height]")
    assert before == [250, 187]


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize(
    ("height", "width", "side"),
    # Scaled down; strokes in two passes.
    [(300, 433, 256), (630, 640, 630)],
)
def test_a_photo_is_painted_at_other_sizes_as_by_eval(
    height: int, width: int, side: int, visit: visits.Visit, painter: stylizer.Stylizer
) -> None:
    visit.choose(photo(height, width))
    visit.choose_style(0)
    visit.choose_side(side)
    scaled = images.resize_shorter_side(photo(height, width), side)
    assert_close(visit.paint(), painter(scaled))


@pytest.mark.slow
@pytest.mark.browser
def test_styles_are_blended_and_have_a_strength_and_the_photos_colors(
    first_visit: visits.Visit, painter: stylizer.Stylizer
) -> None:
    visit = first_visit
    pixels = photo(120, 160)
    visit.choose(pixels)
    visit.choose_style(POSTER)
    visit.page.check("#blends")
    visit.choose_style(CANDY, "other")
    visit.slide("share", 40)
    visit.slide("strength", 60)
    blend = f"{STYLES[POSTER]}:0.6,{STYLES[CANDY]}:0.4"
    assert_close(visit.paint(), painter(pixels, blend, 0.6))
    # The colors of a painted photo change at once.
    visit.page.check("#colors")
    visit.page.wait_for_selector("#save.strong")
    assert_close(visit.picture(), painter(pixels, blend, 0.6, colors="photo"))
    visit.slide("strength", 150)
    assert "changed" in visit.status()
    assert_close(visit.paint(), painter(pixels, blend, 1.5, colors="photo"))


@pytest.mark.browser
def test_a_photo_is_upright_and_white_where_it_is_transparent(
    visit: visits.Visit, painter: stylizer.Stylizer
) -> None:
    pixels = photo(100, 140)
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(pixels)).save(buffer, "PNG", exif=exif)
    visit.choose_file("turned.png", buffer.getvalue())
    visit.choose_style(0)
    assert_close(visit.paint(), painter(pixels))
    transparent = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    transparent[:50, :, 3] = 0
    buffer = io.BytesIO()
    Image.fromarray(transparent).save(buffer, "PNG")
    visit.choose_file("cut.png", buffer.getvalue())
    pixels = pixels.copy()
    pixels[:50] = 255
    assert_close(visit.paint(), painter(pixels))


@pytest.mark.browser
def test_the_camera_takes_a_photo(visit: visits.Visit) -> None:
    visit.page.click(".photograph:visible")
    visit.page.click("#camera .strong:enabled")
    visit.page.wait_for_selector("#viewer:not(.painted):not([hidden])")
    assert visit.page.is_hidden("#camera")
    visit.choose_side(256)
    picture = visit.paint()
    assert min(picture.shape[:2]) == 256 and picture.std() > 10


@pytest.mark.browser
def test_a_file_that_is_no_photo_is_one_line_and_the_page_goes_on(visit: visits.Visit) -> None:
    visit.drop("notes.txt", "no photo", "text/plain")
    visit.page.wait_for_selector("#problem:not(:empty)")
    expected = "notes.txt is not a photo that this browser can read. Use a JPEG, PNG, WebP or GIF."
    assert visit.problem() == expected
    visit.choose_file("tiny.png", _png(Image.new("L", (10, 40))))
    visit.page.wait_for_selector("#problem:has-text('tiny.png')")
    assert visit.problem() == "tiny.png has 10 \u00d7 40 pixels; each side needs at least 16."
    visit.choose(photo(60, 80))
    visit.page.wait_for_selector("#problem:empty", state="attached")
    assert visit.paint().shape == (60, 80, 3)


@pytest.mark.browser
@pytest.mark.slow
def test_a_photo_of_100_megapixels_is_scaled_and_one_of_210_is_refused(
    visit: visits.Visit,
) -> None:
    ramp = np.linspace(0, 255, 12_000).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(np.broadcast_to(ramp, (8_400, 12_000))).save(buffer, "JPEG", quality=50)
    visit.choose_file("huge.jpg", buffer.getvalue())
    visit.choose_side(256)
    assert visit.paint().shape == (256, 366, 3)
    visit.choose_file("larger.png", _png(Image.new("1", (15_000, 14_000))))
    visit.page.wait_for_selector("#problem:not(:empty)")
    assert visit.problem() == (
        "larger.png has 15,000 \u00d7 14,000 pixels, more than 200 megapixels. "
        "Choose a smaller photo."
    )


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.slow
@pytest.mark.browser
def test_the_page_paints_without_a_network_also_after_it_is_loaded_again(
    first_visit: visits.Visit,
) -> None:
    visit = first_visit
    visit.page.context.set_offline(True)
    visit.choose(photo(60, 80))
    assert visit.paint().shape == (60, 80, 3)
    visit.page.reload()
    visit.wait_until_ready()
    # The service worker isolates the page, so that WebAssembly may have threads.
    assert visit.page.evaluate("crossOriginIsolated")
    visit.choose(photo(60, 80))
    assert visit.paint().shape == (60, 80, 3)


@pytest.mark.slow
@pytest.mark.browser
def test_painting_is_cancelled_at_once_and_works_again(first_visit: visits.Visit) -> None:
    visit = first_visit
    visit.choose(photo(1080, 1440))
    visit.choose_side(1080)
    visit.page.click("#go")
    visit.page.wait_for_selector("#progress")
    visit.page.click("#cancel", timeout=2 * visits.SECONDS)
    visit.page.wait_for_selector("#viewer:not(.painted)")
    visit.wait_until_ready()
    visit.choose_side(256)
    assert min(visit.paint().shape[:2]) == 256


@pytest.mark.browser
def test_the_keyboard_is_enough(first_visit: visits.Visit, tmp_path: Path) -> None:
    visit = first_visit
    page = visit.page
    images.write(tmp_path / "photo.png", photo(60, 80))
    # Without a listener, chromium would show a dialog of its own, and it takes note of one late.
    page.on("filechooser", lambda chooser: None)

    def reach(selector: str) -> None:
        for _ in range(30):
            page.keyboard.press("Tab")
            if page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
                return
        raise AssertionError(f"{selector} is not reached")

    reach(".choose")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(tmp_path / "photo.png")
    page.wait_for_selector("[name=style]:focus")
    page.keyboard.press("ArrowRight")
    assert page.is_checked("[name=style][value='1']")
    reach("#strength")
    page.keyboard.press("ArrowLeft")
    assert page.input_value("#strength") == "95"
    reach("#go")
    page.keyboard.press("Enter")
    visit.picture()
    # The focus follows from the button that is gone.
    page.wait_for_selector("#save:focus")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename == f"photo-{STYLES[1]}.png"
    saved = images.decode(Path(download.value.path()).read_bytes())
    np.testing.assert_array_equal(saved, visit.picture())
    page.focus("#divider")
    page.keyboard.press("ArrowRight")
    assert page.get_attribute("#divider", "aria-valuetext") == "51% photo, 49% picture"


@pytest.mark.slow
@pytest.mark.browser
def test_every_control_has_a_name_and_fits_a_phone(
    first_visit: visits.Visit,
) -> None:
    visit = first_visit
    visit.page.set_viewport_size({"width": 360, "height": 740})
    for state in ("empty", "painted"):
        width = visit.page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, state
        for line in visit.page.locator("body").aria_snapshot().splitlines():
            kind = re.match(r"\s*- (button|radio|switch|slider|combobox|img)\b(.*)", line)
            assert not kind or '"' in kind[2], line
        visit.choose(photo(60, 80))
        visit.page.check("#blends")
        visit.paint()


@pytest.mark.browser
def test_grain_and_sizes_are_those_of_python(visit: visits.Visit) -> None:
    drawn = visit.page.evaluate(
        """async () => {
            const { grain } = await import(new URL("app/grain.js", location));
            return [...grain(13, 22, 0), ...grain(13, 22, 4000000000)];
        }"""
    )
    expected = np.stack([grain.grain(13, 22, seed=seed) for seed in (0, 4_000_000_000)])
    np.testing.assert_allclose(np.reshape(drawn, expected.shape), expected, atol=1e-5)
    sides = [(400, 600), (626, 700), (627, 700), (1080, 1920), (1440, 1440), (3000, 20)]
    found = visit.page.evaluate(
        """async (sides) => {
            const { passes } = await import(new URL("app/painting.js", location));
            return sides.map((side) => passes(...side));
        }""",
        sides,
    )
    for (height, width), sizes in zip(sides, found, strict=True):
        passes = strokes.passes(height, width, strokes.fitting(height, width), 16)
        assert [tuple(size) for size in sizes] == passes


@pytest.mark.browser
@pytest.mark.slow
def test_webgpu_paints_the_same_picture(
    chromium: Any, address: str, painter: stylizer.Stylizer
) -> None:
    # In software, which is slow, and which the page does not choose by itself.
    switches = ["--no-sandbox", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]
    browser = chromium.browser_type.launch(
        executable_path="/usr/bin/chromium", args=[*switches, "--enable-features=Vulkan"]
    )
    with browser, browser.new_context() as context:
        visit = visits.Visit(context, f"{address}?runtime=webgpu")
        if "WebGPU" not in visit.wait_until_ready():
            pytest.skip("this chromium has no WebGPU")
        visit.choose(photo(60, 80))
        assert_close(visit.paint(), painter(photo(60, 80)))
