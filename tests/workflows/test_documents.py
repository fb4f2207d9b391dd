"""README, CONTRIBUTING and the design name only what there is; both languages name the same."""

import importlib.util
import json
import re
from fnmatch import fnmatch
from pathlib import Path
from xml.etree import ElementTree

import pytest

from proven import cli
from proven.project import read_project
from proven.settings import read_settings
from tests.helpers.projects import PROJECT
from tools import clean as cleaning

READMES = ["README.md", "README.zh.md"]
GUIDES = ["CONTRIBUTING.md", "CONTRIBUTING.zh.md"]
DESIGN = "docs-dev/design.md"
PICTURES = [".github/data.svg", ".github/data.zh.svg"]
MAKEFILE = (PROJECT / "Makefile").read_text("utf-8")
# what a checkout does not have: `make clean` removes it, or a machine with a GPU makes it
MADE = {*cleaning.MADE, *cleaning.SITES, "snippets/records"}
FENCE = re.compile(r"^ *(`{3,})(\w+)\n(.*?)^ *\1$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#+) ", re.MULTILINE)
PATH = re.compile(r"\.?[\w<>-]+(\.[\w<>-]+)*(/[\w.<>-]*)+|[\w-]+(\.[\w-]+)*\.(md|toml|txt|yml)")
COMMAND = re.compile(r"(make|python|mkdocs|pytest|pip|git|pyftsubset|\.) .*")

every_document = pytest.mark.parametrize("document", [*READMES, *GUIDES, DESIGN])


def read(document: str) -> str:
    return (PROJECT / document).read_text("utf-8")


def blocks(text: str) -> list[str]:
    """The code blocks, without comments: those are in the language of the text."""
    return [re.sub(r"(?m) +# .*$", "", match[3]) for match in FENCE.finditer(text)]


def names(text: str) -> list[str]:
    """What stands between backticks in the text."""
    return re.findall(r"`([^`\n]+)`", FENCE.sub("", text))


def commands(text: str) -> list[str]:
    """The commands that are named, between backticks or in a code block."""
    lines = [*names(text), *"".join(blocks(text)).splitlines()]
    return [line.strip() for line in lines if COMMAND.fullmatch(line.strip())]


def rows(text: str) -> list[str]:
    """What each row of a table and each item of a list begins with."""
    return re.findall(r"^ *(\||\d+\.|-) ", FENCE.sub("", text), re.MULTILINE)


def parts(text: str) -> list[tuple[str, list[str], list[str], list[str]]]:
    """For each heading its level, the code blocks under it, the commands in alphabetical order, and the rows."""
    stubs = FENCE.sub(lambda match: match[0].replace("\n#", "\n\0"), text)
    _, *rest = HEADING.split(stubs)
    pairs = zip(rest[::2], rest[1::2], strict=True)
    return [(level, blocks(part), sorted(commands(part)), rows(part)) for level, part in pairs]


@every_document
def test_every_make_target_is_there(document: str) -> None:
    named = {
        match[1]
        for line in commands(read(document))
        if (match := re.match(r"make ([a-z-]+)", line))
    }
    assert len(named) >= 3
    assert named <= set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


def test_every_program_and_its_command_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    pages = [path.relative_to(PROJECT).as_posix() for path in PROJECT.glob("docs/*/*.md")]
    called = {
        (document, *command)
        for document in [*READMES, *GUIDES, DESIGN, *pages]
        for command in re.findall(r"python -m ([\w.]+)(?: (\w+))?", read(document))
    }
    assert {document for document, *_ in called} > {*READMES, *GUIDES, "docs/en/about.md"}
    for document, module, command in sorted(called):
        assert importlib.util.find_spec(module), f"{document} names {module}"
        if module == "proven":
            with pytest.raises(SystemExit) as end:
                cli.main([command, "--help"])
            assert end.value.code == 0, f"{document} names {command}"


@every_document
def test_every_file_and_folder_is_there(document: str) -> None:
    text, here = read(document), (PROJECT / document).parent
    named = {name.rstrip("/") for name in names(text) if PATH.fullmatch(name)}
    assert len(named) >= 8
    for name in named:
        if any(name == made or name.startswith(f"{made}/") for made in MADE):
            continue
        assert list(PROJECT.glob(re.sub(r"<.*?>", "*", name))), f"{document} names {name}"
    for link in re.findall(r"\]\(([^):]+)\)", text):
        assert (here / link).is_file(), f"{document} links to {link}"


def test_every_module_of_the_engine_has_its_place() -> None:
    modules = {path.relative_to(PROJECT).as_posix() for path in PROJECT.glob("proven/**/[!_]*.py")}
    assert len(modules) > 40
    assert sorted(modules - set(names(read(DESIGN)))) == []


@pytest.mark.parametrize(("english", "chinese"), [READMES, GUIDES])
def test_both_languages_have_the_same_parts_with_the_same_commands(
    english: str, chinese: str
) -> None:
    one, two = read(english), read(chinese)
    assert re.search(rf"\]\({chinese}\)", one)
    assert re.search(rf"\]\({english}\)", two)
    assert len(parts(one)) > 5
    assert parts(one) == parts(two)


def test_every_direct_dependency_has_its_reason() -> None:
    pinned = [
        match[0].lower()
        for path in sorted(PROJECT.glob("requirements*.txt"))
        for line in path.read_text("utf-8").splitlines()
        if (match := re.match(r"[\w-]+(?===)", line))
    ]
    pinned += json.loads(read("package.json"))["dependencies"]
    assert len(pinned) > 20
    table = read(DESIGN).split("\n## Dependencies\n")[1]
    rows = re.findall(r"^\| (.*?) \| (.*) \|$", table, re.MULTILINE)[1:]
    assert all(reason.strip() for _, reason in rows)
    told = [name for cell, _ in rows for name in re.sub(r" \(.*?\)", "", cell).split(", ")]
    assert sorted(told) == sorted(set(told))
    for name in pinned:
        assert any(fnmatch(name, pattern.lower()) for pattern in told), f"no reason for {name}"
    for pattern in told:
        assert any(fnmatch(name, pattern.lower()) for name in pinned), f"{pattern} is no dependency"


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


def test_the_design_names_the_claims_whose_records_no_longer_count() -> None:
    project = read_project(read_settings(PROJECT))
    now = {claim.name: claim.sha256 for claim in project.claims.values()}
    lost = {
        name
        for record in project.records
        for name, sha256 in record.claims.items()
        if now.get(name) != sha256
    }
    waiting = (
        read(DESIGN).partition("## What waits for a machine with a GPU")[2].partition("## ")[0]
    )
    told = next(item for item in waiting.split("\n- ") if item.startswith("the claims that"))
    assert set(names(told)) - {"make gpu"} == lost
