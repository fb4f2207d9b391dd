"""The real site in a real Chromium, as a reader meets it."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.helpers.site import LANGUAGES, every_language


@every_language
def test_the_scheme_follows_the_system_and_can_be_switched(
    view: Page, address: str, language: str
) -> None:
    view.emulate_media(color_scheme="dark")
    view.goto(f"{address}{LANGUAGES[language]}lazy-initialization/")
    body = view.locator("body")
    expect(body).to_have_attribute("data-md-color-scheme", "slate")
    view.locator("label[for=__palette_1]:visible, label[for=__palette_0]:visible").first.click()
    expect(body).to_have_attribute("data-md-color-scheme", "default")


@every_language
def test_the_first_paint_is_in_the_scheme_of_the_system(
    view: Page, address: str, language: str
) -> None:
    view.emulate_media(color_scheme="dark")
    # without the theme's bundle, which comes after the first paint
    view.route("**/bundle*.js", lambda route: route.abort())
    view.goto(f"{address}{LANGUAGES[language]}lazy-initialization/")
    expect(view.locator("body")).to_have_attribute("data-md-color-scheme", "slate")


QUESTION = "[data-question='blocks.forgot-super']"


def chosen(view: Page, value: str) -> None:
    view.locator(f"{QUESTION} input[value='{value}']").check()


def test_a_choice_is_judged_opens_the_answer_and_is_remembered(
    browser: Browser, address: str
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    requests: list[str] = []
    context.on("request", lambda request: requests.append(request.method))
    view = context.new_page()
    view.goto(f"{address}en/blocks/")
    question = view.get_by_role("group", name="Both classes below forget")
    answer = view.locator(f".snippet:has({QUESTION}) > details.answer")
    expect(question.get_by_role("radio")).to_have_count(4)
    assert not answer.locator(".snippet-result").is_visible()
    assert view.locator(".md-nav--primary .score").count() == 0

    chosen(view, "NoSuper")
    expect(question.get_by_role("status")).to_contain_text("Not this one")
    expect(question.locator("label.fits")).to_have_text("only Scale")
    expect(answer.locator(".snippet-error").first).to_be_visible()
    expect(view.locator(".progress span")).to_contain_text("0 of ")
    chosen(view, "Scale")
    expect(question.get_by_role("status")).to_have_text("Right.")
    expect(view.locator(".progress span")).to_contain_text("1 of ")

    view.goto(f"{address}blocks/")  # the other language remembers the same
    expect(view.locator(f"{QUESTION} input[value='Scale']")).to_be_checked()
    expect(view.locator(f".snippet:has({QUESTION}) > details.answer")).to_have_attribute("open", "")
    view.goto(address)  # home, and beside the navigation
    score = view.locator("article td .score, .md-nav--primary .score")
    expect(score.first).to_have_text(re.compile("^1/[0-9]"))
    expect(score.last).to_have_attribute("aria-label", re.compile("^预测答对 1/"))
    view.goto(f"{address}blocks/")
    view.get_by_role("button", name="清除我的答题记录").click()
    expect(view.locator(f"{QUESTION} input:checked")).to_have_count(0)
    assert view.locator(".md-nav--primary .score").count() == 0
    assert set(requests) == {"GET"}
    context.close()


def test_exercises_are_ticked_off_by_hand(browser: Browser, site: Path) -> None:
    """Also on a site that is read from a disk."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    view = context.new_page()
    page = (site / "en" / "blocks" / "index.html").as_uri()
    view.goto(page)
    before = view.locator(".progress span").inner_text()
    view.get_by_role("checkbox", name="Done").first.check()
    assert view.locator(".progress span").inner_text() == before.replace(", 0 of", ", 1 of")
    view.goto(page)
    expect(view.get_by_role("checkbox", name="Done").first).to_be_checked()
    context.close()


def test_all_answers_open_at_once_and_that_is_remembered(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    view = context.new_page()
    view.goto(f"{address}en/blocks/")
    answers = view.locator("details.answer")
    view.get_by_role("button", name="Show all answers").click()
    expect(view.locator("details.answer:not([open])")).to_have_count(0)
    view.reload()
    expect(view.locator("details.answer:not([open])")).to_have_count(0)
    view.get_by_role("button", name="Hide all answers").click()
    expect(view.locator("details.answer[open]")).to_have_count(0)
    assert answers.count()
    context.close()


def test_without_a_script_a_question_is_read_with_options_and_a_folded_answer(
    browser: Browser, address: str
) -> None:
    context = browser.new_context(java_script_enabled=False)
    view = context.new_page()
    view.goto(f"{address}en/blocks/")
    box = view.locator(f".snippet:has({QUESTION})")
    assert box.get_by_text("Which of the two can still be built").is_visible()
    assert box.get_by_text("only Scale", exact=True).is_visible()
    assert not box.locator(".snippet-result").is_visible()
    box.locator("summary").click()
    assert box.locator(".snippet-result").is_visible()
    assert not view.get_by_role("checkbox", name="Done").first.is_visible()
    context.close()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_print_opens_what_is_folded_and_leaves_out_the_frame(
    browser: Browser, address: str, script: bool
) -> None:
    context = browser.new_context(java_script_enabled=script, color_scheme="dark")
    view = context.new_page()
    view.goto(f"{address}en/blocks/")
    folded = view.locator('[data-snippet="blocks.residual"] .highlight')
    output = view.locator("pre:has(samp)").first
    assert not folded.is_visible()
    view.emulate_media(media="print")
    assert folded.bounding_box()
    assert folded.is_visible()
    assert output.evaluate("box => getComputedStyle(box).maxHeight") == "none"
    for frame in (".md-header", ".md-sidebar--primary", ".page-code", ".progress", ".language-bar"):
        assert not view.locator(frame).first.is_visible(), frame
    dark = view.locator("article p").first.evaluate("text => getComputedStyle(text).color")
    assert max(map(int, re.findall(r"\d+", dark)[:3])) < 100, "the text is not dark on paper"
    context.close()


def test_a_wide_or_long_output_scrolls_inside_its_box(view: Page, address: str) -> None:
    view.goto(f"{address}en/parameters/")
    boxes = view.locator("pre:has(samp)").evaluate_all(
        "all => all.map(e => [e.scrollWidth > e.clientWidth, e.clientHeight, getComputedStyle(e).overflowX])"
    )
    assert any(wide for wide, _, _ in boxes)
    assert all(height <= 24 * 25 and flow == "auto" for _, height, flow in boxes)


@every_language
def test_no_tick_begins_a_line_and_a_switch_hides_them_all(
    browser: Browser, address: str, language: str
) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 800})
    view = context.new_page()
    view.goto(f"{address}{LANGUAGES[language]}blocks/")
    alone = view.evaluate("""() => [...document.querySelectorAll('article .claim-mark')].filter(mark => {
        const range = document.createRange()
        let node = mark.closest('.claim').previousSibling
        while (node?.lastChild) node = node.lastChild
        if (!node?.textContent?.trim() || !mark.checkVisibility()) return false
        range.setStart(node, node.length - 1)
        range.setEnd(node, node.length)
        const before = range.getClientRects()
        return before.length && before[before.length - 1].bottom < mark.getBoundingClientRect().top
    }).map(mark => mark.closest('p, li, td').textContent.slice(-80))""")
    assert alone == []
    mark = view.locator("article .claim-mark").first
    switch = view.locator(".minutes .ticks")
    switch.click()
    assert not mark.is_visible()
    view.goto(f"{address}{LANGUAGES[language]}glossary/")
    assert not mark.is_visible()
    view.go_back()
    switch.click()
    assert mark.is_visible()
    context.close()
