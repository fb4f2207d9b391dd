"""What a snippet shows is text: HTML in it is never taken for a part of the page, nor a script run."""

import json
from html import escape
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from selectolax.lexbor import LexborHTMLParser

from tests.helpers.faults import EN, ZH, edit, read, sound
from tests.helpers.projects import mkdocs_here
from tests.helpers.server import served

EVIL = '</samp></pre></details><script>owned = 1</script><img src=x onerror="owned = 1">'
DRAWN = '</text></svg><script>owned = 1</script> id="a" style="b:c" #000000'
CELLS = f"""
# %% html
print('{EVIL}')  # {EVIL}

# %% html-error raises="ValueError"
raise ValueError('{EVIL}')

# %% html-figure
import matplotlib.pyplot as plt
plt.figtext(0.1, 0.5, '{DRAWN}')
"""
FENCES = f"""
```snippet
part.html
```

```snippet
part.html-error
```

```snippet alt="{EVIL.replace('"', "'")}"
part.html-figure
```
"""


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of a project whose output, errors, figures and claims hold HTML."""
    project = sound(tmp_path_factory.mktemp("evil") / "project")
    project.settings = {"ahead": ["matplotlib.pyplot"]}
    project.write()
    project.file("snippets/part.py", read(project, "snippets/part.py") + CELLS)
    for page in (ZH, EN):
        project.file(page, read(project, page) + FENCES)
    edit(project, "tests/test_part.py", '"""The list', f'"""{EVIL} The list')
    done = mkdocs_here(project.folder, "build")
    assert done.returncode == 0, done.stdout
    return project.folder / "site"


def test_no_page_holds_html_of_a_snippet_or_a_claim(evil: Path) -> None:
    shown = 0
    for path in evil.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        tree = LexborHTMLParser(text)
        assert not tree.css("[onerror]"), path
        assert not [script for script in tree.css("script") if "owned" in script.text()], path
        shown += text.count(escape(EVIL, quote=False)) + text.count(escape(EVIL))
    assert shown >= 8  # output, error, mark and list of claims, in two languages


@pytest.mark.parametrize("page", ["index.html", "en/index.html"])
def test_output_error_and_figure_say_what_the_snippet_said(evil: Path, page: str) -> None:
    tree = LexborHTMLParser((evil / page).read_text(encoding="utf-8"))
    said = {}
    for name, element in (
        ("html", ".snippet-output samp"),
        ("html-error", ".snippet-error samp"),
        ("html-figure", "svg text"),
    ):
        [found] = tree.css(f'[data-snippet="part.{name}"] {element}')
        said[name] = found.text()
    assert said == {"html": EVIL, "html-error": f"ValueError: {EVIL}", "html-figure": DRAWN}


def test_the_notebooks_hold_it_as_text(evil: Path) -> None:
    (path,) = evil.rglob("index.en.ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert EVIL in ["".join(output.get("text", "")).strip() for output in outputs]
    assert f"ValueError: {EVIL}" in [f"{o.get('ename')}: {o.get('evalue')}" for o in outputs]
    assert "text/html" not in {kind for output in outputs for kind in output.get("data", {})}


def test_a_browser_runs_nothing_of_it(evil: Path, browser: Browser) -> None:
    with served(evil) as address:
        context = browser.new_context(bypass_csp=True)  # nothing to run, even without the policy
        for name in ("", "claims/test_part.txt", "en/", "en/claims/test_part.txt"):
            page = context.new_page()
            page.goto(f"{address}{name}")
            assert page.evaluate("typeof owned") == "undefined"
            assert page.evaluate("document.querySelectorAll('[onerror]').length") == 0
            assert "owned = 1" in (page.text_content("body") or "")
            page.close()
        context.close()
