"""What is in depth is closed at first, and opens by every way that leads into it."""

from playwright.sync_api import Browser, Page, expect

from tests.helpers.looking import tab
from tests.helpers.site import LANGUAGES, every_language

FOLDS = "article details.depth"


def opened(view: Page) -> list[bool]:
    return [fold.evaluate("fold => fold.open") for fold in view.locator(FOLDS).all()]


@every_language
def test_all_is_closed_until_the_reader_opens_it(view: Page, address: str, language: str) -> None:
    view.goto(f"{address}{LANGUAGES[language]}gpu/")
    assert len(opened(view)) > 3
    assert not any(opened(view))
    fold = view.locator(FOLDS).first
    fold.locator("summary").first.click()
    assert opened(view).count(True) == 1
    button = view.locator(".minutes .opens")
    words = button.inner_text()
    button.click()
    assert all(opened(view))
    expect(button).not_to_have_text(words)
    button.click()
    assert not any(opened(view))
    expect(button).to_have_text(words)


@every_language
def test_a_link_into_it_opens_it(view: Page, address: str, language: str) -> None:
    page = f"{address}{LANGUAGES[language]}gpu/"
    view.goto(page)
    inside = view.locator(f"{FOLDS} .snippet").first.get_attribute("id")
    heading = view.locator(f"{FOLDS} summary :is(h2, h3, h4)").last.get_attribute("id")
    for id in (inside, heading):
        view.goto(f"{address}{LANGUAGES[language]}")
        view.goto(f"{page}#{id}")
        expect(view.locator(f"#{id}")).to_be_in_viewport()
        assert opened(view).count(True) == 1
    view.goto(f"{page}#gpu")
    view.evaluate(f"location.hash = '{inside}'")
    expect(view.locator(f"#{inside}")).to_be_in_viewport()


def test_it_is_open_on_paper(view: Page, address: str) -> None:
    view.goto(f"{address}en/gpu/")
    inside = view.locator(f"{FOLDS} .snippet").first
    expect(inside).not_to_be_visible()
    view.emulate_media(media="print")
    assert inside.evaluate("node => node.getBoundingClientRect().height > 0")
    view.emulate_media(media="screen")


def test_without_a_script_its_heading_opens_it(browser: Browser, address: str) -> None:
    with tab(browser, java_script_enabled=False) as view:
        view.goto(f"{address}en/gpu/")
        fold = view.locator(FOLDS).first
        expect(fold.locator(".snippet").first).not_to_be_visible()
        fold.locator("summary").first.click()
        expect(fold.locator("p").first).to_be_visible()
        expect(view.locator(".minutes .opens")).not_to_be_visible()
