"""Makes a figure of matplotlib fit to stand inside a page."""

import re
from html import escape


def inline_svg(svg: str, name: str, number: int, alt: str) -> str:
    """Turn a figure into an element that can stand inside a page."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<(metadata|style)\b.*?</\1>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    prefix = f"{name.replace('.', '-')}-{number}-"

    def inside(tag: re.Match[str]) -> str:
        text = re.sub(r' style="([^"]*)"', _attributes, tag[0])
        text = re.sub(r'\bid="', f'id="{prefix}', text)
        text = re.sub(r'(url\(|href=")#', rf"\1#{prefix}", text)
        return re.sub(r"#000000\b", "currentColor", text)

    svg = re.sub(r"<[^<>]+>", inside, svg)  # tags only: the words of a figure stand between them
    width = float(re.search(r'viewBox="0 0 ([\d.]+)', svg)[1])  # type: ignore[index]
    # CSS pixels are 3/4 of a point: the width that the script asked for, where there is room
    label = f'role="img" aria-label="{escape(alt)}" width="{width * 4 / 3:.0f}"'
    lines = (
        'fill="currentColor" stroke-linejoin="round" stroke-linecap="butt"'  # matplotlib's style
    )
    return svg.replace("<svg ", f"<svg {label} {lines} ", 1).strip()


def _attributes(style: re.Match[str]) -> str:
    """Write a style as attributes: all that matplotlib writes in a style are also attributes of SVG."""
    pairs = (part.split(":", 1) for part in style[1].split(";") if part.strip())
    return "".join(f' {name.strip()}="{value.strip()}"' for name, value in pairs)
