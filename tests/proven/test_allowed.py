"""Pages, pictures and names cannot become a script, pose as what the build made, or take a file's place."""

from collections.abc import Callable
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from proven import html
from proven.allowed import strange
from proven.build import read_and_check
from proven.problems import ProjectError
from proven.search import unmark
from proven.settings import read_settings
from tests.helpers.faults import EN, ZH, edit, read, sound
from tests.helpers.projects import Project, mkdocs_here
from tests.helpers.sites import made_up

Plant = Callable[[Project], object]
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M 0 0"/></svg>'
BYTES = "GIF89a"
META = '<metadata><script xmlns="http://www.w3.org/1999/xhtml">owned = 1</script></metadata>'


def both(path: str, text: str) -> Plant:
    def plant(project: Project) -> None:
        for language in ("zh", "en"):
            project.file(f"docs/{language}/{path}", text)

    return plant


def meta(text: str) -> Plant:
    def plant(project: Project) -> None:
        for page in (ZH, EN):
            project.file(page, f"---\n{text}\n---\n\n{read(project, page)}")

    return plant


def section(name: str, cell: str = "one") -> Plant:
    def plant(project: Project) -> None:
        project.file(f"snippets/{name}.py", f"# %% {cell}\nx = 1\n")
        for page in (ZH, EN):
            project.file(page, f"{read(project, page)}\n```snippet\n{name}.{cell}\n```\n")

    return plant


def link(path: str) -> Plant:
    def plant(project: Project) -> None:
        (project.folder / "docs/zh/real.txt").write_text("x")
        (project.folder / "docs/zh/inside.txt").symlink_to("real.txt")  # which may stand
        outside = project.folder.parent / "outside"
        outside.mkdir()
        (outside / "file").write_text("a secret")
        target = project.folder / "docs/en" / path
        target.parent.mkdir(exist_ok=True)
        target.symlink_to(outside / "file" if target.suffix else outside)

    return plant


