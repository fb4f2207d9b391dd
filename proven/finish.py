"""Works over the finished HTML of a site, whichever generator wrote it.

Each page is held against what it should show, its headings are linked to the other languages, and a
policy is written into it that names what may run there.
"""

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from html import escape
from itertools import zip_longest
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser, LexborNode

from proven.allowed import strange
from proven.files import Files
from proven.html import element
from proven.pages import BLOCKS, TOO_DEEP, Page
from proven.problems import CONTROL, Problem, ProjectError, words_of
from proven.prose import relative
from proven.publish import put_file
from proven.questions import questions_of
from proven.reading import exercises_of
from proven.search import improve, unmark
from proven.views import Site

AFTER = ("progress", "ran-on")  # what the theme puts behind the text of a page
# in which empty lines mean nothing
SPACED = words_of(
    "html head body div header nav main article aside footer form label ul li p button a"
)
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
# What a mark is joined to: a word, or one Chinese character, with the punctuation after it.
LAST_WORD = re.compile(r"(?:[\u3400-\u9fff]|[^\s\u3000-\u9fff]*)[^\w\s]*$")
LONGEST_WORD = 16
ONLINE = ".online"  # what offers a download of the whole site: not in `serve`, nor inside of the download
ELSEWHERE = ":not(.jupyter-wrapper *)"  # what mkdocs-jupyter made of a notebook is not looked at
POLICY = 'meta[http-equiv="Content-Security-Policy"]'


def finish(
    site: Site, language: str, folder: Path, policy: bool = True, styles: Sequence[str] = ()
) -> None:
    """Check the pages of one language, in the folder of the whole site, and make them ready for readers.

    A page that is missing, or shows anything else than its Markdown names, is a ProjectError. `serve`
    has no policy, since it puts a script of its own into the pages; `styles` are the style sheets that
    scripts put there.
    """
    settings, problems = site.project.settings, list[Problem]()
    root = folder / settings.root(language)
    left: dict[Path, Page | None] = {root / "404.html": None}  # which is the theme's
    left |= {
        folder / address_of(site, page): page for page in site.project.pages[language].values()
    }
    others = [folder / other for other in settings.languages[1:] if root == folder]
    for path in sorted(root.rglob("*.html")):
        if not any(path.is_relative_to(other) for other in others):
            try:
                if path not in left:
                    name = path.relative_to(folder).as_posix()
                    raise ProjectError(strange_file(name))
                finish_page(site, left.pop(path), path, policy, styles)
            except ProjectError as error:
                problems += error.problems
            except RecursionError:
                problems.append(Problem(*TOO_DEEP, (f"{path.relative_to(folder).as_posix()}:1",)))
    for page in filter(None, left.values()):
        what, advice = "the site leaves the page out", "publish or remove it"
        problems.append(Problem(what, advice, (page.at(1),)))
    if problems:
        raise ProjectError(*problems)
    index = root / "search" / "search_index.json"
    if index.is_file():
        text = improve(index.read_text(encoding="utf-8"), site.project, language)
        index.write_text(text, encoding="utf-8")


def strange_file(name: str) -> Problem:
    """Tell of a file that would be published, and that was not there, or not a part, when the project was read."""
    what = f"the site would have {name}, which was not read as a part of the project"
    return Problem(what, "build again, or remove what makes it", (f"{name}:1",))


def finish_page(
    site: Site, page: Page | None, path: Path, policy: bool, styles: Sequence[str] = ()
) -> None:
    """Check one page and make it ready for readers."""
    tree = LexborHTMLParser(path.read_text(encoding="utf-8"))
    unmark(tree)
    if page:
        if problems := list(check_page(site, page, tree)) or list(strange(site, page, tree)):
            raise ProjectError(*problems)
        _tell_pictures(site, page, tree)
        _link_languages(site, page, tree)
        _ask(site, page, tree)
        _mark_silent(site, page, tree)
        _tick_off(site, page, tree)
    _join_marks(tree)
    if not site.downloads:
        _taken(tree.css(ONLINE))
    if policy:
        _add_policy(tree, styles)
    for heading in tree.css("article .depth:is(h2, h3, h4, h5, h6)"):
        _fold(tree, heading)
    _close_up(tree)
    path.write_text(tree.html or "", encoding="utf-8")


