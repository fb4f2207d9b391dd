"""A figure on a page: of matplotlib, or whatever a record says is one."""

import re
import xml.etree.ElementTree as ElementTree

import pytest

from proven.svg import clean, inline_svg, is_wide, size_of

SVG = (
    '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="10pt" height="5pt" '
    'viewBox="0 0 10 5"><metadata>x</metadata><style type="text/css">*{}</style>'
    '<defs><path id="p" style="stroke: #000000; fill: none"/></defs><g clip-path="url(#p)">'
    '<use href="#p"/><text>id="p" style="a: b" #000000</text></g></svg>\n'
)


def test_an_inlined_figure_is_an_image_with_ids_of_its_own_that_needs_no_style() -> None:
    inlined = inline_svg(clean(SVG), "part.one", 2, 'a "b" <c>')
    root = ElementTree.fromstring(inlined)
    assert (root.get("role"), root.get("aria-label")) == ("img", 'a "b" <c>')
    assert root.get("width") == "13"  # 10 points; the style sheet lets it shrink
    assert root.get("height") is None
    path, text = root.find(".//{*}path"), root.find(".//{*}text")
    assert path is not None
    assert path.attrib == {"id": "part-one-2-p", "stroke": "currentColor", "fill": "none"}
    assert "url(#part-one-2-p)" in inlined
    assert 'href="#part-one-2-p"' in inlined
    assert "<metadata" not in inlined
    assert "<style" not in inlined
    assert text is not None
    assert text.text == 'id="p" style="a: b" #000000'  # what a figure says stays as it is


def figure(inside: str, root: str = "") -> str:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="0 0 10 5" {root}>{inside}</svg>'
    )


@pytest.mark.parametrize(
    ("inside", "what"),
    [
        ("<script>owned = 1</script>", "<script>"),
        ('<g onload="owned = 1"/>', "the attribute onload"),
        ('<g ONLOAD="owned = 1"/>', "the attribute ONLOAD"),
        ("<foreignObject><p/></foreignObject>", "<foreignObject>"),
        ('<p xmlns="http://www.w3.org/1999/xhtml">x</p>', "xhtml"),
        ('<animate attributeName="href" to="javascript:owned=1"/>', "<animate>"),
        ('<set attributeName="onload"/>', "<set>"),
        ("<switch/>", "<switch>"),
        ("<svg/>", "<svg>"),
        ('<a href="https://example.org"><text>x</text></a>', "a link"),
        ('<use xlink:href="javascript:owned=1"/>', "a link"),
        ('<use href="other.svg#a"/>', "a link"),
        ('<image href="https://example.org/x.png"/>', "a link"),
        ('<image href="data:image/svg+xml;base64,AAAA"/>', "a link"),
        ('<path style="fill: url(https://example.org/x)"/>', "fill="),
        ('<path style="onload: owned"/>', "the attribute onload"),
        ('<path fill="ur\\6c(https://example.org)"/>', "fill="),
        ('<path filter="URL (https://example.org)"/>', "filter="),
        ('<g id="&quot;&gt;&lt;script&gt;"/>', "id="),
        ('<g class="snippet-output"/>', "the attribute class"),
        ('<g data-snippet="part.one"/>', "the attribute data-snippet"),
        ('<g xml:base="https://example.org"/>', "the attribute"),
        ("<g>" * 200 + "</g>" * 200, "<g>"),
        ("<?xml-stylesheet href='x'?><g>", "no SVG"),
        ("<g id='a'><use href='#b'/></g><use href='#a'/>", "a <use> of what holds another"),
    ],
)
def test_what_is_no_picture_is_refused_by_name(inside: str, what: str) -> None:
    with pytest.raises(ValueError, match=re.escape(what)):
        clean(figure(inside))


@pytest.mark.parametrize(
    "svg",
    [
        "",
        "<p/>",
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1.2.3 5"/>',
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 . 5"/>',
        "<svg/>",
        figure("").replace("0 0 10 5", "0 0 10"),
        figure("").replace("0 0 10 5", "0 0 10 x&quot;"),
        figure("", 'onload="owned = 1"'),
        '<!DOCTYPE svg [<!ENTITY a "<script/>">]>' + figure("<text>&a;</text>"),
        figure("").replace("http://www.w3.org/2000/svg", "http://www.w3.org/1999/xhtml"),
    ],
)
def test_what_is_no_figure_is_refused(svg: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        clean(svg)


@pytest.mark.parametrize("box", ["-5 -5 10 20", " -5  -5 10\n20 ", "-5&#9;-5&#10;10 20.0"])
def test_a_figure_has_the_size_of_its_view(box: str) -> None:
    cleaned = clean(figure("").replace("0 0 10 5", box))
    assert size_of(cleaned) == (10, 20)
    assert 'width="13"' in inline_svg(cleaned, "part.one", 1, "")


def test_what_a_picture_says_stays_text_however_it_is_written() -> None:
    told = "<script>owned = 1</script>"
    inside = f"<text><![CDATA[{told}]]></text><!-- {told} --><?php {told} ?>"
    cleaned = clean(figure(inside))
    assert cleaned.count("&lt;script&gt;") == 1
    assert "<script" not in cleaned
    assert "<!--" not in cleaned
    assert "<?" not in cleaned
    assert clean(cleaned) == cleaned


def test_a_semicolon_in_the_name_of_a_font_ends_no_style() -> None:
    style = "font-family: 'a; onmouseover=alert(1)', &quot;b; c&quot;; fill: red"
    root = ElementTree.fromstring(clean(figure(f'<text style="{style}">x</text>')))
    [text] = root
    assert text.attrib == {"font-family": "'a; onmouseover=alert(1)', \"b; c\"", "fill": "red"}


@pytest.mark.parametrize(
    ("size", "wide"), [("9", True), ("10.9", True), ("11", False), ("20", False)]
)
def test_a_figure_whose_text_a_phone_would_make_too_small_is_wide(size: str, wide: bool) -> None:
    text = f'<text style="font-size: 20px">a</text><text style="font-size: {size}px">b</text>'
    assert is_wide(clean(figure(text).replace("0 0 10 5", "0 0 320 5"))) is wide


@pytest.mark.parametrize("inside", ["", '<text style="font-size: 1.2.3px">a</text>'])
def test_a_figure_without_the_size_of_a_text_is_not_wide(inside: str) -> None:
    assert not is_wide(clean(figure(inside).replace("0 0 10 5", "0 0 900 5")))