TITLE = "# More {#more}\n"
BEFORE: dict[str, tuple[Plant, str]] = {
    "page name with markup": (both("x'\"><img src=x onerror=y>.md", TITLE), "cannot be an address"),
    "page name with a dot": (both("v2.0-notes.md", TITLE), "cannot be an address"),
    "page name in Chinese": (both("参数.md", TITLE), "cannot be an address"),
    "long page name": (both(f"{'a' * 80}.md", TITLE), "cannot be an address"),
    "page that MkDocs takes for another": (both("a/README.md", TITLE), "the index of its folder"),
    "folder name with markup": (both("a<b/c.md", TITLE), "cannot be an address"),
    "template": (meta("template: 404.html"), "the front matter has 'template'"),
    "other key": (meta("extra_javascript: [x.js]"), "the front matter has 'extra_javascript'"),
    "description with markup": (meta("description: '\"><script>x</script>'"), "holds one of"),
    "title with markup": (meta("title: '</title><script>x</script>'"), "holds one of"),
    "title that is no text": (meta("title: [x]"), "title in the front matter is no str"),
    "search that is no table": (meta("search: '<x>'"), "search in the front matter is no dict"),
    "section in Chinese": (section("章节"), "no name for a section"),
    "section that is a word of Python": (section("class"), "no name for a section"),
    "long cell name": (section("more", "-".join(["abcdefg"] * 9)), "and 60 are allowed"),
    "script beside the pages": (both("x.js", "owned = 1"), "a file .js beside the pages"),
    "page that is HTML": (both("x.html", "<script>owned = 1</script>"), "a file .html beside"),
    "page that is XHTML": (both("x.xhtml", "<html/>"), "a file .xhtml beside"),
    "XML with a style": (both("x.xml", "<x/>"), "a file .xml beside"),
    "file without a suffix": (both("CNAME", "x"), "a file without a suffix"),
    "suffix in capitals": (both("x.HTML", "x"), "a file .HTML beside"),
    "picture with a script": (
        both("x.svg", PICTURE.replace("<path", "<script>owned=1</script><path")),
        "the picture holds <script>",
    ),
    "picture with a handler": (
        both("x.svg", PICTURE.replace("d=", 'onload="owned=1" d=')),
        "the picture holds the attribute onload",
    ),
    "picture name with markup": (both('x" onerror="y.png', BYTES), "cannot be an address"),
    "page with the name of the chapter": (
        both("chapter.md", TITLE + "\n```snippet\npart.first\n```\n"),
        "both make the file 'notebooks/chapter.",
    ),
    "page with the name of a language": (both("en.md", TITLE), "'en/index.html'"),
    "names that differ in case": (
        lambda p: (both("more.md", TITLE)(p), both("More.md", TITLE)(p)),
        "both make the file 'more",
    ),
    "names that a dash joins": (
        lambda p: (both("a-b.md", TITLE)(p), both("a/b.md", TITLE)(p)),
        "both make the file 'notebooks/a-b.",
    ),
    "file over a page": (lambda p: p.file("docs/zh/en/index.html", "x"), "beside the pages"),
    "file over a picture of the other half": (
        lambda p: (p.file("docs/zh/en/a.png", BYTES), p.file("docs/en/a.png", BYTES)),
        "both make the file 'en/a.png'",
    ),
    "file over the Markdown of all": (both("llms-full.txt", "x"), "both make the file"),
    "file over a card": (both("assets/cards/index.png", BYTES), "both make the file"),
    "sections whose cells give one id": (
        lambda p: (section("more", "a-b")(p), section("more_a", "b")(p)),
        "both give the id 'snippet-more-a-b'",
    ),
    "session in a text fence": (
        both("x.md", TITLE + "\n```text\n>>> 1 + 1\n3\n```\n"),
        "a session",
    ),
    "session in a shell": (
        both("x.md", TITLE + "\n```sh\n$ python part.py\nthree\n```\n"),
        "a session",
    ),
    "escape in a page": (both("x.md", TITLE + "\n[a](\x1b]0;owned\x07)\n"), "control characters"),
    "mark of a direction": (both("x.md", TITLE + "\na \u200f b\n"), "control characters"),
    "text that nobody sees": (both("x.md", TITLE + "\na \U000e0041 b\n"), "control characters"),
    "line of another kind": (both("x.md", TITLE + "\na \u2028 b\n"), "control characters"),
    "weight that is no number": (meta("search: {boost: .nan}"), "search in the front matter"),
    "weight without an end": (meta("search: {boost: .inf}"), "search in the front matter"),
    "weight that is text": (meta("search: {boost: '<x>'}"), "search in the front matter"),
    "other setting of the search": (meta("search: {x: 1}"), "search in the front matter"),
    "picture with a style": (
        both("x.svg", PICTURE.replace("<path", "<style>@import 'x'</style><path")),
        "the picture holds <style>",
    ),
    "file that leads out of the project": (link("x.txt"), "leads out of the project"),
    "page that leads out of the project": (link("x.md"), "leads out of the project"),
    "record that leads out of the project": (
        link("../../snippets/records/part.x-x1.json"),
        "leads out of the project",
    ),
    "folder that leads out of the project": (link("x"), "is a link, or leads to nothing"),
    "folder that leads elsewhere in the project": (
        lambda p: (p.folder / "docs/en/x").symlink_to("../zh"),
        "is a link, or leads to nothing",
    ),
    "copy button by hand": (
        both("x.md", f'{TITLE}\n<p\nclass="page-code"><button>x</button></p>\n'),
        "says is written by hand",
    ),
    "what the theme's scripts obey": (
        both("x.md", f'{TITLE}\nSo.\n{{: data-question="x" }}\n'),
        "says is written by hand",
    ),
    "words of the build": (both("x.md", f"{TITLE}\nSo.\n{{: .ran-on }}\n"), "is written by hand"),
    "text that turns its direction": (both("x.md", TITLE + "\na \u202e b\n"), "control characters"),
}


@pytest.mark.parametrize("fault", BEFORE)
def test_what_is_on_no_list_is_refused_before_anything_runs(tmp_path: Path, fault: str) -> None:
    project = sound(tmp_path / "project")
    plant, what = BEFORE[fault]
    plant(project)
    with pytest.raises(ProjectError) as caught:
        read_and_check(read_settings(project.folder))
    assert what in str(caught.value)
    assert "  at       " in str(caught.value)


