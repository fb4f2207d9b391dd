"""Reads the pages: the one reading of their Markdown, which checks and all writers share.

A page is a sequence of parts. Inside of headings and prose, `Inline` holds the tokens of markdown-it.
"""

import posixpath
import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import groupby, starmap
from typing import Any
from urllib.parse import unquote

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode
from mdit_py_plugins.admon import admon_plugin
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.front_matter import front_matter_plugin

from proven.problems import Problem, ProjectError, decode, did_you_mean, read
from proven.settings import Settings

# nodes that become parts of their own; the others are prose
SPECIAL, NOTES = ("fence", "heading", "admonition"), "footnote_block"
# What a fence may hold: code is never written on a page.
FENCES = (
    "snippet", "claims", "counts", "entries", "error", "exceptions", "summary", "options",
    "downloads", "notebook", "math", "sh", "text",
)  # fmt: skip
# Words at a heading: what it begins is closed at first, is no part of what is to be read, or is about a mistake
# that raises no error.
KINDS = ("depth", "exercises", "summary", "silent")
# what Markdown makes of lines and of words, by the types of markdown-it; headings are parts of their own
BLOCKS = {
    "bullet_list": "ul", "ordered_list": "ol", "list_item": "li", "table": "table", "tr": "tr",
    "blockquote": "blockquote", "hr": "hr", "dl": "dl", "dt": "dt", "dd": "dd",
    "h1": "h1", "h2": "h2", "h3": "h3", "h4": "h4", "h5": "h5", "h6": "h6",
}  # fmt: skip
WORDS = {
    "strong_open": "strong", "em_open": "strong", "link_open": "a", "image": "img", "hardbreak": "br",
    "code_inline": "code", "footnote_ref": "sup",
}  # fmt: skip
OPTION = re.compile(r'([\w-]+)="([^"]*)"|(\S+)')
ATTRIBUTES, ID = re.compile(r"\{:?([^{}]*)\}"), re.compile(r"#([\w-]+)")
MARK = re.compile(r"#!claim\s+\w+\s*")
HTML_ID = re.compile(r"""\bid=["']?([\w-]+)""")
NOTE = re.compile(r"^ {0,3}\[\^([^\]\s]+)\]:")
HEADING_ID = re.compile(r"\{:?\s*#([\w-]+)([^{}]*)\}\s*$")
LONGEST_LINE = 5000  # characters
MOST_BEGUN = 1500  # characters of a paragraph that may begin a link, HTML or emphasis
TOO_DEEP = "something on the page is nested too deeply to be read", "make it flat"
FRONT_MATTER = re.compile(r"\A---.*?^---[^\n]*\n", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Inline:
    """A run of text: its first line, its Markdown without indentation or quotation marks, and the tokens of this."""

    line: int
    content: str
    tokens: tuple[Token, ...]

    @cached_property
    def spans(self) -> tuple[tuple[int, str, Token], ...]:
        """The tokens, each with its line and with the sentence that it ends."""
        found = []
        line, before, position = self.line, "", 0
        for token in self.tokens:
            mark = token.content.startswith("#!claim")
            found.append((line, _last_sentence(before) if mark else "", token))
            # code may run over a line; its content does not tell
            if token.type == "code_inline" and "\n" in self.content:
                there = re.escape(token.content).replace(r"\ ", r"[ \n]")
                if code := re.compile(there).search(self.content, position):
                    line, position = line + code[0].count("\n"), code.end()
            if token.type in ("softbreak", "hardbreak"):
                line += 1
                before += " "
            elif token.type == "code_inline" and not mark:
                before += f"`{token.content}`"
            elif not mark:
                before += token.content
        return tuple(found)


@dataclass(frozen=True)
class Heading:
    """A heading: its level, its id if it has one, its text without the id, and the word beside the id."""

    line: int
    level: int
    id: str
    text: Inline
    kind: str = ""
    odd: str = ""  # what stands beside the id and is nothing that can


@dataclass(frozen=True)
class Prose:
    """Lines of Markdown that hold no fence and no heading, the runs of text in them, and the lists and tables."""

    line: int
    lines: tuple[str, ...]
    inlines: tuple[Inline, ...]
    blocks: tuple[tuple[str, int], ...]  # as elements of HTML, each with its line


@dataclass(frozen=True)
class Fence:
    """A fence: the language behind its marks, its options, what stands in it."""

    line: int
    kind: str
    options: tuple[tuple[str, str], ...]
    body: str

    @property
    def name(self) -> str:
        """What it names, as most kinds do: a snippet, a section, a page."""
        return self.body.strip()

    @property
    def end(self) -> int:
        """The line that closes it."""
        return self.line + self.body.count("\n") + 2

    def option(self, name: str) -> str:
        """The value of an option; empty if it has none."""
        return dict(self.options).get(name, "")

    @property
    def moves(self) -> int:
        """How many columns of its table a reader sets; 0 if it shows no such table, -1 if it cannot be read."""
        option = self.option("moves") or "0"
        return int(option) if option.isdecimal() and len(option) < 9 else -1


@dataclass(frozen=True)
class Box:
    """A box with a title; `folded` tells whether it is closed at first."""

    line: int
    kind: str
    title: Inline
    folded: bool
    parts: tuple["Part", ...]


Part = Heading | Prose | Fence | Box
Wrong = Callable[[str, str, int], None]  # takes what is wrong, what to do about it, and the line


@dataclass(frozen=True)
class Mark:
    """A mark at the end of a sentence, naming the claim that proves it, with its place."""

    claim: str
    sentence: str
    place: str


@dataclass(frozen=True)
class Link:
    """A link or a picture: where it leads, as it is written, and its place."""

    target: str
    place: str
    picture: bool = False


@dataclass(frozen=True, eq=False)  # each is one of its own: to compare all that it holds takes long
class Page:
    """A page: its `path` is inside the folder of its language, its `place` inside the project."""

    path: str
    language: str
    place: str
    text: str
    meta: dict[str, Any]
    parts: tuple[Part, ...]

    def at(self, line: int) -> str:
        """A line of the page, as messages name it."""
        return f"{self.place}:{line}"

    def where(self, piece: str) -> str:
        """The first line in which a piece stands, as messages name it; the first of all if there is none."""
        text = self.text.lower()
        return self.at(text.count("\n", 0, max(0, text.find(piece.lower()))) + 1)

    @property
    def body(self) -> str:
        """Its Markdown without the front matter, as generators render it."""
        return FRONT_MATTER.sub("", self.text)

    @property
    def url(self) -> str:
        """Its address, from the home page of its language."""
        path = self.path.removesuffix(".md")
        home = path == "index" or path.endswith("/index")
        return path.removesuffix("index") if home else f"{path}/"

    @cached_property
    def stem(self) -> str:
        """The name of files that are made of the page, such as its notebook."""
        return self.path.removesuffix(".md").replace("/", "-")

    @cached_property
    def title(self) -> str:
        """The words of its first heading."""
        return plain_words(self.headings[0].text) if self.headings else self.stem

    @cached_property
    def headings(self) -> list[Heading]:
        """Its headings, in order."""
        return [part for part in walk(self.parts) if isinstance(part, Heading)]

    @property
    def has_notebook(self) -> bool:
        """Whether its code is there as a script and a notebook: if it shows any, unless it declines."""
        return bool(self.shown) and self.meta.get("notebook") is not False

    @cached_property
    def shown(self) -> list[Fence]:
        """The fences that show a snippet, in order."""
        return [fence for fence in self.fences if fence.kind == "snippet"]

    @cached_property
    def errors(self) -> list[tuple[str, int]]:
        """The errors that its index lists: the snippet that shows each, and which of its errors it is."""
        return [error_of(fence.body) for fence in self.fences if fence.kind == "error"]

    @property
    def is_section(self) -> bool:
        """Whether it is a section of the chapter: it has a summary."""
        return any(heading.kind == "summary" for heading in self.headings)

    @cached_property
    def fences(self) -> list[Fence]:
        """All its fences, in order."""
        return [part for part in walk(self.parts) if isinstance(part, Fence)]

    @cached_property
    def inlines(self) -> list[Inline]:
        """All its runs of text, in order."""
        return list(inlines_of(self.parts))

    @cached_property
    def marks(self) -> list[Mark]:
        """Its marks of claims, in order."""
        return list(starmap(Mark, self._coded("#!claim")))

    @cached_property
    def formulas(self) -> list[tuple[str, str]]:
        """The formulas in its lines, in order, with their places."""
        return [(latex, place) for latex, _, place in self._coded("#!math")]

    def _coded(self, language: str) -> Iterator[tuple[str, str, str]]:
        for inline in self.inlines:
            for line, sentence, token in inline.spans:
                if token.type == "code_inline" and token.content.startswith(language):
                    yield token.content.removeprefix(language).strip(), sentence, self.at(line)

    @cached_property
    def links(self) -> list[Link]:
        """Its links and pictures, in order; what snippets draw is not among them."""
        return [
            Link(str(token.attrs[key]), self.at(line), key == "src")
            for inline in self.inlines
            for line, _, token in inline.spans
            if (key := {"link_open": "href", "image": "src"}.get(token.type, ""))
        ]

    @cached_property
    def elements(self) -> list[tuple[str, str, str]]:
        """What Markdown makes of it, lists and tables before bold words and links: kind, text so far known, place."""
        found = []
        for part in walk(self.parts):
            if isinstance(part, Heading):
                found.append((f"h{part.level}", plain_words(part.text), self.at(part.line)))
            elif isinstance(part, Prose):
                found += [(kind, "", self.at(line)) for kind, line in part.blocks]
        for inline in self.inlines:
            texts = [token.content for _, _, token in inline.spans]
            for (line, _, token), after in zip(inline.spans, [*texts[1:], ""], strict=True):
                if token.type in WORDS and not token.content.startswith("#!"):
                    found.append((WORDS[token.type], token.content or after, self.at(line)))
        return found

    @cached_property
    def ids(self) -> list[tuple[str, str]]:
        """The ids that its Markdown gives, besides those of snippets and claims, with their places."""
        found = [(heading.id, self.at(heading.line)) for heading in self.headings if heading.id]
        for part in walk(self.parts):
            if isinstance(part, Prose):
                for number, line in enumerate(part.lines, part.line):
                    plain = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", line)
                    first = filter(None, map(ID.search, ATTRIBUTES.findall(plain)))
                    names = [*(id[1] for id in first), *HTML_ID.findall(plain)]
                    found += [(name, self.at(number)) for name in names]
        return found


def walk(parts: tuple[Part, ...]) -> Iterator[Part]:
    """All parts, also those inside of boxes, in the order of the page."""
    for part in parts:
        yield part
        if isinstance(part, Box):
            yield from walk(part.parts)


def inlines_of(parts: tuple[Part, ...]) -> Iterator[Inline]:
    """All runs of text of the parts, in the order of the page."""
    for part in walk(parts):
        if isinstance(part, Prose):
            yield from part.inlines
        elif isinstance(part, Heading):
            yield part.text
        elif isinstance(part, Box):
            yield part.title


def _last_sentence(text: str) -> str:
    """The last sentence of a text; a sentence is taken to end at a full stop."""
    end = len(text.rstrip().rstrip(".!?。！？”」)）*"))
    before = re.split(r"[.?!] |[。！？|]", text[:end])
    return (before[-1] + text[end:]).strip(" -|>*")


def plain_words(inline: Inline) -> str:
    """The words of a text without their marks."""
    return "".join(
        " " if token.type.endswith("break") else token.content for token in inline.tokens
    )


def read_pages(settings: Settings) -> tuple[dict[str, dict[str, Page]], list[Problem]]:
    """For each language its pages by their path; and what is wrong with single pages."""
    pages: dict[str, dict[str, Page]] = {}
    problems: list[Problem] = []
    for language in settings.languages:
        folder = settings.project / settings.docs / language
        pages[language] = {}
        for path in sorted(folder.rglob("*.md")):
            name = path.relative_to(folder).as_posix()
            if f"/{name}".count("/."):  # as in .ipynb_checkpoints: MkDocs leaves it out, too
                continue
            place = f"{settings.docs}/{language}/{name}"
            try:
                page, wrong = read_page(decode(read(path, place), place), name, language, place)
                pages[language][name] = page
                problems += wrong
                if not page.headings:
                    advice = "begin it with a heading: # Title {#title}"
                    problems.append(Problem("the page has no title", advice, (page.at(1),)))
            except ProjectError as error:
                problems += error.problems
            except RecursionError:
                problems.append(Problem(*TOO_DEEP, (f"{place}:1",)))
        for name, page in pages[language].items():
            if any(fence.kind == "summary" for fence in page.fences):
                text = _with_summaries(page, pages[language])
                pages[language][name], wrong = read_page(text, name, language, page.place)
                problems += [problem for problem in wrong if problem not in problems]
    return pages, problems


def _with_summaries(page: Page, pages: dict[str, Page]) -> str:
    """The text of a page, with the summary of another one in the place of each fence that names it."""
    lines = page.text.split("\n")
    for fence in reversed([fence for fence in page.fences if fence.kind == "summary"]):
        if fence.name in pages and pages[fence.name].is_section:
            lines[fence.line - 1 : fence.end] = _summary_of(pages[fence.name]).split("\n")
    return "\n".join(lines)


def _summary_of(page: Page) -> str:
    """The Markdown of a page's summary, as another page in the same folder can show it."""
    begin = next(heading for heading in page.headings if heading.kind == "summary")
    ends = [h.line - 1 for h in page.headings if h.line > begin.line and h.level <= begin.level]
    text = "\n".join(page.text.split("\n")[begin.line : min(ends, default=None)])
    return text.strip("\n").replace("](#", f"]({page.path}#")


@lru_cache(maxsize=256)
def read_page(text: str, path: str, language: str, place: str) -> tuple[Page, list[Problem]]:
    """Read the Markdown of one page; its `path` is inside the folder of its language, its `place` inside the project."""
    problems: list[Problem] = []

    def wrong(what: str, advice: str, line: int) -> None:
        problems.append(Problem(what, advice, (f"{place}:{line}",)))

    text = text.replace("\0", "\ufffd")  # as CommonMark does, so that lines and tokens agree
    begun, fenced = 0, False
    for number, line in enumerate(text.split("\n"), 1):
        fenced ^= bool(re.match(r"\s*(```|~~~)", line))
        row = fenced or not line.strip() or line.startswith("|")  # of code, or of a table
        begun = 0 if row else begun + sum(map(line.count, "[<*_"))
        if len(line) > LONGEST_LINE or begun > MOST_BEGUN:
            what = "the line, or the paragraph, is so long or begins so much that Markdown takes minutes for it"
            raise ProjectError(Problem(what, "break it up", (f"{place}:{number}",)))
    tokens = _parser().parse(text)
    meta: dict[str, Any] = {}
    if tokens and tokens[0].type == "front_matter":
        try:
            meta = yaml.safe_load(tokens.pop(0).content) or {}
            if not isinstance(meta, dict):
                raise ValueError("it is no mapping")
        # of a value with a tag, PyYAML tells in many ways that it is none
        except (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError) as error:
            meta = {}
            advice = "write it as description: …, with quotes around a text that has a colon in it"
            wrong(f"the front matter is no YAML: {error}", advice, 1)
    elif re.match(r"\s+---\n", text):
        wrong("the front matter does not begin in line 1", "remove what stands before it", 1)
    parts = tuple(_parts(SyntaxTreeNode(tokens).children, text.split("\n"), wrong))
    page = Page(path, language, place, text, meta, parts)
    for heading in page.headings:
        if not heading.id:
            advice = "give it the id that the other languages have: ## Title {#id}"
            wrong(f"the heading {heading.text.content!r} has no id", advice, heading.line)
        elif odd := heading.odd:
            advice = f"write .{odd} if it is the word: {{#{heading.id} .{odd}}}"
            wrong(f"nothing reads {odd!r} beside the id of a heading", advice, heading.line)
        if heading.kind and heading.kind not in KINDS:
            advice = f"the words that can stand beside an id are .{', .'.join(KINDS)}"
            wrong(f"nothing knows what .{heading.kind} means at a heading", advice, heading.line)
    for inline in page.inlines:
        _check_inline(inline, wrong)
    for what, at in _wrong_notes(page):
        wrong(what, "let each footnote have one [^name]: text, and a [^name] where it belongs", at)
    first: dict[str, str] = {}
    for id, where in page.ids:
        if first.setdefault(id, where) is not where:
            advice, what = "choose another", f"the page has the id {id!r} twice"
            problems.append(Problem(what, advice, (where, first[id])))
    return page, problems


def _wrong_notes(page: Page) -> Iterator[tuple[str, int]]:
    """Footnotes that generators and CommonMark would show otherwise: one without its text, or with two, or unused."""
    texts, used = dict[str, int](), set[str]()
    code = {n for fence in page.fences for n in range(fence.line, fence.end)}
    for number, row in enumerate(page.text.split("\n"), 1):
        for name in NOTE.findall(row) if number not in code else ():
            if texts.setdefault(name, number) != number:
                yield f"the footnote {name!r} has two texts", number
    for inline in page.inlines:
        for line, _, token in inline.spans:
            if token.type == "footnote_ref":
                used.add(token.meta["label"])
            elif token.type == "text" and (missing := re.search(r"\[\^[^\]\s]+\]", token.content)):
                yield f"{missing[0]} has no text", line
    yield from (
        (f"nothing names the footnote {name!r}", n) for name, n in texts.items() if name not in used
    )


def _check_inline(inline: Inline, wrong: Wrong) -> None:
    if unread := re.match(r"(#{1,6})[^\s#].*\{:?\s*#", inline.content):
        wrong("a heading has no space behind its #", f"write {unread[1]} and a space", inline.line)
    if re.match(r"```+ *\w", inline.content):
        advice = "leave it out of alt, and all else of the fence's first line"
        wrong("a backtick in its first line keeps a fence from being one", advice, inline.line)
    before = ["", ""]
    for line, _, token in inline.spans:
        code = token.type == "code_inline"
        text = token.content if token.type in ("text", "code_inline") else " "
        marks = [told.startswith("#!claim") for told in (*before, text)]
        if marks[1] and re.match(r"[.,;:!?，。；：！？、]", text):
            wrong("a mark stands before the end of its sentence", "move it behind the stop", line)
        elif marks[2] and before[1].endswith(" ") and not (marks[0] and before[1] == " "):
            wrong("a space stands before a mark", "let it follow the stop directly", line)
        before = [before[1], text]
        language = re.match(r"#!([\w-]*)", token.content) if code else None
        if language and language[1] == "claim":
            unreadable = not MARK.fullmatch(token.content)
        else:
            unreadable = not code and "#!claim" in token.content
        if unreadable:
            advice = "leave a space between it and code beside it"
            wrong("a mark cannot be read", advice, line)
        elif language and language[1] not in ("claim", "math"):
            advice = "write it as a word of the text, between plain backticks"
            near = [f"`#!{known}`" for known in ("claim", "math")]
            advice = did_you_mean(f"`#!{language[1]}`", near, advice)
            if not language[1]:
                advice = "write `#!claim name`, without a space behind #!"
            wrong(f"code of the language {language[1]!r} is run by nothing", advice, line)


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True}).enable("table").disable("text_join")
    for plugin in (admon_plugin, deflist_plugin, footnote_plugin, front_matter_plugin):
        parser.use(plugin)
    return parser.disable("footnote_inline")  # Python-Markdown knows none


