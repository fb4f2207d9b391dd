"""Tabs of the machines that ran a snippet, in a real Chromium."""

from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.helpers.looking import accessible

THERE, HERE = "1 × Made-up GPU, recorded 2026-11-23", "CPU, this build"


def test_a_choice_of_the_machine_holds_for_the_page_and_is_remembered(
    view: Page, marked: str
) -> None:
    view.goto(f"{marked}en/")
    three, four = (view.locator(f"[data-snippet='part.{name}']") for name in ("three", "four"))
    expect(three.get_by_role("tab")).to_have_text([THERE, HERE])
    expect(three.get_by_role("tab", selected=True)).to_have_text(THERE)
    expect(three.get_by_role("tabpanel", name=THERE)).to_contain_text("cuda:0")
    expect(three.get_by_text("cpu", exact=True)).to_be_hidden()
    expect(three.locator(".snippet-machine")).to_have_count(2)
    expect(three.locator(".snippet-machine").first).to_be_hidden()

    tab = four.get_by_role("tab", name=HERE)
    tab.scroll_into_view_if_needed()
    before = tab.evaluate("tab => tab.getBoundingClientRect().top")
    tab.click()
    view.wait_for_timeout(100)  # the browser may scroll on its own
    assert abs(tab.evaluate("tab => tab.getBoundingClientRect().top") - before) < 2
    for snippet in (three, four):
        expect(snippet.get_by_role("tabpanel", name=HERE)).to_be_visible()
        expect(snippet.get_by_role("tabpanel")).to_have_count(1)
    view.reload()
    expect(three.get_by_role("tab", selected=True)).to_have_text(HERE)
    expect(three.get_by_text("cpu", exact=True)).to_be_visible()
    view.goto(marked)  # another page keeps its own
    expect(view.get_by_role("tab", selected=True).first).to_contain_text("录制")


def test_arrow_keys_go_from_tab_to_tab(view: Page, marked: str) -> None:
    view.goto(f"{marked}en/")
    tabs = view.locator("[data-snippet='part.three']").get_by_role("tab")
    tabs.first.focus()
    for key, number in (
        ("ArrowRight", 1),
        ("ArrowRight", 0),
        ("ArrowLeft", 1),
        ("Home", 0),
        ("End", 1),
    ):
        view.keyboard.press(key)
        expect(tabs.nth(number)).to_be_focused()
        expect(tabs.nth(number)).to_have_attribute("aria-selected", "true")
        expect(tabs.nth(number)).to_have_attribute("tabindex", "0")
        expect(tabs.nth(1 - number)).to_have_attribute("tabindex", "-1")
    assert accessible(view) == []


def test_the_foot_tells_where_recorded_outputs_come_from(view: Page, marked: str) -> None:
    view.goto(f"{marked}en/")
    expect(view.locator(".ran-on .recorded")).to_have_text(
        f"Outputs with the label “{THERE}” were recorded on another machine with torch 2.0, "
        "at commit 0123456789."
    )
    view.goto(f"{marked}en/claims/")
    expect(view.locator(".ran-on")).to_have_count(1)
    expect(view.locator(".ran-on .recorded")).to_have_count(0)
    assert view.locator("script[src*=machines]").count() == 0


def test_without_a_script_and_on_paper_both_stand_one_after_the_other(
    browser: Browser, marked: str, themed: Path
) -> None:
    for script, media in ((False, "screen"), (True, "print"), (False, "print")):
        context = browser.new_context(java_script_enabled=script)
        view = context.new_page()
        view.goto((themed / "en" / "index.html").as_uri() if media == "screen" else f"{marked}en/")
        view.emulate_media(media="print" if media == "print" else "screen")
        three = view.locator("[data-snippet='part.three']")
        expect(three.locator(".snippet-machine")).to_have_text([THERE, HERE])
        for text in (THERE, "cuda:0", HERE, "cpu"):
            expect(three.locator(".run").get_by_text(text, exact=True)).to_be_visible()
        expect(three.locator(".machines")).to_be_hidden()
        context.close()
