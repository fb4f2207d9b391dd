"""What a mark tells comes once somebody asks, wherever the site lies; without a script a mark is a link."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.helpers.looking import LISTEN, focused, tab, tab_to
from tests.helpers.server import served

SCRIPT = "**/marks.js?*"
PLACES = """() => [...document.querySelectorAll("article *")]
  .filter(element => element.checkVisibility() && !element.closest(".claim-text"))
  .map(element => element.getBoundingClientRect())
  .map(({ x, y, width, height }) => [x, Math.round(y + scrollY), width, height])"""


@pytest.fixture(scope="module")
def only(browser: Browser) -> Iterator[Page]:
    with tab(browser, viewport={"width": 1280, "height": 720}) as view:
        view.add_init_script(LISTEN)
        yield view


@pytest.fixture(scope="module", params=["sub-path", "disk", "offline copy"])
def anywhere(
    request: pytest.FixtureRequest, themed: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a page with two marks."""
    if request.param == "sub-path":
        with served(themed, under="/some/where/") as address:
            yield f"{address}en/"
    elif request.param == "disk":
        yield (themed / "en" / "index.html").as_uri()
    else:
        folder = tmp_path_factory.mktemp("offline")
        [archive] = themed.glob("*-offline.zip")
        with zipfile.ZipFile(archive) as copy:
            copy.extractall(folder)
        [page] = folder.glob("*/en/index.html")
        yield page.as_uri()


def proven(view: Page) -> Locator:
    return view.get_by_role("button", name="Proven", exact=True)


def unproven(view: Page) -> Locator:
    return view.get_by_role("button", name="Not proven this time")


def told(view: Page) -> Locator:
    return view.locator(".claim-text")


def test_what_marks_tell_comes_when_the_first_one_is_asked(view: Page, anywhere: str) -> None:
    requests: list[str] = []
    view.on("request", lambda request: requests.append(request.url))
    view.goto(anywhere)
    view.wait_for_load_state("networkidle")
    before, places = len(requests), view.evaluate(PLACES)
    proven(view).hover()
    expect(told(view)).to_contain_text("The cell prints hello, and not <b>hello</b>.")
    unproven(view).hover()
    expect(told(view)).to_contain_text("All devices agree.")
    expect(told(view)).to_have_count(1)
    unproven(view).click()
    expect(told(view)).to_be_visible()
    link = told(view).get_by_role("link", name="Test test_eight_devices_agree")
    loaded = requests[before:]
    assert [re.sub(r"\?.*", "", url.rpartition("/")[2]) for url in loaded] == ["marks.js"]
    assert view.evaluate("violations") == []
    assert view.evaluate(PLACES) == places
    link.click()
    expect(view).to_have_url(re.compile(r"/en/claims/(index\.html)?#eight_devices_agree$"))


def test_what_a_claim_says_is_text_and_code(view: Page, marked: str) -> None:
    view.goto(f"{marked}en/")
    proven(view).hover()
    expect(told(view)).to_be_visible()
    parts = told(view).evaluate(
        "text => [...text.children].map(part => [part.localName, part.textContent])"
    )
    assert parts[:2] == [["strong", "Proven"], ["code", "hello"]]
    assert [name for name, _ in parts[2:]] == ["small", "a"]
    assert "This build ran its test with Python" in parts[2][1]


def test_the_focus_alone_loads_and_shows_nothing(view: Page, marked: str) -> None:
    view.goto(f"{marked}en/")
    with view.expect_request(SCRIPT):
        tab_to(view, "Proven")
    assert not told(view).is_visible()


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_a_key_opens_and_closes_and_says_so(view: Page, marked: str, key: str) -> None:
    view.goto(f"{marked}en/")
    mark = proven(view)
    expect(mark).to_have_attribute("aria-expanded", "false")
    mark.focus()
    view.keyboard.press(key)
    expect(told(view)).to_be_visible()
    expect(mark).to_have_attribute("aria-expanded", "true")
    assert mark.get_attribute("aria-details") == told(view).get_attribute("id")
    assert focused(view) == "Proven"
    view.keyboard.press(key)
    expect(told(view)).not_to_be_visible()
    expect(mark).to_have_attribute("aria-expanded", "false")
    view.keyboard.press(key)
    unproven(view).focus()
    view.keyboard.press(key)
    expect(told(view)).to_contain_text("All devices agree.")
    expect(mark).to_have_attribute("aria-expanded", "false")
    expect(unproven(view)).to_have_attribute("aria-expanded", "true")


