"""The index of errors finds an entry by what a reader pastes."""

import re

from playwright.sync_api import Browser, expect

from tests.helpers.looking import tab
from tests.helpers.site import LANGUAGES, every_language

# As a reader's terminal shows it, with other numbers than on the page.
PASTED = "RuntimeError: mat1 and mat2 shapes cannot be multiplied (32x512 and 784x10)"


@every_language
def test_a_pasted_message_leaves_its_entries_and_a_type_leaves_its_own(
    browser: Browser, address: str, language: str
) -> None:
    with tab(browser) as view:
        view.goto(f"{address}{LANGUAGES[language]}errors/")
        shown = view.locator("article .error-entry:visible")
        count = shown.count()
        assert count >= 40
        view.locator(".filter input").fill(PASTED)
        texts = shown.locator("samp").all_inner_texts()
        assert 0 < len(texts) < 10
        assert all("shapes cannot be multiplied" in text for text in texts)
        view.locator(".filter input").fill("qwertz zuiop")
        expect(view.locator(".filter [role=status]")).to_be_visible()
        assert shown.count() == 0
        view.locator(".filter input").fill("")
        view.locator(".filter select").select_option("KeyError")
        assert set(shown.evaluate_all("all => all.map(one => one.dataset.type)")) == {"KeyError"}


@every_language
def test_each_entry_leads_to_the_snippet_that_shows_it(
    browser: Browser, address: str, language: str
) -> None:
    with tab(browser) as view:
        view.goto(f"{address}{LANGUAGES[language]}errors/")
        links = view.locator(".error-place a").evaluate_all(
            "all => all.map(link => [link.textContent.trim(), link.getAttribute('href')])"
        )
        assert all(re.fullmatch(r"\.\./[\w-]+/#snippet-[\w-]+", href) for _, href in links)
        for name, href in links[:3]:
            view.goto(f"{address}{LANGUAGES[language]}errors/{href}")
            expect(view.locator(f'[data-snippet="{name}"]')).to_be_in_viewport()
            view.go_back()


@every_language
def test_without_a_script_all_entries_are_there_and_nothing_to_filter_with(
    browser: Browser, address: str, language: str
) -> None:
    with tab(browser, java_script_enabled=False) as view:
        view.goto(f"{address}{LANGUAGES[language]}errors/")
        assert view.locator("article .error-entry:visible").count() >= 40
        expect(view.locator(".filter")).not_to_be_visible()
        assert view.locator(".exceptions a").count() >= 40


@every_language
def test_claims_are_found_by_words_page_and_state(
    browser: Browser, address: str, language: str
) -> None:
    with tab(browser) as view:
        view.goto(f"{address}{LANGUAGES[language]}claims/")
        expect(view.locator(".counts tbody tr").last).to_be_visible()
        shown = view.locator(".claims > li:not([hidden])")
        count = shown.count()
        field, page, state = view.locator(".filter :is(input, select)").all()
        page.select_option(index=2)
        of_page = shown.count()
        assert 0 < of_page < count
        assert view.locator("article h2:visible").count() == 1
        expect(view.locator(".counts")).not_to_be_visible()
        state.select_option("recorded")
        assert shown.count() < of_page
        page.select_option("")
        state.select_option("")
        field.fill("load_state_dict key")
        found = shown.all_text_contents()
        assert 0 < len(found) < 60
        assert all("load_state_dict" in text and "key" in text for text in found)


@every_language
def test_a_claim_leads_to_its_test(browser: Browser, address: str, language: str) -> None:
    with tab(browser, viewport={"width": 390, "height": 800}) as view:
        view.goto(f"{address}{LANGUAGES[language]}claims/#walking_the_tree_is_built_in")
        view.locator("#walking_the_tree_is_built_in a").first.click()
        view.wait_for_url("**/claims/test_parameters.txt*")
        view.wait_for_function("scrollY > 0")  # to where it stands
        assert view.evaluate("document.characterSet") == "UTF-8"
        text = view.locator("body").inner_text()
        assert re.search(
            r"def test_walking_the_tree_is_built_in[^#]*\n    [^#\n]*[\u4e00-\u9fff]", text
        )


@every_language
def test_the_errata_can_be_cut_down_to_what_raises_no_error(
    browser: Browser, address: str, language: str
) -> None:
    with tab(browser) as view:
        view.goto(f"{address}{LANGUAGES[language]}errata/")
        shown = view.locator("article h3:not([hidden])")
        count, silent = shown.count(), view.locator("article h3 + .silent-sign").count()
        assert 10 < silent < count
        view.locator(".filter select").select_option("true")
        assert shown.count() == silent
        assert (
            view.locator("article h3:not([hidden]) + .silent-sign:not([hidden])").count() == silent
        )
        view.locator(".filter select").select_option("")
        view.locator(".filter input").fill("OrderedDict")
        assert 0 < shown.count() < 10
        # the theme writes addresses while a reader scrolls, also before a link that was followed is told
        view.evaluate(
            "location.hash = 'erratum-all-weights-set-to-1'; history.replaceState({}, '', '#')"
        )
        expect(view.locator("#erratum-all-weights-set-to-1")).to_be_in_viewport()