def address_of(site: Site, page: Page) -> str:
    """The file of a page inside of the site."""
    return f"{site.address(page)}index.html"


def write_files(folder: Path, files: Files) -> None:
    """Write files into a site, so far as they are not there in the same form."""
    for name, content in files.items():
        put_file(content, folder / name)


def check_page(site: Site, page: Page, tree: LexborHTMLParser) -> Iterator[Problem]:
    """Find where a finished page shows something else than its Markdown names."""
    snippets = tree.css("div.snippet[data-snippet]")
    shown = [str(node.attributes["data-snippet"]) for node in snippets]
    marks = [str(node.attributes["data-claim"]) for node in tree.css("span.claim[data-claim]")]
    named = [(fence.name, page.at(fence.line)) for fence in page.shown]
    if wrong := _difference(named, shown):
        what = "the page does not show the snippets that its fences name"
        advice = "let each fence stand at the start of a line, or of a box, and close it alike"
        yield Problem(what, advice, (wrong[1] or page.where(wrong[0]),))
        return
    if wrong := _difference([(mark.claim, mark.place) for mark in page.marks], marks):
        what = "the page does not show the marks of claims that stand in its Markdown"
        advice = "let a mark follow the full stop of a sentence, outside of comments and code"
        yield Problem(what, advice, (wrong[1] or page.where(wrong[0]),))
        return
    told = tree.css("template[data-made]")
    made = [entry for node in told for entry in json.loads(node.attributes["data-made"] or "")]
    _taken(told)
    if [kind for kind, *_ in page.elements] != [kind for kind, _ in made]:
        yield _read_in_two_ways(page, made)
    for node in tree.css("article"):
        if odd := CONTROL.search(node.html or ""):
            what = (
                f"the page shows a character that cannot be seen, or turns a text round: {odd[0]!a}"
            )
            place = page.where(f"&#x{ord(odd[0]):x};")
            yield Problem(what, "remove it, also where it is written as an entity", (place,))
    ids = {node.attributes["id"] for node in tree.css("[id]")}
    for id, place in page.ids:
        if id not in ids:
            what = f"the page does not have the id {id!r}, which its Markdown gives"
            advice = "put a space before {#…}, and let a heading stand at the start of its line"
            yield Problem(what, advice, (place,))
    known = {view.source.strip() for view in site.views(page)}
    known |= {fence.body.strip() for fence in page.fences if fence.kind in ("sh", "text")}
    for node in tree.css(f".highlight code{ELSEWHERE}"):
        code = node.text().strip()
        if code not in known:
            what, place = (
                "the page shows code that is run by nothing",
                page.where(code.split("\n")[0]),
            )
            yield Problem(what, "move it into a section script", (place,))


def _read_in_two_ways(page: Page, made: list[list[str]]) -> Problem:
    """Tell where the generator makes something else of Markdown than CommonMark, which notebooks show."""
    ours, theirs = Counter(kind for kind, *_ in page.elements), Counter(kind for kind, _ in made)
    if more := theirs - ours:
        kind, where = next(iter(more)), "on the site and not in notebooks"
        known = {text for _, text, _ in page.elements}
        texts = [text for one, text in made if one == kind]
        text = next((text for text in texts if text not in known), texts[-1])
        place = page.where(text.strip().split("\n")[0])  # of a table, the first cell
    else:
        where = "in notebooks and not on the site"
        pairs = zip_longest(page.elements, made, fillvalue=[""])
        kind, _, place = next(mine for mine, other in pairs if mine[0] != other[0])
    advice = (
        "let ** stand beside a letter or a space, and no punctuation; write no | in code in a table"
    )
    if kind in BLOCKS.values():
        advice = "put an empty line before it, write 1. and not 1), and four spaces before what is inside of it"
    return Problem(f"Markdown is read in two ways: as <{kind}> {where}", advice, (place,))


