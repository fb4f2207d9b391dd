"""Cuts the style sheets of a finished site to the rules and variables that its pages and scripts can use."""

import re
from collections.abc import Sequence
from itertools import groupby, pairwise
from pathlib import Path

import tinycss2
from tinycss2.ast import AtRule, LiteralToken, Node, QualifiedRule, SquareBracketsBlock

WORD = re.compile(r"[\w-]+")
TAG = re.compile(r"<[a-zA-Z][^>]*>")
GIVEN = re.compile(r"""([\w-]+)=["']?([\w-]+)["']?(?=[\s/>])""")
CAPITAL = re.compile("(?=[A-Z])")
# a string may hold what would end a declaration; the space behind is that of the next one
VARIABLE = re.compile(r"""(?<=[{;\s])(--[\w-]+)\s*:(?:"[^"]*"|'[^']*'|[^"';{}])*(?:;\s*|(?=}))""")
ASKED = re.compile(r"var\(\s*(--[\w-]+)")
NESTED = ("media", "supports")


def cut_styles(folder: Path) -> None:
    """Leave out of every style sheet of a finished site what no page and no script can use.

    That are rules for classes, or for values of attributes, that occur in no page and no script, and
    variables that nothing asks for. A word of a script may be a class that the script gives, or an
    attribute to which it gives any value, so all words of scripts count.
    """
    tags = set[str]()
    for path in folder.rglob("*.html"):
        tags.update(TAG.findall(path.read_text(encoding="utf-8")))
    text = " ".join(tags)
    used = {*WORD.findall(text), *map("=".join, GIVEN.findall(text))}
    for path in folder.rglob("*.js"):
        words = set(WORD.findall(path.read_text(encoding="utf-8")))
        used |= words | {f"{word}=" for word in words}
        # `dataset.oneTwo` is the attribute data-one-two
        used |= {f"data-{CAPITAL.sub('-', word).lower()}=" for word in words}
    sheets = {path: path.read_text(encoding="utf-8") for path in folder.rglob("*.css")}
    done = {css: cut(css, used) for css in set(sheets.values())}  # each language has a copy
    before = None
    while before != done:  # a variable may be asked for by one that goes
        before = done
        asked = used.union(*(ASKED.findall(css) for css in done.values()))
        done = {css: without_variables(shorter, asked) for css, shorter in done.items()}
    for path, css in sheets.items():
        path.write_text(done[css], encoding="utf-8")


def cut(css: str | Sequence[Node], used: set[str]) -> str:
    """A style sheet without comments, and without the rules for what is not used.

    Used are classes, and attributes with their values, such as `type=radio`; `type=` for any value.
    """
    kept = ""
    for rule in tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True):
        if isinstance(rule, QualifiedRule):
            groups = groupby(rule.prelude, lambda token: token == ",")
            parts = [list(part) for comma, part in groups if not comma]
            selectors = [_text(part) for part in parts if _can_match(part, used)]
            if selectors:
                kept += f"{','.join(selectors)}{{{_text(rule.content)}}}"
        elif isinstance(rule, AtRule) and rule.lower_at_keyword in NESTED and rule.content:
            if text := cut(rule.content, used):
                kept += f"@{rule.at_keyword} {_text(rule.prelude)}{{{text}}}"
        else:
            kept += rule.serialize()
    return kept


def without_variables(css: str, asked: set[str]) -> str:
    """A style sheet, as `cut` returns it, without variables for which nothing asks."""
    return VARIABLE.sub(lambda found: found[0] if found[1] in asked else "", css)


def _can_match(selector: Sequence[Node], used: set[str]) -> bool:
    """Whether the classes, and values that are one word, occur; those inside of functions may be one of several."""
    for dot, token in pairwise([*selector, None]):
        if isinstance(dot, LiteralToken) and dot.value == "." and token and token.type == "ident":
            if token.value not in used:
                return False
        elif isinstance(dot, SquareBracketsBlock):
            match [part for part in dot.content if part.type != "whitespace"]:
                case [name, LiteralToken(value="="), value] if WORD.fullmatch(str(value.value)):
                    if not used & {f"{name.value}=", f"{name.value}={value.value}"}:
                        return False
    return True


def _text(tokens: Sequence[Node]) -> str:
    kept = [token for token in tokens if token.type != "comment"]
    return re.sub(r"\s*\n\s*", " ", tinycss2.serialize(kept)).strip()
