"""What may be called what, and what may stand on a page: lists, and everything else is refused.

Pages, pictures, records and names come from people who run no code here. Nothing of theirs becomes a
script on the site, poses as what the build made, or takes the place of another file.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from proven import html
from proven.fences import Fences
from proven.pages import Page
from proven.problems import Problem, decode, leads_out, words_of
from proven.project import EDITORS, Project
from proven.search import unmark
from proven.svg import clean
from proven.views import Site

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,60}")
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".svg")
FILES = (*PICTURES, ".txt", ".csv", ".pdf")
META: dict[str, type] = {
    "title": str,
    "description": str,
    "notebook": bool,
    "search": dict,
    "hide": list,
}
# what Markdown makes, what the theme puts around it, and what may be written as HTML
ELEMENTS = words_of("""
    a abbr blockquote br button caption code col colgroup dd del details div dl dt em figcaption
    figure h1 h2 h3 h4 h5 h6 hr img input ins kbd label legend li mark ol p pre s samp
    small span strong sub summary sup table tbody td tfoot th thead tr ul
    math mrow mi mn mo mtext mspace msup msub msubsup mfrac msqrt mroot munder mover munderover
    mtable mtr mtd mstyle mpadded mphantom menclose merror semantics annotation
""")
ATTRIBUTES = words_of("""
    alt align rel class cols colspan disabled display download height href hreflang id lang name
    open placeholder role rowspan scope src start tabindex title type value width columnalign
    fence form stretchy xmlns mathvariant lspace rspace depth minsize maxsize linethickness
    accent movablelimits displaystyle scriptlevel notation columnspacing rowspacing rowalign