def _difference(named: list[tuple[str, str]], found: list[str]) -> tuple[str, str] | None:
    """The first name that a page does not show, with its place, or shows without having it."""
    for one, other in zip_longest(named, found):
        if not one or one[0] != other:
            return one or (other, "")
    return None


def _tell_pictures(site: Site, page: Page, tree: LexborHTMLParser) -> None:
    """Say of each picture that nobody drew in this build that it is from elsewhere."""
    told = escape(site.words(page.language)("not-made"))
    for picture in tree.css(f"article img{ELSEWHERE}"):
        picture.insert_after(element(tree, "small", told, {"class": "not-made"}))


def _link_languages(site: Site, page: Page, tree: LexborHTMLParser) -> None:
    """Link each heading to itself in the other languages."""
    here = address_of(site, page)
    for language in site.project.settings.languages:
        twin = site.project.pages[language].get(page.path)
        if language == page.language or not twin:
            continue
        url = relative(address_of(site, twin), here).removesuffix("index.html")
        for link in tree.css("a.headerlink:not([hreflang])"):
            anchor = link.attributes["href"] or ""
            attributes = {
                "class": "headerlink",
                "href": f"{url}{anchor}",
                "hreflang": language,
                "lang": language,
            }
            name = escape(site.words(language)("name"))
            link.insert_after(element(tree, "a", name, attributes))


def _close_up(tree: LexborHTMLParser) -> None:
    """Leave one end of a line where templates have left several: a tenth of what a page weighs."""
    nodes = [
        node for node in tree.css("html")[0].traverse(include_text=True) if node.tag == "-text"
    ]
    for node in nodes:
        text = node.text_content or ""
        if text.count("\n") > 1 and not text.strip() and node.parent and node.parent.tag in SPACED:
            node.replace_with("\n")


def _join_marks(tree: LexborHTMLParser) -> None:
    """Keep each mark on the line of the word before it; which claim it names, its link tells."""
    for mark in tree.css("span.claim[data-claim]"):
        del mark.attrs["data-claim"]
    for mark in tree.css("span.claim"):
        before = mark.prev
        if not before:
            continue
        text, rest, kept = before.text(), "", before.html or ""
        if before.tag == "-text":
            word = LAST_WORD.findall(text[-64:])[0]
            text, rest, kept = word, text.removesuffix(word), escape(word)
        if not 0 < len(text) <= LONGEST_WORD:
            continue
        joined = element(tree, "span", f"{kept}{mark.html}", {"class": "joined"})
        if rest:
            before.replace_with(rest)
        else:
            before.decompose()
        mark.replace_with(joined)


def _ask(site: Site, page: Page, tree: LexborHTMLParser) -> None:
    """Let a question, the code that it is about, and all that explains the answer be one box.

    What explains it, up to the next question or heading, is folded together with the output.
    """
    words = site.words(page.language)
    for question, options in zip(questions_of(page), tree.css("div.options"), strict=True):
        box, asked, text = options.parent, tree.create_node("fieldset"), options.prev
        snippet = tree.css(f'div.snippet[data-snippet="{question.snippet}"]')[0]
        fold = snippet.css("details.snippet-fold")[0]
        assert box
        while text and text.tag != "p":
            text = text.prev
        asked.attrs["data-question"] = question.snippet
        if (answer := site.answer(question.snippet)) is not None:
            asked.attrs["data-key"] = answer
        for field in options.css("input"):
            field.attrs["name"] = f"question-{question.snippet}"
        code = "".join(node.html or "" for node in snippet.iter() if node.tag != "details")
        right, wrong = escape(words("right")), escape(words("wrong"))
        verdict = f'data-right="{right}" data-wrong="{wrong}"'
        asked.inner_html = (
            f"<legend>{text.inner_html if text else ''}</legend>{code}{options.html}"
            f'<p class="verdict" role="status" {verdict}></p>'
        )
        options.decompose()
        if text:
            text.decompose()
        content = _taken(_following(snippet, _ends_answer))
        fold.attrs["class"] = "snippet-fold answer"
        fold.inner_html = f'{fold.inner_html}<div class="explained">{content}</div>'
        box.attrs["class"] = "question"
        snippet.attrs["class"] = "snippet asks"
        snippet.inner_html = f"{box.html}{asked.html}{fold.html}"
        box.decompose()


