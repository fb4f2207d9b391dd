"""Draws the card that a preview of a link shows: the title of the page, its description, the site.

The font is a file of this project, since other machines have other fonts, or none with Chinese.
"""

import io
import re
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from proven.problems import Problem, ProjectError

SIZE = (1200, 630)  # what sites that show previews ask for
FONT = Path(__file__).with_name("card-font.otf")
MARGIN = 90
INK, CINNABAR = (35, 50, 61), (192, 57, 43)  # the colours of these names in site.css
# A pixel takes one byte: 255 shades from the background to white, then cinnabar.
PALETTE = [round(c + (255 - c) * shade / 254) for shade in range(255) for c in INK] + [*CINNABAR]
WHITE, PALE, RED = 254, 190, 255
# Where a line may end: after a space, and between Chinese characters, but not before punctuation.
PIECE = re.compile(r"[\u2e80-\uffef](?:[、。，：；？！）》」』”…]|—+)*|[^\s\u2e80-\uffef]+|\s+")


@cache
def card(title: str, description: str, site_name: str, place: str) -> bytes:
    """Draw one card; the cache keeps it until its words change, as long as `mkdocs serve` runs."""
    if missing := sorted({*title, *description, *site_name} - _characters()):
        what = f"the font of the cards has no glyph for {' '.join(missing)}"
        advice = "use another word, or renew the font: docs-dev/design.md"
        raise ProjectError(Problem(what, advice, (place,)))
    image = Image.new("L", SIZE, 0)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 18, SIZE[1]), fill=RED)
    bottom = _write(draw, title, 100, 76, WHITE, lines=2)
    _write(draw, description, bottom + 36, 34, PALE, lines=5 if bottom < 300 else 3)
    draw.text((MARGIN, SIZE[1] - 70), site_name, WHITE, _font(34), anchor="ls")
    # last, since Pillow draws letters without soft edges on an image that has a palette
    image.putpalette(PALETTE)
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=3)
    return file.getvalue()


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONT, size, layout_engine=ImageFont.Layout.BASIC)


@cache
def _characters() -> set[str]:
    from fontTools.ttLib import TTFont

    return {chr(code) for code in TTFont(FONT)["cmap"].getBestCmap()}


def _write(
    draw: ImageDraw.ImageDraw, text: str, top: int, size: int, shade: int, lines: int
) -> int:
    """Write a text in lines that fit, and return where it ends."""
    font, rows, width = _font(size), [""], 0.0
    for piece in PIECE.findall(text):
        if width + font.getlength(piece.rstrip()) > SIZE[0] - 2 * MARGIN:
            rows.append("")
            width = 0.0
        rows[-1] += piece if rows[-1] else piece.lstrip()
        width += font.getlength(piece)
    if len(rows) > lines:
        rows[lines - 1 :] = [rows[lines - 1].rstrip() + "…"]
    for row in rows:
        draw.text((MARGIN, top), row, shade, font)
        top += round(size * 1.4)
    return top
