"""Whoever changes only records, pages, pictures and names runs nothing in a reader's browser.

Each way in that a build accepts is looked at in a browser; the ways that it refuses are tried in
tests/proven/test_allowed.py, test_svg.py and test_records.py.
"""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from proven.records import sealed
from proven.scripts import text_hash
from tests.helpers.looking import tab
from tests.helpers.projects import Project, mkdocs, page
from tests.helpers.server import served

OWNED = "window.owned = 1"
MARKUP = f'</samp></pre></svg><script>{OWNED}</script><img src=x onerror="{OWNED}">'
FIGURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><text style="font-family: '
    f"'a; onmouseover={OWNED}'"
    f'">{MARKUP.replace("<", "&lt;")}<![CDATA[{MARKUP}]]></text></svg>'
)
SCRIPT = '# %% one needs="madeup:1"\nplot()\n'


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site whose record, title, description, links and picture say what would run as HTML."""
    project = Project(tmp_path_factory.mktemp("attacks") / "project", SCRIPT)
    project.pretend(0)
    text = page("part.one").replace(
        "```snippet", f'```snippet alt="{MARKUP.replace(chr(34), chr(39))}"'
    )
    text = f"---\ntitle: a &lt;script&gt;{OWNED}&lt;/script&gt; b\ndescription: it&#34; onx={OWNED}\n---\n\n{text}"
    text += f'\nSo `{MARKUP}`.\n\n![x " onerror="{OWNED}](x.svg)\n'
    project.pages = dict.fromkeys(("zh", "en"), text)
    project.write()
    for language in ("zh", "en"):
        picture = FIGURE.replace("onmouseover", "onload")
        project.file(f"docs/{language}/x.svg", picture)
    row = {
        "name": "part.one",
        "state": "ran",
        "output": [MARKUP],
        "errors": [],
        "figures": [[FIGURE]],
    }
    machine = {
        "versions": {MARKUP[:60]: MARKUP[:60]},
        "python": MARKUP[:60],
        "platform": "x",
        "devices": ["GPU"],
    }
    data = {
        "section": "part",
        "files": {"snippets/part.py": text_hash(SCRIPT.encode())},
        "machine": machine,
        "date": "2026-11-23",
        "commit": MARKUP[:60],
        "outcomes": [row],
        "claims": {},
    }
    project.file("snippets/records/part.gpu-x1.json", json.dumps(sealed(data)))
    done = mkdocs(project.folder, "build")
    assert done.returncode == 0, done.stdout
    return project.folder / "site"


@pytest.fixture(scope="module")
def only(browser: Browser) -> Iterator[Page]:
    with tab(browser) as view:
        yield view


def look(view: Page, address: str) -> None:
    view.goto(address)
    for text in view.locator("article svg text").all():
        text.hover(force=True)
    view.wait_for_timeout(200)
    assert view.evaluate("window.owned") is None
    shown = view.locator("pre.snippet-output samp")
    assert shown.count() == 0 or MARKUP in shown.first.inner_text()


@pytest.mark.parametrize("path", ["", "en/", "x.svg", "en/x.svg"])
def test_nothing_runs_on_the_site(view: Page, built: Path, path: str) -> None:
    with served(built) as address:
        look(view, f"{address}{path}")
        view.goto(address)  # whose storage can be emptied, other than that of a picture


def test_a_notebook_holds_figures_that_are_clean(built: Path) -> None:
    text = (built / "notebooks" / "index.zh.ipynb").read_text(encoding="utf-8")
    figures = [line for line in text.split("\n") if "<svg" in line]
    assert figures
    assert not [line for line in figures if "<script" in line or 'onmouseover=\\"' in line]


@pytest.mark.parametrize("path", ["index.html", "en/index.html"])
def test_nothing_runs_in_the_offline_copy(
    view: Page, built: Path, tmp_path: Path, path: str
) -> None:
    with zipfile.ZipFile(built / "made-up-offline.zip") as archive:
        archive.extractall(tmp_path)
    look(view, (tmp_path / "made-up" / path).as_uri())


def test_the_policy_names_no_script_that_the_theme_does_not_bring(built: Path) -> None:
    from selectolax.lexbor import LexborHTMLParser

    own = {
        s.text() for s in LexborHTMLParser((built / "404.html").read_text("utf-8")).css("script")
    }
    tree = LexborHTMLParser((built / "index.html").read_text("utf-8"))
    here = {s.text() for s in tree.css("script:not([type])")}
    assert all("owned" not in text for text in own | here)
    assert tree.css("article script") == []
