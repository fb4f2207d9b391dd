"""Prose as plain Markdown, for readers that know less than this site."""

import pytest

from proven.pages import read_page
from proven.prose import Dialect, Shown, pieces, relative

PLAIN = Dialect(
    link=lambda path, anchor: f"<{path}#{anchor}>" if path != "none.md" else "",
    math=lambda latex, display: f"[{latex}]" if display else f"({latex})",
)


def written(text: str, title: bool = True) -> list[str | Shown]:
    page, problems = read_page(text, "more/a.md", "en", "docs/en/more/a.md")
    assert problems == []
    return list(pieces(page, PLAIN, title))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("It holds.`#!claim three` So.", "It holds. So."),
        ("It is `#!math x^2`\nhere, for $5.", "It is (x^2)\nhere, for \\$5."),
        ("`a[0](b.md)` and `` ` ``, ``a`b``", "`a[0](b.md)` and `` ` ``, ``a`b``"),
        ("[the `x`](b.md#c)", "[the `x`](<more/b.md#c>)"),
        ("[*here*](#a-place)", "[*here*](<more/a.md#a-place>)"),
        (
            "[**none**](../none.md), [out](https://example.org/)",
            "**none**, [out](https://example.org/)",
        ),
        ("![a](b.svg)", "![a](b.svg)"),
        ("A line  \nbroken", "A line  \nbroken"),
        ("**Term**\n\n:   What it means.", "**Term**\n\n-   What it means."),
        ("Words.\n{: .small #words }", "Words."),
        ("One <!-- a --> two.", "One  two."),
        ("One.\n\n<!-- a\n\nb -->\n\nTwo.", "One.\n\n\nTwo."),
        ("~~~text\n```\n~~~", "````text\n```\n````"),
        ("> One `two\n> three` four\n> $5.", "> One `two three` four\n\\$5.\n> \n> "),
        (r"\*not bold\* &amp; 1 < 2", r"\*not bold\* &amp; 1 < 2"),
        ("- a [b](c.md)\n    - d `#!math e`", "- a [b](<more/c.md#>)\n    - d (e)"),
        (
            "| a | b |\n|---|---|\n| `x\\|y` | [z](z.md) |\n| a | a.`#!claim a` |",
            "| a | b |\n|---|---|\n| `x\\|y` | [z](<more/z.md#>) |\n| a | a. |",
        ),
    ],
)
def test_a_run_of_text_is_written_without_what_only_this_site_knows(text: str, told: str) -> None:
    assert written(f"{text}\n") == [told]


PAGE = """# The `title`.`#!claim a` {#title}

Before.

```snippet
part.one
```

!!! warning "Mind `this`"
    First line.

    ```snippet alt="a line that rises from left to right"
    part.two
    ```

    - after it

??? success "Solution"

    ```snippet
    part.three
    ```

    ```math
    x
    ```

## Next {#next}

```text
kept
```

After.
"""


def test_snippets_stand_between_the_pieces_and_boxes_become_quotations() -> None:
    assert written(PAGE) == [
        "# The `title`.\n\nBefore.",
        Shown("part.one", "", False),
        "> **Mind `this`**\n>\n> First line.",
        Shown("part.two", "a line that rises from left to right", False),
        "> - after it\n\n> **Solution**",
        Shown("part.three", "", True),
        "> [x]\n\n## Next\n\n```text\nkept\n```\n\nAfter.",
    ]
    assert written(PAGE, title=False)[0] == "Before."


@pytest.mark.parametrize(
    ("target", "here", "address"),
    [
        ("en/index.html.md", "en/a/index.html.md", "../index.html.md"),
        ("notebooks/a.zip", "en/notebooks/index.html", "../../notebooks/a.zip"),
        ("a.md", "llms.txt", "a.md"),
    ],
)
def test_addresses_are_relative(target: str, here: str, address: str) -> None:
    assert relative(target, here) == address
