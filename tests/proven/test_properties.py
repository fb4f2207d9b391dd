"""What holds for all scripts, pages, records and claims, tried with ones that Hypothesis makes up."""

import ast
import io
import json
import tokenize
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from datetime import date
from html import escape
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown import Markdown

from proven.cells import Outcome, Raised
from proven.claims import read_claims
from proven.pages import Page, read_page, read_pages
from proven.problems import CONTROL, Problem, ProjectError
from proven.prose import Dialect, pieces
from proven.records import Record, read_records, write_record
from proven.scripts import HAN, Section, Snippet, localise, read_section, text_hash
from proven.settings import Settings
from proven.svg import clean
from proven.words import Words
from proven.worker import Machine

# the same examples in every run: a red test is red because of a change
settings.register_profile("same", derandomize=True, deadline=None, database=None)
settings.load_profile("same")

T = TypeVar("T")
NAMES = st.from_regex(r"[a-z0-9]{1,5}(-[a-z0-9]{1,5}){0,2}", fullmatch=True)
# characters that mean something to one of the parsers, among ordinary ones of both languages
LETTERS = st.sampled_from("ab中文é😀09 #|`'\"\\{}()[]<>*_-=:!%.,。，\t")
LINES = st.text(LETTERS, max_size=20)
ANY = st.text(max_size=60)
WRITTEN = ("en", "zh")


def soup(*pieces: str) -> st.SearchStrategy[str]:
    """Text that is put together from pieces that matter, and from arbitrary ones."""
    return st.lists(st.one_of(st.sampled_from(pieces), LINES, ANY), max_size=12).map("".join)


def attempt(read: Callable[..., T], *arguments: Any) -> T | None:
    """Read something; None if it is refused with the places of all that is wrong."""
    try:
        return read(*arguments)
    except ProjectError as error:
        wrong = error.problems
    assert placed(wrong)
    return None


def placed(problems: Iterable[Problem]) -> bool:
    """Whether there are problems, and each has a place."""
    return bool(problems) and all(problem.places for problem in problems)


def settings_of(folder: Path) -> Settings:
    """The settings of a project whose sections, tests and pages all lie in one folder."""
    devices = {"cuda": {"module": "none", "count": "0"}}
    return Settings(
        folder,
        "made-up",
        ("zh", "en"),
        WRITTEN,
        devices=devices,
        sections=".",
        tests=".",
        docs=".",
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all examples of a test write to."""
    return tmp_path_factory.mktemp("properties")


# --- section scripts


STATEMENTS = st.one_of(
    LINES.map(lambda text: f"# {text}".rstrip()),
    LINES.map(lambda text: f"x = {text!r}"),
    LINES.map(lambda text: f"x = 1  # {text}".rstrip()),
    st.tuples(LINES, LINES).map(lambda two: f"x = {two[0]!r}  # {two[1]}".rstrip()),
    st.tuples(LINES, LINES).map(lambda two: f"x = (\n    {two[0]!r},  # {two[1]}\n)"),
    LINES.map(lambda text: f'x = f"{{1}} # | {{2}}" + {text!r}'),
    st.sampled_from(
        [
            'text = """\n# one | 一\n\n  two # | 二\n"""',
            "def f(a, b=1):  # does | 做\n    # inside | 里面\n\n    return a",
            "if x:\n    pass\nelse:  # or | 否则\n    x = 2",
            "x = 1 + \\\n    2  # sum | 和",
            "# !ls\n# %load a | 甲",
            "# +\nx = 1\n# -",
            "class A:\n\n\n    y: int = 3  # | \n",
            'x = r"\\ # |"; y = "中文 | # x"',
        ]
    ),
)
SOURCES = (
    st.lists(st.one_of(STATEMENTS, st.just("")), min_size=1, max_size=5)
    .map(lambda parts: "\n".join(parts).strip("\n"))
    .filter(lambda source: bool(ast.parse(source).body) and "# %%" not in source)
)
CELLS = st.builds(
    lambda devices, **fields: Snippet(kind="cuda" if devices else "", devices=devices, **fields),
    name=NAMES.map("part.{}".format),
    source=SOURCES,
    line=st.just(0),
    devices=st.integers(0, 12),
    raises=st.sampled_from([(), ("TypeError",), ("Mine", "Ä")]),
    fold=st.sampled_from([None, "code", "output"]),
)


