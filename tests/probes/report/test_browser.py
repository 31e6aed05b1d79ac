"""The page in a browser: headless Chromium, wide and as narrow as a phone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from probes.report.page import build_page, read_run, save_page
from tests.probes.report.studies import PAINTER, save_run

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
WIDTHS = (1280, 360)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH (Debian: apt-get install chromium)"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install)")
    with api.sync_playwright() as playwright:
        # Containers rarely allow Chromium its own sandbox; the page is ours.
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("study")
    save_run(directory)
    save_page(build_page([read_run(directory)], PAINTER), directory / "report.html")
    return directory / "report.html"


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture(params=WIDTHS)
def page(
    browser: Browser, report: Path, complaints: list[str], request: pytest.FixtureRequest
) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": request.param, "height": 800})
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda asked: complaints.append(f"failed: {asked.url[:80]}"))
    page.on("request", lambda asked: complaints.append(asked.url) if asked.url.startswith("http") else None)
    page.goto(report.as_uri())
    yield page
    context.close()


def test_nothing_fails_and_nothing_is_asked_from_elsewhere(page: Page, complaints: list[str]) -> None:
    page.wait_for_load_state("networkidle")

    assert complaints == []


def test_nothing_is_wider_than_the_screen(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


def test_a_number_leaves_its_label_room_and_stays_in_one_line(page: Page) -> None:
    labels, values = page.locator(".facts dt").all(), page.locator(".facts .value").all()
    assert len(labels) == len(values) == 5
    assert all(label.evaluate("found => found.getBoundingClientRect().width") >= 160 for label in labels)
    assert all(value.evaluate("found => found.getClientRects().length") == 1 for value in values)


def test_every_picture_is_loaded(page: Page) -> None:
    widths = page.evaluate("[...document.images].map(image => image.naturalWidth)")

    assert len(widths) > 20
    assert min(widths) > 0


def test_the_film_can_be_played(page: Page) -> None:
    page.wait_for_function("document.querySelector('video').readyState >= 1")

    assert page.evaluate("document.querySelector('video').duration") > 1


def test_each_entry_of_the_contents_leads_to_its_chapter(page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")  # scrolls at once
    links = page.locator("nav a").all()

    assert len(links) >= 7
    for link in links:
        target = link.get_attribute("href")
        assert target is not None
        link.click()
        page.wait_for_function(
            # The last chapters may not reach the top, the page being at its end.
            """id => {
                const top = document.querySelector(id).getBoundingClientRect().top;
                const left = document.documentElement.scrollHeight - innerHeight - scrollY;
                return Math.abs(top) < 40 || (left < 2 && top > 0 && top < innerHeight);
            }""",
            arg=target,
        )


def test_a_state_moves_and_shows_its_frames_side_by_side_when_asked(page: Page) -> None:
    picture = page.locator(".cell img").first
    window = page.locator(".window").first
    shape = "node => node.getBoundingClientRect().width / node.getBoundingClientRect().height"

    assert picture.evaluate("image => getComputedStyle(image).animationName") == "play"
    assert window.evaluate(shape) == pytest.approx(1, abs=0.02)
    page.locator(".toggle input").first.check()
    assert picture.evaluate("image => getComputedStyle(image).animationName") == "none"
    assert window.evaluate(shape) == pytest.approx(4, abs=0.05)


def test_a_state_that_is_focused_shows_its_frames(page: Page) -> None:
    page.locator(".cell").first.focus()

    box = page.locator(".window").first.bounding_box()
    assert box is not None
    assert box["width"] / box["height"] == pytest.approx(4, abs=0.05)


@pytest.mark.parametrize("way", ["reduced motion", "print"])
def test_nothing_moves_for_who_wants_it_so_nor_on_paper(page: Page, way: str) -> None:
    if way == "print":
        page.emulate_media(media="print")
    else:
        page.emulate_media(reduced_motion="reduce")

    names = page.evaluate(
        "[...document.querySelectorAll('.cell img')].map(i => getComputedStyle(i).animationName)"
    )
    box = page.locator(".window").first.bounding_box()

    assert set(names) == {"none"}
    assert box is not None
    assert box["width"] / box["height"] == pytest.approx(4, abs=0.05)


def test_the_page_is_light_or_dark_as_the_reader_wants(page: Page) -> None:
    brightness = "parseInt(getComputedStyle(document.body).backgroundColor.match(/[0-9]+/)[0])"
    source = "document.querySelector('picture img').currentSrc"

    light, chart = page.evaluate(brightness), page.evaluate(source)
    page.emulate_media(color_scheme="dark")

    assert light > 200
    assert page.evaluate(brightness) < 60
    page.wait_for_function(f"before => {source} !== before", arg=chart)


def test_the_page_can_be_photographed(page: Page, tmp_path: Path) -> None:
    width = page.evaluate("innerWidth")

    picture = page.screenshot(path=tmp_path / f"report-{width}.png", full_page=True)

    # A PNG's width and height stand in bytes 16 to 23.
    assert int.from_bytes(picture[16:20]) == width
    assert int.from_bytes(picture[20:24]) > 2000
