"""The cards of previews: what is drawn, and what cannot be."""

import io

import pytest
from PIL import Image

from proven.cards import MARGIN, RED, SIZE, card
from proven.problems import ProjectError

PLACE = "docs/zh/blocks.md:1"
LONG = {
    "zh": "这一句话很长，长得一行放不下，所以要换行，而标点不能在行首。" * 8,
    "en": "This sentence is far too long for one line, so that it has to be broken. " * 8,
}


@pytest.mark.parametrize("language", LONG)
def test_what_is_too_long_is_broken_and_stays_inside_the_margins(language: str) -> None:
    image = Image.open(io.BytesIO(card(LONG[language], LONG[language], "Notes", PLACE)))
    assert image.size == SIZE
    text = image.crop((19, 0, *SIZE)).point(lambda shade: shade and 255, "L")
    left, top, right, bottom = text.getbbox() or (0, 0, 0, 0)
    assert left + 19 >= MARGIN - 5
    assert right + 19 <= SIZE[0] - MARGIN / 2
    assert top > 0
    assert bottom < SIZE[1] - 40
    assert image.getpixel((5, 5)) == RED


def test_the_same_words_give_the_same_bytes_and_other_words_others() -> None:
    first = card("5.1", "words", "Notes", PLACE)
    card.cache_clear()
    assert card("5.1", "words", "Notes", PLACE) == first
    for other in (("5.2", "words", "Notes"), ("5.1", "word", "Notes"), ("5.1", "words", "Note")):
        assert card(*other, PLACE) != first


def test_a_character_that_the_font_lacks_is_named_with_its_page() -> None:
    with pytest.raises(ProjectError, match="no glyph for 龘") as error:
        card("5.1", "龘", "Notes", PLACE)
    assert PLACE in str(error.value)
