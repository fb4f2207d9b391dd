"""The policy of a page names what the build put there, and nothing else."""

import base64
import hashlib

import pytest

from snippets.engine.policy import CHARSET, with_policy


def digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_scripts_and_styles_in_the_page_are_named_by_their_hashes() -> None:
    html = (
        f"<head>{CHARSET}<script>let a = 1 && 2</script><script src='x.js'></script>"
        '<script type="application/json">{}</script><style>p{}</style></head><p>text</p>'
    )
    page = with_policy(html)
    policy = page.split('content="')[1].split('"')[0]
    assert f"script-src 'self' {digest('let a = 1 && 2')};" in policy
    assert f"style-src 'self' {digest('p{}')};" in policy
    assert "unsafe" not in policy
    assert page.index("Content-Security-Policy") < page.index("<script>")


def test_a_style_attribute_is_allowed_by_its_hash_only() -> None:
    page = with_policy(f"<head>{CHARSET}</head><p style='color: &quot;x&quot;'>text</p>")
    allowed = digest('color: "x"')
    assert f"style-src-attr 'unsafe-hashes' {allowed}\"" in page


def test_a_page_without_its_charset_is_refused() -> None:
    with pytest.raises(ValueError, match="charset"):
        with_policy("<head></head>")
