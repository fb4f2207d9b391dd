"""Cuts the style sheets of a finished site to the rules that its pages and scripts can use."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import tinycss2
from tinycss2.ast import AtRule, LiteralToken, Node, QualifiedRule

WORD = re.compile(r"[\w-]+")
TAG = re.compile(r"<[a-zA-Z][^>]*>")
NESTED = ("media", "supports")


def cut_styles(folder: Path) -> None:
    """Leave out of every style sheet the rules for classes that occur in no page and no script.

    A word of a script may be a class that the script gives, so all words of scripts count.

    Args:
        folder: The folder of the site, all languages included.
    """
    used = set[str]()
    for path in folder.rglob("*.html"):
        used.update(WORD.findall(" ".join(set(TAG.findall(path.read_text(encoding="utf-8"))))))
    for path in folder.rglob("*.js"):
        used.update(WORD.findall(path.read_text(encoding="utf-8")))
    done: dict[str, str] = {}  # each language has a copy
    for path in folder.rglob("*.css"):
        css = path.read_text(encoding="utf-8")
        done[css] = done.get(css) or cut(css, used)
        path.write_text(done[css], encoding="utf-8")


def cut(css: str, used: set[str]) -> str:
    """A style sheet without comments, and without the rules that need a class which is not used."""
    rules = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    return "".join(_kept(rules, used))


def _kept(rules: Sequence[Node], used: set[str]) -> Iterator[str]:
    for rule in rules:
        if isinstance(rule, QualifiedRule):
            selectors = [s for s in _selectors(rule.prelude) if _classes(s) <= used]
            if selectors:
                prelude = ",".join(_text(selector) for selector in selectors)
                yield f"{prelude}{{{_text(rule.content)}}}"
        elif isinstance(rule, AtRule) and rule.lower_at_keyword in NESTED and rule.content:
            inside = tinycss2.parse_rule_list(
                rule.content, skip_comments=True, skip_whitespace=True
            )
            if text := "".join(_kept(inside, used)):
                yield f"@{rule.at_keyword} {_text(rule.prelude)}{{{text}}}"
        else:
            yield rule.serialize()


def _selectors(prelude: Sequence[Node]) -> list[list[Node]]:
    """The selectors that commas separate."""
    found: list[list[Node]] = [[]]
    for token in prelude:
        if isinstance(token, LiteralToken) and token.value == ",":
            found.append([])
        else:
            found[-1].append(token)
    return found


def _classes(selector: Sequence[Node]) -> set[str]:
    """The classes that a selector needs; those inside of functions such as :is() may be one of several."""
    return {
        token.value
        for dot, token in pairwise(selector)
        if isinstance(dot, LiteralToken) and dot.value == "." and token.type == "ident"
    }


def _text(tokens: Sequence[Node]) -> str:
    kept = [token for token in tokens if token.type != "comment"]
    return re.sub(r"\s*\n\s*", " ", tinycss2.serialize(kept)).strip()
