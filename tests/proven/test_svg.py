"""A figure of matplotlib on a page."""

import xml.etree.ElementTree as ElementTree

from proven.svg import inline_svg

SVG = (
    '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="10pt" height="5pt" '
    'viewBox="0 0 10 5"><metadata>x</metadata><style type="text/css">*{}</style>'
    '<defs><path id="p" style="stroke: #000000; fill: none"/></defs><g clip-path="url(#p)">'
    '<use href="#p"/><text>id="p" style="a: b" #000000</text></g></svg>\n'
)


def test_an_inlined_figure_is_an_image_with_ids_of_its_own_that_needs_no_style() -> None:
    inlined = inline_svg(SVG, "part.one", 2, 'a "b" <c>')
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
