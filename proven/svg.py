"""Lets figures be pictures and nothing else, and makes them fit to stand inside a page.

Whatever a figure came from, a section or a record, what is kept of it was parsed and written anew, and
holds only the elements and attributes below: no script, no link, nothing that a browser loads.
"""

import re
from html import escape
from xml.etree import ElementTree

from proven.problems import words_of

SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = words_of("""
    svg g defs path use text tspan image clipPath rect circle ellipse line polygon polyline
    marker pattern mask linearGradient radialGradient stop filter feColorMatrix feComposite
    feGaussianBlur feOffset feFlood feMerge feMergeNode
""")
STYLE = f"{SVG}style"
DROPPED = frozenset({f"{SVG}metadata", STYLE, f"{SVG}title", f"{SVG}desc"})
ATTRIBUTES = words_of("""
    mask filter id d x y x1 y1 x2 y2 cx cy r rx ry fx fy dx dy width height viewBox version
    points transform preserveAspectRatio clip-path clip-rule clipPathUnits fill fill-opacity
    fill-rule stroke stroke-dasharray stroke-dashoffset stroke-linecap stroke-linejoin stroke-miterlimit stroke-opacity stroke-width opacity color font-family font-size font-style
    font-weight font-stretch font-variant text-anchor dominant-baseline letter-spacing rotate
    href offset stop-color stop-opacity gradientUnits gradientTransform spreadMethod
    patternUnits patternTransform patternContentUnits maskUnits marker-start marker-mid
    marker-end markerWidth markerHeight markerUnits refX refY orient filterUnits shape-rendering image-rendering text-rendering type values in in2 result operator k1 k2 k3 k4
    stdDeviation flood-color flood-opacity mix-blend-mode isolation white-space
""")
HREF = re.compile(r"#[\w.-]+|data:image/(png|jpeg);base64,[A-Za-z0-9+/=\s]*")
NUMBER = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,9})?")
ID = re.compile(r"[\w.:-]+")
# a semicolon may stand in the name of a font
STYLES = re.compile(r"(?:[^;'\"]|'[^']*'|\"[^\"]*\")+")
# in pixels: the width of a figure on a phone, and the least size of text that can be read
PHONE, LETTERS = 320, 11
URL = re.compile(r"url\s*\(\s*(?!#[\w.-]+\s*\))|\\|@import|expression\s*\(", re.IGNORECASE)


def clean(svg: str, drawn: bool = True) -> str:
    """Write a figure anew, as one element whose styles are attributes; a ValueError names what is no picture.

    Of what matplotlib has `drawn`, the style sheet says no more than what is added here.
    """
    if "<!ENTITY" in svg:
        raise ValueError("an entity")
    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError as error:
        raise ValueError(f"no SVG: {error}") from None
    if not drawn and root.find(f".//{STYLE}") is not None:
        raise ValueError("<style>")
    box = (root.get("viewBox") or "").split()
    if root.tag != f"{SVG}svg" or len(box) != 4 or not all(map(NUMBER.fullmatch, box)):
        raise ValueError("no SVG with a viewBox of numbers")
    _clean(root, 0)
    using = {
        one.get("id") for one in root.iter() if one.tag != "use" and one.find(".//use") is not None
    }
    if any((one.get("href") or "")[1:] in using for one in root.iter("use")):
        raise ValueError("a <use> of what holds another: a small file could draw without end")
    root.attrib = {
        "xmlns": SVG[1:-1],
        **root.attrib,
        "viewBox": " ".join(box),
        "stroke-linejoin": "round",  # what matplotlib says in a style sheet
        "stroke-linecap": "butt",
    }
    return ElementTree.tostring(root, encoding="unicode")


def _clean(element: ElementTree.Element, depth: int) -> None:
    name = str(element.tag).removeprefix(SVG)
    if name not in ELEMENTS or depth > 100 or (name == "svg" and depth):
        raise ValueError("a link" if name == "a" else f"<{name[:40]}>")
    element.tag, found = name, dict[str, str]()
    for key, value in element.attrib.items():
        key = key.removeprefix("{http://www.w3.org/1999/xlink}")
        if key == "style":
            pairs = (part.partition(":") for part in STYLES.findall(value) if part.strip())
            found |= {name.strip(): text.strip() for name, _, text in pairs}
        else:
            found[key] = value
    for key, value in found.items():
        if key not in ATTRIBUTES:
            raise ValueError(f"the attribute {key[:40]}")
        form = {"href": HREF, "id": ID}.get(key)
        if URL.search(value) or (form and not form.fullmatch(value)):
            raise ValueError("a link" if key == "href" else f'{key}="{value[:40]}"')
    element.attrib = found
    for child in list(element):
        if child.tag in DROPPED:
            element.remove(child)
        else:
            _clean(child, depth + 1)


def inline_svg(svg: str, name: str, number: int, alt: str) -> str:
    """Turn a clean figure into an element that can stand inside a page."""
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    prefix = f"{name.replace('.', '-')}-{number}-"

    def inside(tag: re.Match[str]) -> str:
        text = re.sub(r'\bid="', f'id="{prefix}', tag[0])
        text = re.sub(r'(url\(|href=")#', rf"\1#{prefix}", text)
        return re.sub(r"#000000\b", "currentColor", text)

    svg = re.sub(r"<[^<>]+>", inside, svg)  # tags only: the words of a figure stand between them
    # CSS pixels are 3/4 of a point: the width that the script asked for, where there is room
    width = f"{size_of(svg)[0] * 4 / 3:.0f}"
    label = f'role="img" aria-label="{escape(alt)}" width="{width}" fill="currentColor"'
    return svg.replace("<svg ", f"<svg {label} ", 1).strip()


def is_wide(svg: str) -> bool:
    """Whether the letters of a clean figure are too small on a phone, unless it is wider than the phone.

    What is raised or lowered may be smaller, as in any text.
    """
    sizes = [float(size) for size in re.findall(r'<text [^<>]*font-size="(\d+(?:\.\d+)?)px"', svg)]
    return bool(sizes) and min(sizes) * PHONE < LETTERS * size_of(svg)[0]


def size_of(svg: str) -> tuple[float, float]:
    """The width and the height of a clean figure, in points."""
    width, height = re.findall(r'viewBox="\S+ \S+ (\S+) (\S+)"', svg)[0]
    return float(width), float(height)
