"""What the search knows besides the text of the pages: the names of what each part teaches.

The glossary says where a term is taught, and `docs/search.toml` by which other names readers look
for it. No result shows these: in the index they are fields of their own.
"""

import json
import re
import tomllib
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jieba

from snippets.engine.errors import Problem, SnippetError
from snippets.engine.pages import LANGUAGES, Page

ROW = re.compile(r"^\| \*\*(?P<name>.+?)\*\*<br>(?P<other>.+?) \|(?P<rest>.*)$", re.MULTILINE)
TAUGHT = re.compile(r"\]\(([\w-]+\.md#[\w-]+)\)")

# By what the score of an entry is multiplied. The theme more than doubles the top of a page.
TOP, NUMBERED, ASIDE = 0.4, 1.3, 0.3


@dataclass(frozen=True)
class Names:
    """By what readers look for what a heading teaches.

    Attributes:
        terms: The terms that the glossary says are taught there.
        others: The names that `docs/search.toml` gives it.
    """

    terms: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def read_names(docs: Path, language: str, pages: dict[str, Page]) -> dict[str, Names]:
    """Read the names of all parts, and let jieba keep the Chinese ones whole.

    Args:
        docs: The folder that holds a folder for each language.
        language: `zh` or `en`.
        pages: The pages of that language, by their path.

    Returns:
        The names by heading, as `parameters.md#parameter-tying`.

    Raises:
        SnippetError: `docs/search.toml` names a heading that no page has.
    """
    names: dict[str, Names] = defaultdict(Names)
    glossary = docs / language / "glossary.md"
    if glossary.is_file():
        for row in ROW.finditer(glossary.read_text(encoding="utf-8")):
            # Chinese readers type the English term too; the English index holds no Chinese
            told = [row["name"], row["other"]] if language == LANGUAGES[0] else [row["name"]]
            for heading in TAUGHT.findall(row["rest"]):
                names[heading].terms.extend(told)
    table = docs / "search.toml"
    if table.is_file():
        known = {f"{path}#{id}" for path, page in pages.items() for _, id, _ in page.headings}
        for heading, words in tomllib.loads(table.read_text(encoding="utf-8")).items():
            if heading not in known:
                what = f"no page has the heading {heading}, to which a name is given"
                raise SnippetError(Problem(what, "correct the entry", ("docs/search.toml",)))
            names[heading].others.extend(words.get("both", []) + words.get(language, []))
    for given in names.values():
        for word in re.findall(r"[\u4e00-\u9fff]{2,}", " ".join(given.terms + given.others)):
            jieba.add_word(word)
    return dict(names)


def complete(entries: list[dict[str, Any]], page: Page, url: str, names: dict[str, Names]) -> None:
    """Give the entries of a page their names, and the weight that their place on it has.

    Args:
        entries: What Material's search plugin has put into the index, of all pages so far.
        page: The page.
        url: Its address, relative to the site.
        names: The names by heading.
    """
    for entry in entries:
        path, _, id = entry["location"].partition("#")
        if path != url:
            continue
        told = names.get(f"{page.path}#{id or page.headings[0][1]}", Names())
        entry["taught"] = " ".join(told.terms)
        # Each word once: one that is a part of many names would count for many
        entry["names"] = " ".join(dict.fromkeys(" ".join(told.others).split()))
        weight = entry.get("boost", 1)
        if not id:
            weight *= TOP
        if re.match(r"exercise|summary$", id):
            weight *= ASIDE
        elif re.match(r"\d\.\d", entry["title"]):
            weight *= NUMBERED
        entry["boost"] = round(weight, 3)


def shrink(path: Path) -> None:
    """Write an index again, a third smaller: as UTF-8, and without needless zero-width spaces.

    Args:
        path: The index that MkDocs has written.
    """
    text = json.dumps(
        json.loads(path.read_text(encoding="utf-8")), ensure_ascii=False, separators=(",", ":")
    )
    # jieba's spaces are needed between two words, and not beside punctuation
    path.write_text(re.sub(r"(?<!\w)\u200b|\u200b(?!\w)", "", text), encoding="utf-8")
