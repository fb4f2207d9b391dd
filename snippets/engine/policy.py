"""Writes into a page what it may load and run: this site's own files, and the code it was built with."""

import base64
import hashlib
import re
from html import unescape

CHARSET = '<meta charset="utf-8">'


# What stands in a page itself, and not in a file. A browser refuses what these overlook.
SCRIPT = re.compile(
    r"<script(?![^>]*(?: src=| type=\"application/json))[^>]*>(.*?)</script>", re.DOTALL
)
STYLE = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL)
ATTRIBUTE = re.compile(r"<\w[^<>]* style=(?:\"([^\"]+)\"|'([^']+)')")


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
    attributes = [unescape(one or two) for one, two in ATTRIBUTE.findall(html)]
    directives = {
        "default-src": ["'none'"],
        "script-src": ["'self'", *_hashes(SCRIPT.findall(html))],
        "style-src": ["'self'", *_hashes(STYLE.findall(html))],
        "img-src": ["'self'", "data:"],  # the icons in the theme's style sheet are data
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "worker-src": ["'self'"],
        "manifest-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
    }
    if attributes:
        directives["style-src-attr"] = ["'unsafe-hashes'", *_hashes(attributes)]
    policy = "; ".join(" ".join([name, *sources]) for name, sources in directives.items())
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return f"{head}{charset}\n      {meta}{rest}"


def _hashes(texts: list[str]) -> list[str]:
    digests = (hashlib.sha256(text.encode()).digest() for text in dict.fromkeys(texts))
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
