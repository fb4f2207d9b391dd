"""README and CONTRIBUTING name only what there is, and say the same in both languages."""

import json
import re
from fnmatch import fnmatch
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.conftest import PROJECT

READMES = ["README.md", "README.zh.md"]
GUIDES = ["CONTRIBUTING.md", "CONTRIBUTING.zh.md"]
PICTURES = [".github/data.svg", ".github/data.zh.svg"]
MAKEFILE = (PROJECT / "Makefile").read_text("utf-8")
# what a checkout does not have: `make clean` removes it, or a machine with a GPU makes it
MADE = {*re.findall(r"rm -rf (\.venv .*)", MAKEFILE)[0].split(), "snippets/records"}
FENCE = re.compile(r"^ *(`{3,})(\w+)\n(.*?)^ *\1$", re.MULTILINE | re.DOTALL)
PATH = re.compile(r"\.?[\w<>-]+(\.[\w<>-]+)*(/[\w.<>-]*)+|[\w-]+(\.[\w-]+)*\.(md|toml|txt|yml)")

every_document = pytest.mark.parametrize("document", [*READMES, *GUIDES])
every_guide = pytest.mark.parametrize("guide", GUIDES)


def read(document: str) -> str:
    return (PROJECT / document).read_text("utf-8")


def blocks(text: str) -> list[str]:
    """The code blocks, without comments: those are in the language of the text."""
    return [re.sub(r"(?m) +# .*$", "", match[3]) for match in FENCE.finditer(text)]


def names(text: str) -> list[str]:
    """What stands between backticks in the text."""
    return re.findall(r"`([^`\n]+)`", FENCE.sub("", text))


def table(text: str, heading: str) -> list[tuple[str, str]]:
    """The rows of the first table under a heading, by its name in either language."""
    rows = re.split(rf"^## (?:{heading})\n", text, flags=re.MULTILINE)[1].split("\n## ")[0]
    cells = re.findall(r"^\| (.*?) \| (.*) \|$", rows, re.MULTILINE)
    return cells[1:]


@every_document
def test_every_make_target_is_there(document: str) -> None:
    text = read(document)
    code = [*names(text), *"".join(blocks(text)).splitlines()]
    named = {match[1] for line in code if (match := re.match(r" *make ([a-z-]+)", line))}
    assert len(named) >= 3
    assert named <= set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


@every_document
def test_every_file_and_folder_is_there(document: str) -> None:
    text = read(document)
    named = {name.rstrip("/") for name in names(text) if PATH.fullmatch(name)}
    named |= {link for link in re.findall(r"\]\(([^)]+)\)", text) if ":" not in link}
    assert len(named) >= 8
    for name in named:
        if any(name == made or name.startswith(f"{made}/") for made in MADE):
            continue
        assert list(PROJECT.glob(re.sub(r"<.*?>", "*", name))), f"{document} names {name}"


@pytest.mark.parametrize(("english", "chinese"), [READMES, GUIDES])
def test_both_languages_have_the_same_parts_code_and_names(english: str, chinese: str) -> None:
    one, two = read(english), read(chinese)
    assert re.search(rf"\]\({chinese}\)", one)
    assert re.search(rf"\]\({english}\)", two)
    levels = [re.findall(r"^(#+) ", FENCE.sub("", text), re.MULTILINE) for text in (one, two)]
    assert levels[0] == levels[1]
    assert blocks(one) == blocks(two)
    rows = [re.findall(r"^ *(\||\d\.|-) ", text, re.MULTILINE) for text in (one, two)]
    assert rows[0] == rows[1]


@every_guide
def test_every_direct_dependency_has_its_reason(guide: str) -> None:
    pinned = [
        match[0].lower()
        for path in sorted(PROJECT.glob("requirements*.txt"))
        for line in path.read_text("utf-8").splitlines()
        if (match := re.match(r"[\w-]+(?===)", line))
    ]
    pinned += json.loads(read("package.json"))["dependencies"]
    assert len(pinned) > 20
    rows = table(read(guide), "Dependencies|依赖")
    assert all(reason.strip() for _, reason in rows)
    told = [name for cell, _ in rows for name in re.sub(r" ?[(（].*?[)）]", "", cell).split(", ")]
    assert sorted(told) == sorted(set(told))
    for name in pinned:
        assert any(fnmatch(name, pattern.lower()) for pattern in told), f"no reason for {name}"
    for pattern in told:
        assert any(fnmatch(name, pattern.lower()) for name in pinned), f"{pattern} is no dependency"


@every_guide
def test_every_module_of_the_engine_has_its_sentence(guide: str) -> None:
    rows = table(read(guide), "The modules of the engine|引擎的模块")
    modules = {path.stem for path in (PROJECT / "snippets" / "engine").glob("*.py")}
    assert sorted(cell.strip("`") for cell, _ in rows) == sorted(modules - {"__init__"})


def test_both_pictures_have_the_same_shapes_and_load_nothing() -> None:
    trees = [ElementTree.parse(PROJECT / path) for path in PICTURES]

    def shapes(tree: "ElementTree.ElementTree[ElementTree.Element]") -> list[dict[str, str]]:
        return [
            dict(tag.attrib)
            for tag in tree.iter()
            if tag.tag.split("}")[1] in {"rect", "path", "marker"}
        ]

    assert shapes(trees[0]) == shapes(trees[1])
    for path in PICTURES:
        text = Path(PROJECT / path).read_text("utf-8")
        assert "prefers-color-scheme: dark" in text
        assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)|url\((?!#)|@import|href", text) == []