def written(cells: list[Snippet], blanks: int) -> tuple[str, list[Snippet]]:
    """A script with these cells, and the cells with their lines."""
    text, there = "", []
    for cell in cells:
        text += f"# %% {cell.name.removeprefix('part.')}"
        text += f' needs="cuda:{cell.devices}"' if cell.devices else ""
        text += f' raises="{", ".join(cell.raises)}"' if cell.raises else ""
        text += f' fold="{cell.fold}"' if cell.fold else ""
        text += "\n" * (blanks + 1)
        there.append(Snippet(**{**asdict(cell), "line": text.count("\n") + 1}))
        text += cell.source + "\n" * (blanks + 1)
    return text, there


def read(folder: Path, text: str) -> Section | None:
    """Read a script; None if it is refused."""
    (folder / "part.py").write_bytes(text.encode("utf-8", "surrogatepass"))
    return attempt(read_section, folder / "part.py", settings_of(folder))


@given(st.lists(CELLS, min_size=1, max_size=4, unique_by=lambda cell: cell.name), st.integers(0, 3))
def test_a_script_is_read_as_it_was_written(
    folder: Path, cells: list[Snippet], blanks: int
) -> None:
    text, there = written(cells, blanks)
    section = read(folder, text)
    assert section
    assert list(section.snippets) == there


@st.composite
def cut(draw: st.DrawFn) -> str:
    """Python with markers at arbitrary lines, as between the halves of a statement."""
    lines = draw(SOURCES).split("\n")
    for number in draw(st.lists(st.integers(0, len(lines)), max_size=3)):
        lines.insert(number, f"# %% {draw(NAMES)}")
    return "\n".join(["# %% first", *lines])


JUNK = soup(
    "# %%",
    "# %% ",
    "# %% one\n",
    '# %% two needs="cuda:1"\n',
    "# %% three raises=",
    "# %% [markdown]\n",
    'fold="code"',
    "# -*- coding: ascii -*-\n",
    "x = 1\n",
    "if x:\n",
    "    x\n",
    '"""\n',
    "(\n",
    ")\n",
    "\n",
    "\r",
    "\ufeff",
    "\x00",
    "\ud800",
)


@pytest.mark.filterwarnings("ignore:.*invalid escape")
@given(st.one_of(JUNK, cut()))
@settings(max_examples=400)
def test_any_text_is_a_script_of_cells_that_stand_alone_or_is_refused(
    folder: Path, text: str
) -> None:
    section = read(folder, text)
    for snippet in section.snippets if section else ():
        ast.parse(snippet.source)
        localise(snippet.source, "zh", WRITTEN)
        assert all(error.isidentifier() for error in snippet.raises)
        lines = snippet.source.split("\n")
        there = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        assert there[snippet.line - 1 :][: len(lines)] == lines


# --- comments


def tokens(source: str) -> list[tokenize.TokenInfo]:
    return list(tokenize.generate_tokens(io.StringIO(source).readline))


@given(SOURCES)
@settings(max_examples=200)
def test_a_language_changes_comments_and_nothing_else(source: str) -> None:
    before = tokens(source)
    for language in ("zh", "en"):
        after = tokens(localise(source, language, WRITTEN))
        assert len(before) == len(after)
        for old, new in zip(before, after, strict=True):
            assert new.type == old.type
            halves = " | " in old.string and HAN.search(old.string)
            if old.type != tokenize.COMMENT or not halves:
                assert new.string == old.string
                continue
            assert new.start == old.start
            parts = dict(zip(WRITTEN, old.string.removeprefix("#").split(" | ", 1), strict=True))
            wanted = f"# {parts[language].strip()}".rstrip()
            assert new.string == wanted


@given(SOURCES)
def test_each_language_is_left_alone_once_it_is_there(source: str) -> None:
    plain = source.replace(" | ", " ")
    assert localise(plain, "zh", WRITTEN) == localise(plain, "en", WRITTEN) == plain