PART = "```snippet\npart.one\n```"
SNIPPET = "```snippet\npart.second\n```"
ON_PAGES = {
    "script": "<script>owned = 1</script>",
    "script in a line": "So <script>owned = 1</script> it is.",
    "script behind the end of all that is around it": "A </article></div><script>owned = 1</script>",
    "output by hand, behind the end": '</article><pre class="snippet-output"><samp>4</samp></pre>',
    "frame behind the end": "</p></div></body></html><iframe src='x'></iframe>",
    "picture from elsewhere, with other slashes": '<img src="/\\\\example.org/x.png" alt="x">',
    "heading whose id is none": "## Autograd{#aim}",
    "paragraph whose id is none": "So.{: #aim }",
    "too many boxes": "<div>" * 990,
    "address that is none": "[x](http://[::1)",
    "address that is none, as HTML": '<a href="http://[">x</a>',
    "handler": '<a href="#title" onclick="owned = 1">x</a>',
    "handler in Markdown": '[x](#title){: onclick="owned = 1" }',
    "address that is a script": "[x](javascript:owned=1)",
    "address that is a script, spelt otherwise": "[x](<JaVa&#x09;script:owned=1>)",
    "address that is a page of data": "[x](data:text/html,<script>owned=1</script>)",
    "frame": '<iframe srcdoc="<script>owned = 1</script>"></iframe>',
    "picture with a handler": '<img src="x" onerror="owned = 1">',
    "picture from elsewhere": '<img src="//example.org/x.png" alt="x">',
    "svg with a handler": '<svg onload="owned = 1"></svg>',
    "math that holds HTML": "<math><mtext><style><img src=x onerror=owned=1></style></mtext></math>",
    "form": '<form action="https://example.org"><button>x</button></form>',
    "other address of all links": '<base href="https://example.org/">',
    "style sheet": "<style>.snippet { display: none }</style>",
    "style": '<p style="position: fixed">x</p>',
    "style in Markdown": 'So.\n{: style="display: none" }',
    "output by hand": '<pre class="snippet-output"><samp>4</samp></pre>',
    "output by hand, in Markdown": "4\n{: .snippet-output }",
    "snippet by hand": '<div class="snippet" data-snippet="part.first"><p>x</p></div>',
    "tick by hand": 'So.<span class="claim" data-claim="other">✓</span>',
    "handler on a mark": "So.`#!claim three_numbers`{: onclick='owned = 1' }",
    "mark with another state": "So.`#!claim three_numbers`{: data-state=recorded }",
    "list of claims by hand": '<ul class="claims"><li>x</li></ul>',
    "code by hand": '<pre><code class="language-python">x = 1</code></pre>',
    "code by hand, coloured": '<div class="highlight"><pre><code>x = 1</code></pre></div>',
    "error by hand": '<div class="error-entry"><p>x</p></div>',
    "notebook by hand": '<div class="jupyter-wrapper"><svg></svg></div>',
    "output in a button of the theme": (
        '<a class="md-content__button" href="#title"><samp class="snippet-output">4</samp></a>'
    ),
    "drawing outside of a button of the theme": "<p><svg><path d='M 0 0'/></svg></p>",
    "id of the theme": '<p id ="__config">{}</p>',
    "id of the theme in Markdown": "So.\n{: #__search }",
    "name of the theme": '<a name="__palette">x</a>',
    "text to copy that is not shown": '<button data-clipboard-text="x | sh">x</button>',
    "part of the theme": '<div data-md-component="announce">x</div>',
    "button of the theme by hand": '<a class="md-content__button"><script>owned=1</script></a>',
}


@pytest.mark.parametrize("fault", ON_PAGES)
def test_what_the_build_did_not_make_is_refused_with_its_line(tmp_path: Path, fault: str) -> None:
    refuse(tmp_path, f"{ON_PAGES[fault]}\n")