""")
STYLE = re.compile(r"text-align: ?(left|right|center);?")
# classes of what the engine makes; nothing else may have them
OURS = re.compile(r"snippet|claim|error-|exceptions|reach|jupyter|jp-|made-|verdict|runs?$")
# of what the theme and the engine put around the text of a page: what its scripts obey, and what it says of the build
THEIRS = "answers?|asks|done|explained|joined|minutes|not-made|page-code|progress|ran-on|recorded|ticks|verdict"
FORGED = re.compile(
    r"(?:<[^<>]*?|\{:?[^{}]*?)\bdata-[\w-]+\s*=|"
    rf"<[^<>]*?\bclass\s*=[^<>]*?(?<![\w-])(?:{THEIRS})(?![\w-])|\{{:?[^{{}}]*?\.(?:{THEIRS})(?![\w-])"
)
CHECKED = ("snippet", "claims", "counts", "entries", "error", "exceptions", "options")
SESSION = re.compile(r"^[ \t]*(>>> |\$ |In \[\d+\]:|Out\[\d+\]:)", re.MULTILINE)


def wrong_names(project: Project) -> Iterator[Problem]:
    """Find names, front matter and files that are on no list, before anything runs."""
    for page in project.all_pages:
        parts = page.path.removesuffix(".md").split("/")
        if not all(NAME.fullmatch(part) for part in parts):
            advice = "use letters A-Z, digits, - and _ in its file name; the title can be anything"
            yield Problem("the page has a name that cannot be an address", advice, (page.at(1),))
        if parts[-1] == "README":
            what = "MkDocs would take the page for the index of its folder"
            yield Problem(what, "call it index.md, or something else", (page.at(1),))
        yield from _wrong_meta(page)
        yield from _forged(page)
        for fence in page.fences:
            if fence.kind in ("text", "sh") and SESSION.search(fence.body):
                what = f"a {fence.kind} fence shows a session that nothing has run"
                advice = "let a cell of a section show it; write commands alone, without a prompt"
                yield Problem(what, advice, (page.at(fence.line),))
    yield from _wrong_files(project)
    yield from _two_owners(_paths(project), "both make the file")
    for page in project.all_pages:
        yield from _two_owners(project.ids(page), "both give the id")


def _wrong_meta(page: Page) -> Iterator[Problem]:
    for key, value in page.meta.items():
        what = ""
        if key not in META:
            what = f"the front matter has {key!r}"
        elif not isinstance(value, META[key]):
            what = f"{key} in the front matter is no {META[key].__name__}"
        elif isinstance(value, str) and re.search(r'[<>"\x00-\x1f\x7f]', value):
            what = f'{key} in the front matter holds one of < > "'
        elif key == "search" and not _weighs(value):
            what = "search in the front matter has more than boost, a number up to 100, and exclude"
        if what:
            keys = ", ".join(META)
            yield Problem(what, f"what can stand there as plain text: {keys}", (page.at(1),))


def _forged(page: Page) -> Iterator[Problem]:
    lines = page.text.split("\n")
    for fence in page.fences:
        inside = slice(fence.line, fence.end - 1)
        lines[inside] = [""] * len(lines[inside])
    text = "\n".join(lines)
    for found in FORGED.finditer(text):
        what = f"what the theme or the engine says is written by hand: {found[0][-40:].strip()}"
        place = page.at(text.count("\n", 0, found.end()) + 1)
        yield Problem(what, "leave out its class or data-… attribute", (place,))


def _weighs(search: Any) -> bool:
    boost, exclude = search.get("boost", 1), search.get("exclude", False)
    known = type(boost) in (int, float) and type(exclude) is bool and 0 < boost <= 100
    return known and search.keys() <= {"boost", "exclude"}


def _wrong_files(project: Project) -> Iterator[Problem]:
    for name, place in (file for files in project.beside.values() for file in files.items()):
        path, what = project.settings.project / place, ""
        if not all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", part) for part in name.split("/")):
            what = "the file has a name that cannot be an address"
        elif not path.is_file():
            what = "it is a link, or leads to nothing, or is no file"
        elif leads_out(path, place):
            what = "the file is a link that leads out of the project"
        elif path.suffix not in FILES:
            what = f"a file {path.suffix or 'without a suffix'} beside the pages would be published"
        elif path.suffix == ".svg":
            try:
                clean(decode(path.read_bytes(), place), drawn=False)
            except ValueError as error:
                what = f"the picture holds {error}"
        if what:
            advice = f"beside pages may lie: *{', *'.join(FILES)}, pictures without anything else"
            unfinished = bool(EDITORS.fullmatch(path.name))
            yield Problem(what, advice, (f"{place}:1",), unfinished=unfinished)


def _paths(project: Project) -> Iterator[tuple[str, str]]:
    """The files of the site that pages make, and those beside them, each with its owner."""
    settings = project.settings
    archives = (f"{settings.name}-offline.zip", f"notebooks/{settings.name}-notebooks.zip")
    for made in ("build.json", "404.html", "sitemap.xml", "llms.txt", *archives):
        yield made, "the engine"
    for language in settings.languages:
        root = settings.root(language)
        yield f"{root}notebooks/chapter.{language}.ipynb", "the notebook of all sections"
        yield f"{root}llms-full.txt", "the engine"
        for page in project.pages[language].values():
            for name in (
                f"{page.url}index.html",
                f"{page.path.removesuffix('.md')}.py",
                f"notebooks/{page.stem}.{language}.ipynb",
                f"assets/cards/{page.stem}.png",
                *{page.url + claim.listing for claim in project.listed(page)},
            ):
                yield root + name, page.at(1)
    for language, beside in project.beside.items():
        for name, place in beside.items():
            yield f"{settings.root(language)}{name}", f"{place}:1"


def _two_owners(owned: Iterable[tuple[str, str]], what: str) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for name, owner in owned:
        other = first.setdefault(name.casefold(), owner)  # as disks and hosts may take them
        if other is not owner:
            places = tuple(one for one in (owner, other) if ":" in one)
            told = "" if len(places) == 2 else f", and so does {other if ':' in owner else owner}"
            yield Problem(f"two things {what} {name!r}{told}", "rename one of them", places)


def strange(site: Site, page: Page, tree: LexborHTMLParser) -> Iterator[Problem]:
    """Find what stands on a finished page and was not made by the build, nor is on a list.

    What the engine made of a fence must be there as it made it, in order, and nowhere else; around it
    stands only what is on the lists, so that nothing hides it.
    """
    writers, made = Fences(site, page.language, {}).writers, []
    for fence in (fence for fence in page.fences if fence.kind in CHECKED):
        options = {"alt": fence.option("alt"), "moves": fence.option("moves")}
        alone = LexborHTMLParser(writers[fence.kind](fence.name, options))
        unmark(alone)
        made += [(node, fence.line) for node in alone.body.iter()] if alone.body else []
    notebooks = [fence for fence in page.fences if fence.kind == "notebook"]
    if len(tree.css(".jupyter-wrapper")) != len(notebooks):
        what = "the page shows a notebook that the build did not make"
        yield Problem(what, "write a notebook fence", (page.where("jupyter-wrapper"),))
    for article in tree.css("article") or tree.css("body"):
        yield from _walk(site, page, article, made)
    if made:
        what, advice = "the page does not show what the build made here", "write nothing around it"
        yield Problem(what, advice, (page.at(made[0][1]),))


def _walk(
    site: Site,
    page: Page,
    node: LexborNode,
    made: list[tuple[LexborNode, int]],
    by_tools: bool = False,
) -> Iterator[Problem]:
    """Look at what is inside of an element; take away from `made` what was found as it was made."""
    for child in node.iter():
        tag, attributes = str(child.tag), child.attributes
        if tag == "-comment":
            continue
        classes = (attributes.get("class") or "").split()
        alike = made and (tag, attributes) == (made[0][0].tag, made[0][0].attributes)
        if alike and child.html == made[0][0].html:
            made.pop(0)
            continue
        if "claim" in classes and attributes.get("data-claim") in site.project.claims:
            yield from _wrong_mark(site, page, child)
            continue
        inside = by_tools or "jupyter-wrapper" in classes
        # the theme's links to edit a page
        button = "md-content__button" in (node.attributes.get("class") or "").split()
        icon = (tag == "svg" and button) or (tag == "path" and node.tag == "svg")
        what = piece = ""
        if tag not in ELEMENTS and not icon and not (inside and tag in ("svg", "path")):
            what, piece = f"the page holds <{tag}>", f"<{tag}"
        elif wrong := [one for one in classes if OURS.match(one) and not inside]:
            what, piece = f"the page gives something the class {wrong[0]}", wrong[0]
        elif tag == "pre" and not inside and "highlight" not in str(node.attributes.get("class")):
            what, piece = "the page shows code or an output that is run by nothing", "<pre"
        for name, value in attributes.items():
            if not _fits(tag, name, (value or "").strip(), inside or icon):
                what, piece = f'<{tag}> has {name}="{(value or "")[:40]}"', value or name
        if what:
            advice = "write it in Markdown; what may stand on a page: proven/allowed.py"
            yield Problem(what, advice, (page.where(piece),))
        else:
            yield from _walk(site, page, child, made, inside)


def _wrong_mark(site: Site, page: Page, mark: LexborNode) -> Iterator[Problem]:
    """Hold a mark against the one that the build made; how its link is written is the generator's."""
    view = site.claim(str(mark.attributes["data-claim"]), page.language)
    made = html.mark(view)
    del made.attrib["data-search-exclude"]
    links = list(mark.iter(include_text=True))
    address = str(links[0].attributes.get("href")) if links else ""
    made[0].set("href", address)
    found = [(one.tag, one.attributes) for one in (mark, *links)]
    if (
        found != [(one.tag, one.attrib) for one in (made, made[0])]
        or not re.fullmatch(rf"[./\w-]*claims/#{view.claim.name}", address)
        or links[0].inner_html != made[0].text
    ):
        what = f"the mark of {view.claim.name} shows something else than the build made"
        yield Problem(what, "write it as `#!claim name`", (page.where(view.claim.name),))


def _fits(tag: str, name: str, value: str, by_tools: bool) -> bool:
    if name in ("href", "src"):
        plain = re.sub(r"[\x00-\x20]", "", value)
        drawn = by_tools and tag == "img" and plain.startswith("data:image/")
        try:
            scheme = urlsplit(plain).scheme
        except ValueError:
            return False
        if name == "href":
            return scheme in ("", "http", "https", "mailto")
        return drawn or (not scheme and plain[:2].replace("\\", "/") != "//")
    if name == "style":
        return bool(STYLE.fullmatch(value))
    if name in ("id", "name") and value.startswith("__"):
        # the theme finds its settings and switches by such; Zensical's has a place to which readers skip
        return value == "__skip"
    if name == "hidden":
        return tag == "button"
    of_tools = name in ("aria-hidden", "viewBox", "viewbox", "d")
    if of_tools or name.startswith(("data-md-", "data-clipboard-")):
        return by_tools
    return name in ATTRIBUTES or name.startswith(("aria-", "data-"))