# --- pages


WORDS = st.text(st.sampled_from("abc中文 (*_"), min_size=1, max_size=12).map(
    lambda text: f"w{text.strip()}w"
)
MARKS = st.tuples(st.sampled_from("`~"), st.integers(3, 5)).map(lambda two: two[0] * two[1])


@st.composite
def blocks(draw: st.DrawFn) -> tuple[str, list[str], list[str]]:
    """A block of a page, with the snippets that it shows and the headings that it has."""
    kind = draw(st.sampled_from(["words", "heading", "snippet", "boxed", "shown"]))
    if kind == "words":
        return draw(WORDS), [], []
    name = draw(NAMES)
    if kind == "heading":
        return f"## {draw(WORDS)} {{#{name}}}", [], [name]
    marks, option = draw(MARKS), draw(st.sampled_from(["", ' alt="a figure with one line in it"']))
    fence = f"{marks}snippet{option}\npart.{name}\n{marks}"
    if kind == "snippet":
        return fence, [f"part.{name}"], []
    if kind == "boxed":
        inside = "\n".join(f"    {line}" for line in fence.split("\n"))
        return f'??? question "{draw(WORDS)}"\n\n{inside}', [f"part.{name}"], []
    longer = marks + marks[0]
    return f"{longer}text\n{fence}\n# no heading\n{longer}", [], []


def read_right(text: str) -> Page:
    """Read a page that is right."""
    page, problems = read_page(text, "index.md", "zh", "docs/zh/index.md")
    assert problems == []
    return page


def rendered(text: str) -> list[str]:
    """The snippets that superfences finds on a page, in order."""
    found: list[str] = []

    def show(source: str, *_: Any, **__: Any) -> str:
        found.append(source.strip())
        return f"<p>shown {len(found) - 1} shown</p>"

    def validate(language: str, inputs: dict[str, str], *_: Any) -> bool:
        return inputs.keys() <= {"alt"}

    fence = {"name": "snippet", "class": "snippet", "format": show, "validator": validate}
    page = Markdown(
        extensions=["attr_list", "pymdownx.details", "pymdownx.superfences"],
        extension_configs={"pymdownx.superfences": {"custom_fences": [fence]}},
    ).convert(text)
    # superfences takes the outer fences before those in boxes: the order is that of the page
    order = sorted(range(len(found)), key=lambda number: page.index(f"shown {number} shown"))
    return [found[number] for number in order]


# an id that two headings have is refused
@given(
    st.lists(blocks(), max_size=6, unique_by=lambda block: block[2][0] if block[2] else object())
)
def test_a_page_is_read_as_it_was_written_and_as_it_is_rendered(
    parts: list[tuple[str, list[str], list[str]]],
) -> None:
    text = "\n\n".join(part for part, _, _ in parts) + "\n"
    page = read_right(text)
    shown = [fence.body for fence in page.shown]
    assert shown == [name for _, names, _ in parts for name in names]
    assert [heading.id for heading in page.headings] == [n for _, _, names in parts for n in names]
    lines = text.split("\n")
    for fence in page.shown:
        assert "snippet" in lines[fence.line - 1]
        assert lines[fence.line].strip() == fence.body
    for heading in page.headings:
        assert f"{{#{heading.id}}}" in lines[heading.line - 1]
    assert shown == rendered(text)


PIECES = (
    "```snippet\n",
    "```",
    "~~~",
    "`#!claim ",
    "`",
    "# ",
    "{#a}",
    "\n",
    "    ",
    "\r",
    "part.one",
)


@given(soup(*PIECES), st.booleans())
@settings(max_examples=300)
def test_any_page_is_read_and_written_or_refused_with_its_place(
    folder: Path, text: str, broken: bool
) -> None:
    for language in ("zh", "en"):
        (folder / language).mkdir(exist_ok=True)
        data = text.encode("utf-8", "surrogatepass") + (b"\xff" if broken else b"")
        (folder / language / "index.md").write_bytes(data)
    pages, problems = read_pages(settings_of(folder))
    if problems:
        assert placed(problems)
        return
    assert not broken
    zh, en = (pages[language]["index.md"] for language in ("zh", "en"))
    assert zh.fences == en.fences
    assert [mark.sentence for mark in zh.marks] == [mark.sentence for mark in en.marks]
    plain = Dialect(lambda path, anchor: "", lambda latex, display: latex, lambda fence: "")
    assert [type(piece) for piece in pieces(zh, plain)].count(str) == len(zh.shown) + 1