def _parts(nodes: list[SyntaxTreeNode], lines: list[str], wrong: Wrong) -> Iterator[Part]:
    """Read the nodes of a page, or of a box, as its parts."""
    for special, group in groupby(nodes, lambda node: node.type in (*SPECIAL, NOTES)):
        some = list(group)
        if not special:
            yield _prose(some, lines, wrong)
            continue
        for node in some:
            if node.type == NOTES:  # of lines that stand anywhere on the page
                yield from (
                    _prose([note], lines, wrong) for note in sorted(node.children, key=_first_line)
                )
            elif node.type == "fence":
                yield _fence(node, wrong)
            elif node.type == "heading":
                yield _heading(node)
            else:
                yield _box(node, lines, wrong)


def _line(node: SyntaxTreeNode) -> int:
    return node.map[0] + 1 if node.map else 1


def _first_line(node: SyntaxTreeNode) -> int:
    return min((inner.map[0] for inner in node.walk() if inner.map), default=0)


def _inline(node: SyntaxTreeNode, token: Token | None = None) -> Inline:
    token = token or node.token
    assert token
    return Inline(_line(node), token.content, tuple(token.children or ()))


def _prose(nodes: list[SyntaxTreeNode], lines: list[str], wrong: Wrong) -> Prose:
    inside = [inner for node in nodes for inner in node.walk()]
    for inner in inside:
        if inner.type in SPECIAL:
            what = f"a {inner.type} stands in a list or a quotation"
            wrong(what, "let it stand at the start of a line, or of a box", _line(inner))
        elif inner.type == "code_block":
            advice = "code lives in a section script; a box begins with !!! or ???; indent other text by at most 3 spaces"
            wrong("an indented block is run by nothing", advice, _line(inner))
    places = [inner.map for inner in inside if inner.map]
    start, end = min(place[0] for place in places), max(place[1] for place in places)
    text = textwrap.dedent("\n".join(lines[start:end])).rstrip()
    inlines = [_inline(inner) for inner in inside if inner.type == "inline"]
    blocks = [(BLOCKS[inner.type], _line(inner)) for inner in inside if inner.type in BLOCKS]
    return Prose(start + 1, tuple(text.split("\n")), tuple(inlines), tuple(blocks))


