"""Writes into a page what it may load and run: this site's own files, and the code it was built with."""

import base64
import hashlib
from html.parser import HTMLParser

CHARSET = '<meta charset="utf-8">'


class _Inline(HTMLParser):
    """Collects the scripts, the style sheets and the style attributes that stand in a page itself."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.attributes: list[str] = []
        self._into: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("style"):
            self.attributes.append(given["style"] or "")
        if tag == "script" and "src" not in given and given.get("type") != "application/json":
            self._into = self.scripts
        elif tag == "style":
            self._into = self.styles

    def handle_data(self, data: str) -> None:
        if self._into is not None:
            self._into.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._into = None


def with_policy(html: str) -> str:
    """Add a content security policy to a page.

    Nothing comes from another host, and a script or style that someone slips into the page does not
    run: those that the build put there are named by their hashes.

    Args:
        html: The whole page.

    Returns:
        The page with the policy at its head.

    Raises:
        ValueError: The page does not name its character set as the theme does.
    """
    head, charset, rest = html.partition(CHARSET)
    if not charset:
        raise ValueError(f"the page has no {CHARSET}")
    inline = _Inline()
    inline.feed(html)
    directives = {
        "default-src": ["'none'"],
        "script-src": ["'self'", *_hashes(inline.scripts)],
        "style-src": ["'self'", *_hashes(inline.styles)],
        "img-src": ["'self'", "data:"],  # the icons in the theme's style sheet are data
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "worker-src": ["'self'"],
        "manifest-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
    }
    if inline.attributes:
        directives["style-src-attr"] = ["'unsafe-hashes'", *_hashes(inline.attributes)]
    policy = "; ".join(" ".join([name, *sources]) for name, sources in directives.items())
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return f"{head}{charset}\n      {meta}{rest}"


def _hashes(texts: list[str]) -> list[str]:
    digests = (hashlib.sha256(text.encode()).digest() for text in dict.fromkeys(texts))
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