# --- claims and their marks


IDENTIFIERS = st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True)
ENGLISH = st.tuples(
    st.lists(st.text(st.sampled_from("abcXY3`"), min_size=1, max_size=6), min_size=2, max_size=8),
    st.sampled_from(".!?"),
).map(lambda two: f"T{' '.join(two[0])}{two[1]}")
CHINESE = st.tuples(
    st.text(st.sampled_from("张量梯度层参数，`a1 "), min_size=1, max_size=20),
    st.sampled_from("。！？"),
).map(lambda two: f"层{' '.join(two[0].split())}层中{two[1]}")


def section(folder: Path) -> Section:
    """A section without snippets."""
    return Section("part", folder / "part.py", "part.py", (), "")


@given(st.lists(st.tuples(IDENTIFIERS, ENGLISH, CHINESE), max_size=4, unique_by=lambda row: row[0]))
def test_a_claim_is_read_as_it_was_written(folder: Path, rows: list[tuple[str, str, str]]) -> None:
    text, lines = "import math\n", []
    for name, english, chinese in rows:
        lines.append(text.count("\n") + 3)
        one = english.replace(" ", "\n    ", 1)  # a line may end anywhere
        two = chinese.replace("中", "\n    中")
        text += f'\n\ndef test_{name}() -> None:\n    """{one}\n\n    {two}\n    """\n'
        text += "    assert True\n"
    (folder / "test_part.py").write_text(text, encoding="utf-8")
    found, problems = read_claims(settings_of(folder), {"part": section(folder)})
    assert problems == []
    assert [(c.name, c.line, c.words) for c in found.values()] == [
        (name, line, {"en": english, "zh": chinese})
        for (name, english, chinese), line in zip(rows, lines, strict=True)
    ]


@given(
    soup(
        "def test_a() -> None:\n",
        "@pytest.mark.gpu(1)\n",
        '    """One.\n\n    一。\n    """\n',
        "    assert True\n",
        "\x00",
        "(",
        "\n",
    ),
    st.booleans(),
)
@settings(max_examples=200)
def test_any_text_holds_claims_or_is_refused(folder: Path, text: str, broken: bool) -> None:
    data = text.encode("utf-8", "surrogatepass") + (b"\xff" if broken else b"")
    (folder / "test_part.py").write_bytes(data)
    found, problems = read_claims(settings_of(folder), {"part": section(folder)})
    assert placed(problems) or not (problems or broken)
    assert all(claim.name == "a" and claim.words for claim in found.values())


@given(st.lists(st.tuples(IDENTIFIERS, ENGLISH, CHINESE), min_size=1, max_size=4))
def test_a_mark_is_read_with_its_sentence_and_as_it_is_rendered(
    rows: list[tuple[str, str, str]],
) -> None:
    def render(source: str, *_: Any) -> str:
        seen.append(source.strip())
        return ""

    options = {"custom_inline": [{"name": "claim", "class": "claim", "format": render}]}
    converter = Markdown(
        extensions=["pymdownx.inlinehilite"],
        extension_configs={"pymdownx.inlinehilite": options},
    )
    for language, between in (("en", " "), ("zh", "")):
        sentences = [
            (english if language == "en" else chinese).replace("`", "")
            for _, english, chinese in rows
        ]
        names = [name for name, _, _ in rows]
        text = "one\n\n" + between.join(
            f"{sentence}`#!claim {name}`" for sentence, name in zip(sentences, names, strict=True)
        )
        page = read_right(text)
        assert [(m.claim, m.sentence, m.place) for m in page.marks] == [
            (name, sentence, "docs/zh/index.md:3")
            for name, sentence in zip(names, sentences, strict=True)
        ]
        seen: list[str] = []
        converter.reset()
        converter.convert(text)
        assert seen == names


# --- records


