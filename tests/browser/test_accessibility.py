"""The site by keyboard alone, and what a click opens, under axe-core and read aloud."""

import re
from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.helpers.looking import accessible, focused, leave, tab, tab_to


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> Literal["light", "dark"]:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def only(browser: Browser) -> Iterator[Page]:
    with tab(browser, viewport={"width": 390, "height": 844}) as view:
        yield view


@pytest.fixture
def desk(only: Page) -> Iterator[Page]:
    before = only.viewport_size
    assert before
    only.set_viewport_size({"width": 1280, "height": 720})
    yield only
    leave(only)
    only.set_viewport_size(before)


@pytest.fixture
def phone(only: Page) -> Iterator[Page]:
    yield only
    leave(only)


def test_the_first_stop_of_the_keyboard_skips_to_the_text(phone: Page, address: str) -> None:
    phone.goto(f"{address}en/blocks/")
    phone.keyboard.press("Tab")
    assert focused(phone) == "Skip to content"
    phone.keyboard.press("Enter")
    phone.keyboard.press("Tab")  # the address forgets the place once the theme sees the page scroll
    assert phone.evaluate("document.activeElement.closest('article') !== null")


def test_the_drawer_of_a_phone_opens_and_closes_by_keyboard(phone: Page, address: str) -> None:
    phone.goto(f"{address}en/blocks/")
    tab_to(phone, "Navigation")
    phone.keyboard.press("Enter")
    expect(phone.locator("#__drawer")).to_be_checked()
    tab_to(phone, "5.2 Parameter management")
    phone.keyboard.press("Escape")
    expect(phone.locator("#__drawer")).not_to_be_checked()
    assert focused(phone) == "Navigation"
    expect(phone.locator(".md-nav--primary")).not_to_be_visible()


def test_the_search_of_a_phone_opens_by_keyboard(phone: Page, address: str) -> None:
    phone.goto(f"{address}en/blocks/")
    tab_to(phone, "Search")
    phone.keyboard.press("Enter")
    expect(phone.locator(".md-search__input")).to_be_focused()


def test_a_long_output_scrolls_by_keyboard(phone: Page, address: str) -> None:
    phone.goto(f"{address}en/parameters/")
    phone.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
    box = phone.locator("pre:has(samp)[tabindex='0']").first
    box.focus()
    phone.keyboard.press("ArrowRight")
    expect(box).not_to_have_js_property("scrollLeft", 0)


def test_a_mark_opens_and_closes_by_keyboard(desk: Page, marked: str) -> None:
    view = desk
    view.goto(f"{marked}en/")
    proof = view.locator(".claim-text")
    tab_to(view, "Proven")
    expect(proof).not_to_be_visible()
    view.keyboard.press("Enter")
    expect(proof).to_be_visible()
    expect(proof).to_contain_text("The cell prints hello, and not <b>hello</b>.")
    view.keyboard.press("Tab")
    assert focused(view) == "Test test_it_prints_hello"
    view.keyboard.press("Escape")
    expect(proof).not_to_be_visible()
    assert focused(view) == "Proven"
    tab_to(view, "Not proven this time")


def test_a_tap_on_a_phone_opens_a_mark_inside_of_the_screen(browser: Browser, marked: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    view = context.new_page()
    view.goto(marked)
    proof = view.locator(".claim-text")
    view.get_by_role("button", name="这次未证明").tap()
    expect(proof).to_be_visible()
    box = proof.bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert box["y"] + box["height"] <= 844
    view.get_by_role("heading", name="Title").tap()
    expect(proof).not_to_be_visible()
    context.close()


def test_a_mouse_over_a_mark_shows_its_proof(desk: Page, marked: str) -> None:
    view = desk
    view.goto(marked)
    view.get_by_role("button", name="已证明").hover()
    expect(view.locator(".claim-text")).to_be_visible()
    view.mouse.move(0, 0)
    expect(view.locator(".claim-text")).not_to_be_visible()


@pytest.mark.parametrize("opened", [False, True])
def test_axe_finds_nothing_in_marks_and_skips(
    desk: Page, marked: str, scheme: Literal["light", "dark"], opened: bool
) -> None:
    view = desk
    view.emulate_media(color_scheme=scheme)
    view.goto(f"{marked}en/")
    if opened:
        view.get_by_role("button", name="Proven", exact=True).click()
        expect(view.locator(".claim-text")).to_be_visible()
    assert accessible(view) == []


def test_skips_and_marks_are_read_out_with_their_names(desk: Page, marked: str) -> None:
    view = desk
    view.goto(f"{marked}en/")
    heard = view.locator("article").aria_snapshot()
    assert re.search(r"strong: Not run", heard)
    assert "needs 8 CUDA GPUs, and this build had" in heard
    assert 'button "Proven"' in heard
    assert 'button "Not proven this time"' in heard
    assert 'group "part.one"' in heard