def _heading(node: SyntaxTreeNode) -> Heading:
    text = node.children[0].content
    id = HEADING_ID.search(text)
    [token] = _parser().parseInline(text[: id.start()].rstrip() if id else text)
    word = re.search(r"\.([\w-]+)", id[2]) if id else None
    words, kind = _inline(node.children[0], token), word[1] if word else ""
    odd = re.sub(r"\.[\w-]+|[\w-]+=(\"[^\"]*\"|\S*)", "", id[2]).strip() if id else ""
    return Heading(_line(node), int(node.tag[1]), id[1] if id else "", words, kind, odd)


def _box(node: SyntaxTreeNode, lines: list[str], wrong: Wrong) -> Box:
    kind = str(node.meta["tag"])
    if not any(child.type == "admonition_title" for child in node.children):
        advice = 'write it in quotes behind the kind: !!! tip "Title"'
        wrong("the box has no title", advice, _line(node))
        return Box(_line(node), kind, Inline(_line(node), "", ()), False, ())
    title, *inside = node.children
    parts = tuple(_parts(inside, lines, wrong))
    if not parts:
        wrong("the box is empty", "indent what belongs to it by four spaces", _line(node))
    words, folded = _inline(title.children[0]), node.markup == "???"
    return Box(_line(node), kind, words, folded, parts)


