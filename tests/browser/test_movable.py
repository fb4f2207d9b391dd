"""Figures that a reader can move show what the build computed for each position."""

import pytest
from playwright.sync_api import Page, expect

MOVABLE = ["blocks.try-places", "parameters.sigma-and-depth", "parameters.tie-or-not"]
PAGES = {"blocks": "blocks", "parameters": "parameters"}


def box_of(view: Page, address: str, name: str) -> str:
    view.goto(f"{address}en/{name.split('.')[0]}/#snippet-{name.replace('.', '-')}")
    return f"[data-snippet='{name}'] .movable"


@pytest.mark.parametrize("name", MOVABLE)
def test_each_position_shows_its_row_of_the_printed_table(
    view: Page, address: str, name: str
) -> None:
    box = box_of(view, address, name)
    text = view.locator(f"[data-snippet='{name}'] details:not(.depth) pre").text_content() or ""
    head, *rows = [[cell.strip() for cell in row.split("|")] for row in text.strip().split("\n")]
    for row in rows[:: max(1, len(rows) // 7)]:
        for column in range(2):
            group = view.locator(f"{box} fieldset").filter(has_text=head[column])
            slider = view.locator(f"{box} > label").filter(has_text=head[column]).locator("input")
            if slider.count():
                values = list(dict.fromkeys(other[column] for other in rows))
                slider.fill(str(values.index(row[column])))
                expect(slider).to_have_attribute("aria-valuetext", row[column])
            else:
                group.get_by_label(row[column], exact=True).check()
        told = view.locator(f"{box} dl output").all_text_contents()
        assert told == row[2:]


def test_a_slider_answers_the_keyboard_and_draws_the_curve(view: Page, address: str) -> None:
    box = box_of(view, address, "parameters.sigma-and-depth")
    slider = view.locator(f"{box} input[type=range]").last
    before = view.locator(f"{box} circle").get_attribute("cx")
    slider.focus()
    view.keyboard.press("ArrowRight")
    assert view.locator(f"{box} circle").get_attribute("cx") != before
    assert len((view.locator(f"{box} polyline").get_attribute("points") or "").split()) == 8