MARK = '<a class="claim-mark" href="claims/#holds" aria-label="Proven">✓</a>'
AROUND_MARK = '<p>So.<span class="claim" data-claim="holds" data-state="proven">{}</span></p>'


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("claims/", "https://example.org/claims/"),
        ("claims/", "javascript:owned=1//claims/"),
        ("claims/", "other/"),
        ("#holds", "#other"),
        ("Proven", "Proven elsewhere"),
        ("✓", "○"),
        ("✓", "<b>✓</b>"),
        ("</a>", "</a>, by God"),
        ("</a>", "</a><img src=x>"),
        ("href", "onclick='owned=1' href"),
        ('class="claim"', 'class="claim" title="x"'),
        ("proven", "recorded"),
        ("a", "button"),
        (MARK, ""),
    ],
)
def test_a_mark_is_as_the_build_made_it(project: Project, old: str, new: str) -> None:
    project.tests = 'def test_holds() -> None:\n    """It holds.\n\n    成立。\n    """\n'
    project.pages = dict.fromkeys(("zh", "en"), f"# T {{#t}}\n\nSo.`#!claim holds`\n\n{PART}\n")
    site = made_up(project)
    page = site.page("en", "index.md")
    shown = html.snippet(site.view("part.one", "en"), "", site.words("en"))
    made = AROUND_MARK.format(MARK)

    def wrong(mark: str) -> list[str]:
        tree = LexborHTMLParser(f"<article>{mark}{shown}</article>")
        unmark(tree)
        return [problem.what for problem in strange(site, page, tree)]

    assert wrong(made) == []
    if old == "a":
        other = made.replace("<a ", f"<{new} ").replace("</a>", f"</{new}>")
    else:
        other = made.replace(old, new, 1)
    assert wrong(other) == ["the mark of holds shows something else than the build made"]


AROUND = {
    "hidden": ("<div hidden markdown>\n\n", "\n\n</div>"),
    "not displayed": ('<div style="display: none" markdown>\n\n', "\n\n</div>"),
    "inside of a template": ("<template>\n\n", "\n\n</template>"),
    "inside of a comment": ("<!--\n\n", "\n\n-->"),
    "inside of a closed dialog": ("<dialog markdown>\n\n", "\n\n</dialog>"),
    "inside of a select": ("<select>\n\n", "\n\n</select>"),
    "kept from readers who do not see it": ('<div aria-hidden="true" markdown>\n\n', "\n\n</div>"),
    "inside of a text area": ("<textarea>\n\n", "\n\n</textarea>"),
}


@pytest.mark.parametrize("fault", AROUND)
def test_what_the_build_made_is_seen(tmp_path: Path, fault: str) -> None:
    before, after = AROUND[fault]
    refuse(tmp_path, f"{before}{SNIPPET}{after}", replaced=True)


def refuse(folder: Path, text: str, replaced: bool = False) -> None:
    project = sound(folder / "project")
    for name in ("mkdocs.yml", "mkdocs.en.yml"):
        edit(project, name, "  - attr_list", "  - attr_list\n  - md_in_html")
    for page in (ZH, EN):
        if replaced:
            edit(project, page, SNIPPET, text)
        else:
            project.file(page, f"{read(project, page)}\n{text}")
    done = mkdocs_here(project.folder, "build")
    assert done.returncode != 0, text
    assert "Traceback" not in done.stdout, done.stdout
    assert "  at       " in done.stdout
    assert not (project.folder / "site").exists()


def test_what_is_on_the_lists_builds_and_a_picture_says_that_it_was_not_made_here(
    tmp_path: Path,
) -> None:
    project = sound(tmp_path / "project")
    both("pictures/x.svg", PICTURE.replace("<path", f"{META}<path"))(project)
    text = (
        'H<sub>2</sub>O<br>, <kbd>Esc</kbd>, <a href="https://example.org" title="x">there</a>, '
        "![a line](pictures/x.svg) and `>>> x`.\n\n| a |\n|--:|\n| 1 |\n\n<!-- a note -->\n"
    )
    for page in (ZH, EN):
        project.file(page, f"{read(project, page)}\n{text}")
    meta("title: A title, 标题\ndescription: What it’s about")(project)
    done = mkdocs_here(project.folder, "build")
    assert done.returncode == 0, done.stdout
    published = (project.folder / "site" / "pictures" / "x.svg").read_text(encoding="utf-8")
    assert "<path" in published
    assert "owned" not in published
    for page, words in (
        ("index.html", "不是构建网站时画出来的"),
        ("en/index.html", "was not made by the build"),
    ):
        tree = LexborHTMLParser((project.folder / "site" / page).read_text(encoding="utf-8"))
        [told] = tree.css("article img + small")
        assert words in told.text()