def test_a_second_press_or_one_elsewhere_closes(view: Page, marked: str) -> None:
    view.goto(f"{marked}en/")
    pinned = view.locator(".claim-text:popover-open")
    proven(view).click()
    expect(pinned).to_be_visible()
    proven(view).click()
    expect(pinned).not_to_be_visible()
    proven(view).click()
    expect(pinned).to_be_visible()
    unproven(view).click()
    expect(pinned).to_contain_text("All devices agree.")
    view.get_by_role("heading", name="Title").click()
    expect(pinned).not_to_be_visible()


def test_what_is_pinned_stays_while_the_mouse_passes_another_mark(view: Page, marked: str) -> None:
    view.goto(f"{marked}en/")
    proven(view).click()
    unproven(view).hover()
    view.get_by_role("heading", name="Title").hover()
    expect(told(view)).to_contain_text("The cell prints hello")
    expect(told(view)).to_be_visible()


def test_it_lies_under_the_paragraph_and_pinned_under_its_mark(view: Page, marked: str) -> None:
    view.goto(f"{marked}en/")
    proven(view).hover()
    expect(told(view)).to_be_visible()
    paragraph = view.locator("p:has(.claim)").bounding_box()
    box = told(view).bounding_box()
    assert paragraph
    assert box
    assert abs(box["y"] - paragraph["y"] - paragraph["height"]) < 1
    assert abs(box["x"] - paragraph["x"]) < 1
    assert box["width"] < paragraph["width"] + 1
    proven(view).click()
    expect(view.locator(".claim-text:popover-open")).to_be_visible()
    mark, box = proven(view).bounding_box(), told(view).bounding_box()
    assert mark
    assert box
    assert 0 <= box["y"] - mark["y"] - mark["height"] < 20
    assert abs(box["x"] - mark["x"]) < 20


def test_without_a_script_a_mark_leads_to_its_claim(browser: Browser, marked: str) -> None:
    with tab(browser, java_script_enabled=False) as view:
        view.goto(f"{marked}en/")
        view.get_by_role("link", name="Proven", exact=True).click()
        expect(view).to_have_url(f"{marked}en/claims/#it_prints_hello")
        expect(view.locator("#it_prints_hello")).to_contain_text("and not <b>hello</b>.")


def test_where_nothing_comes_a_mark_leads_to_its_claim(view: Page, marked: str) -> None:
    view.route(SCRIPT, lambda route: route.abort())
    view.goto(f"{marked}en/")
    proven(view).click()
    expect(view).to_have_url(f"{marked}en/claims/#it_prints_hello")


def test_so_does_one_of_which_an_older_script_says_nothing(view: Page, marked: str) -> None:
    body = "var provenMarks = {}"
    view.route(SCRIPT, lambda route: route.fulfill(body=body, content_type="text/javascript"))
    view.goto(f"{marked}en/")
    proven(view).hover()
    assert told(view).count() == 0
    proven(view).click()
    expect(view).to_have_url(f"{marked}en/claims/#it_prints_hello")


def test_a_click_with_a_key_opens_a_tab_as_of_any_link(view: Page, marked: str) -> None:
    view.goto(f"{marked}en/")
    with view.context.expect_page() as opened:
        proven(view).click(modifiers=["ControlOrMeta"])
    expect(opened.value).to_have_url(f"{marked}en/claims/#it_prints_hello")  # a tab begins blank
    opened.value.close()
    assert told(view).count() == 0 or not view.locator(".claim-text:popover-open").count()