def _fence(node: SyntaxTreeNode, wrong: Wrong) -> Fence:
    line, token = _line(node), node.token
    assert token
    assert token.map
    rows = token.content.count("\n") + (token.content[-1:] not in ("", "\n"))
    closed = token.map[1] - token.map[0] == rows + 2  # the last line may only look like an end
    kind, _, rest = token.info.strip().partition(" ")
    options = []
    swallowed = re.search(rf"^ *{re.escape(token.markup)}\S", token.content, re.MULTILINE)
    if not kind:
        advice = f"name one of {', '.join(FENCES)}, or open the fence above that this one closes"
        wrong("a fence has no language", advice, line)
    elif not closed or (swallowed and kind != "text"):
        wrong("the fence is never closed", f"close it: a line with {token.markup}", line)
    elif kind not in FENCES:
        what = f"a fence of the language {kind!r} is run by nothing"
        advice = "code lives in a section script and is shown by a snippet fence; others are "
        wrong(what, advice + ", ".join(FENCES[1:]), line)
    for name, value, other in OPTION.findall(rest):
        if kind in FENCES and (other or kind != "snippet" or name not in ("alt", "moves")):
            what = f"a {kind} fence has no option {other or name}"
            advice = (
                'the only options are alt="…" and moves="…", in straight quotes, of a snippet fence'
            )
            wrong(what, advice, line)
            break  # what follows may be the rest of it
        options.append((name or other, value))
    return Fence(line, kind, tuple(options), token.content.rstrip("\n"))


def error_of(text: str) -> tuple[str, int]:
    """The snippet that an entry of the index of errors names, and which of its errors is meant; 0 if it is none."""
    name, _, number = text.strip().partition(" ")
    number = number or "1"
    return name, int(number) if number.isdecimal() and len(number) < 9 else 0


def target_of(page: Page, link: str) -> tuple[str, str] | None:
    """The path of the page that a link leads to, and the id on it; None if it leads to no page of the site."""
    target, _, anchor = link.partition("#")
    if ":" in target or (target and not target.endswith(".md")):
        return None
    return (path_of(page, target) if target else page.path), unquote(anchor)


def path_of(page: Page, link: str) -> str:
    """The path, inside the folder of the language, of what a page names by a link without an id."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(page.path), unquote(link)))


def anchor(snippet: str) -> str:
    """The id of a snippet on its page, as links write it behind `#`."""
    return f"snippet-{snippet.replace('.', '-').replace('_', '-')}"