# what a page can show, and what a machine can be called
TOLD = ANY.map(lambda text: CONTROL.sub("", text).replace("\r", ""))
CALLED = TOLD.map(lambda text: text.replace("\n", ""))
SCRIPT = b"x = 1\n"


def drawn(text: str) -> str:
    """A figure with these words."""
    svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><text>{}</text></svg>'
    return clean(svg.format(escape(text)))


def possible(outcome: Outcome) -> Outcome:
    """The outcome with errors that came where there was output."""
    after = sorted(min(error.after, len(outcome.output)) for error in outcome.errors)
    errors = tuple(replace(e, after=n) for e, n in zip(outcome.errors, after, strict=True))
    return replace(outcome, errors=errors, state="raised" if errors else "ran")


OUTCOMES = st.builds(
    Outcome,
    name=NAMES.map("part.{}".format),
    state=st.just("ran"),
    output=TOLD,
    errors=st.lists(
        st.builds(
            Raised,
            text=TOLD.map("Error: {}".format),
            line=st.integers(1, 99),
            after=st.integers(0, 9),
        ),
        max_size=3,
    ).map(tuple),
    figures=st.lists(TOLD.map(drawn), max_size=2).map(tuple),
    seconds=st.integers(0, 99_999).map(lambda thousandths: thousandths / 1000),
    had=st.integers(0, 8),
).map(possible)
RECORDS = st.builds(
    Record,
    section=st.just("part"),
    files=st.just({"./part.py": text_hash(SCRIPT)}),
    machine=st.builds(
        Machine,
        versions=st.dictionaries(IDENTIFIERS, CALLED, max_size=3),
        python=CALLED,
        platform=CALLED,
        devices=st.lists(CALLED, min_size=1, max_size=3).map(tuple),
    ),
    date=st.dates(max_value=date(2026, 1, 1)).map(str),
    commit=st.none() | CALLED,
    outcomes=st.lists(OUTCOMES, max_size=3).map(lambda rows: {row.name: row for row in rows}),
    claims=st.dictionaries(IDENTIFIERS, CALLED, max_size=2),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | ANY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY, inner, max_size=3),
    max_leaves=6,
)


def read_again(folder: Path, *known: Record) -> tuple[Record, ...] | None:
    """Read all records of the folder and remove them; None if one is refused."""
    for record in known:
        (folder / f"{record.section}.py").write_bytes(SCRIPT)
    sections = {
        record.section: replace(
            section(folder),
            name=record.section,
            snippets=tuple(
                Snippet(name, "x", 1, "cuda", 1, ("Error",) * len(outcome.errors))
                for name, outcome in record.outcomes.items()
            ),
        )
        for record in known
    }
    found, problems = read_records(settings_of(folder), sections)
    for path in (folder / "records").glob("*"):
        path.unlink()
    if problems:
        assert placed(problems)
        return None
    return found


@given(RECORDS)
def test_a_record_is_read_as_it_was_written(folder: Path, record: Record) -> None:
    write_record(folder / "records", record)
    assert read_again(folder, record) == (record,)


@given(RECORDS, JSON, st.data())
@settings(max_examples=100)
def test_a_changed_record_can_still_be_shown_or_is_refused(
    folder: Path, record: Record, other: Any, data: st.DataObject
) -> None:
    path = write_record(folder / "records", record)
    whole = [json.loads(path.read_text("utf-8"))]
    here: Any = whole
    while True:  # down to any part of it, which becomes anything else
        key = data.draw(st.sampled_from(list(here) if isinstance(here, dict) else range(len(here))))
        if not isinstance(here[key], dict | list) or not here[key] or data.draw(st.booleans()):
            break
        here = here[key]
    here[key] = other
    path.write_text(json.dumps(whole[0]), encoding="utf-8")
    other_one = replace(
        record, section="another", outcomes={}, files={"./another.py": text_hash(SCRIPT)}
    )
    write_record(folder / "records", other_one)
    for one in read_again(folder, record, other_one) or ():
        write_record(folder / "records", one)
        assert Words(settings_of(folder), "zh").recorded(one)
        assert read_again(folder, one) == (one,)