def _following(node: LexborNode, ends: Callable[[LexborNode], bool]) -> list[LexborNode]:
    """What stands behind a node, up to what ends it."""
    found, following = [], node.next
    while following and not ends(following):
        found.append(following)
        following = following.next
    return found


def _ends_answer(node: LexborNode) -> bool:
    classes = set((node.attributes.get("class") or "").split())
    return node.tag in HEADINGS or not classes.isdisjoint({"question", *AFTER})


def _mark_silent(site: Site, page: Page, tree: LexborHTMLParser) -> None:
    """Say of entries about a mistake that raises no error that they are."""
    for heading in tree.css("article .silent"):
        told = escape(site.words(page.language)("silent"))
        heading.attrs["data-silent"] = "true"
        heading.insert_after(element(tree, "p", told, {"class": "silent-sign"}))


def _tick_off(site: Site, page: Page, tree: LexborHTMLParser) -> None:
    """Put a box to tick at the end of each exercise."""
    words = site.words(page.language)
    for exercise in exercises_of(page):
        heading = tree.css(f'[id="{exercise}"]')[0]
        node = [heading, *_following(heading, _ends_answer)][-1]
        box = f'<input type="checkbox" data-exercise="{exercise}">'
        done = f"<label>{box} {escape(words('done'))}</label>"
        node.insert_after(element(tree, "p", done, {"class": "done"}))


def _fold(tree: LexborHTMLParser, heading: LexborNode) -> None:
    """Close what a heading begins, up to the next heading of its level or of a higher one."""
    ends = HEADINGS[: HEADINGS.index(str(heading.tag)) + 1]
    inside = _following(
        heading, lambda node: node.tag in ends or node.attributes.get("class") in AFTER
    )
    links = _taken(heading.css("a.headerlink"))  # a summary, which opens on a click, can hold none
    links = links and f'<p class="depth-links">{links}</p>'
    content = f"<summary>{heading.html}</summary>{links}{_taken(inside)}"
    heading.replace_with(element(tree, "details", content, {"class": "depth"}))


def _taken(nodes: list[LexborNode]) -> str:
    """The HTML of nodes, which are taken from where they are."""
    html = "".join(node.html or "" for node in nodes)
    for node in nodes:
        node.decompose()
    return html


def _add_policy(tree: LexborHTMLParser, styles: Sequence[str]) -> None:
    """Let a page load this site's own files only, and run only the code that it was built with.

    What stands in the page itself is named by its hash; a browser refuses what someone adds later.
    """
    scripts = [
        node.text()
        for node in tree.css("script:not([src])")
        if "json" not in (node.attributes.get("type") or "")
    ]
    directives = {
        "default-src": ["'none'"],
        "script-src": ["'self'", *_hashes(scripts)],
        "style-src": ["'self'", *_hashes([*styles, *(node.text() for node in tree.css("style"))])],
        "img-src": ["'self'", "data:"],  # the icons in the theme's style sheet are data
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "worker-src": ["'self'"],
        "manifest-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
    }
    if attributes := [str(node.attributes["style"]) for node in tree.css("[style]")]:
        directives["style-src-attr"] = ["'unsafe-hashes'", *_hashes(attributes)]
    policy = "; ".join(" ".join([name, *sources]) for name, sources in directives.items())
    _taken(tree.css(POLICY))
    given = {"http-equiv": "Content-Security-Policy", "content": policy}
    tree.css("meta[charset]")[0].insert_after(element(tree, "meta", "", given))


def _hashes(texts: list[str]) -> list[str]:
    digests = (hashlib.sha256(text.encode()).digest() for text in dict.fromkeys(texts))
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
