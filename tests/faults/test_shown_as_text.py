"""What a snippet shows is text: HTML in it is never taken for a part of the page, nor a script run."""

import json
import shutil
from html import escape
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser

from tests.browser.server import served
from tests.faults.chapter import PAGE, SECTION, Chapter

SCRIPT = f"snippets/{SECTION}.py"
TESTS = f"tests/test_{SECTION}.py"
EVIL = '</samp></pre></details><script>owned = 1</script><img src=x onerror="owned = 1">'
DRAWN = '</text></svg><script>owned = 1</script> id="a" style="b:c" #000000'
CELLS = f"""
# %% html
print('{EVIL}')  # {EVIL}

# %% html-error raises="ValueError"
raise ValueError('{EVIL}')

# %% html-figure
import matplotlib.pyplot as plt
plt.figtext(0.1, 0.5, '{DRAWN}', gid='"><script>owned = 1</script>')
"""
FENCES = f"""
```snippet
{SECTION}.html
```

```snippet
{SECTION}.html-error
```

```snippet alt='{EVIL.replace("'", "")}'
{SECTION}.html-figure
```
"""


@pytest.fixture(scope="module")
def evil(good: Chapter, tmp_path_factory: pytest.TempPathFactory) -> Chapter:
    """One section of the chapter, whose output, errors, figures and claims hold HTML."""
    folder = tmp_path_factory.mktemp("evil") / "project"
    chapter = Chapter(Path(shutil.copytree(good.folder, folder)))
    chapter.write(SCRIPT, chapter.read(SCRIPT) + CELLS)
    for language in ("zh", "en"):
        page = f"docs/{language}/{PAGE}"
        chapter.write(page, chapter.read(page) + FENCES)
    chapter.replace(TESTS, '"""Before its first call', f'"""{EVIL} Before its first call')
    done = chapter.build()
    assert done.returncode == 0, done.stdout
    return chapter


def test_no_page_holds_html_of_a_snippet_or_a_claim(evil: Chapter) -> None:
    pages = list((evil.folder / "site").rglob("*.html"))
    shown = 0
    for path in pages:
        text = path.read_text(encoding="utf-8")
        soup = BeautifulSoup(text, "html.parser")
        assert not soup.select("[onerror]"), path
        assert not [script for script in soup.select("script") if "owned" in script.text], path
        shown += text.count(escape(EVIL))
    assert shown >= 8  # output and error, on the page and in the chapter, in both languages


def test_output_error_and_figure_say_what_the_snippet_said(evil: Chapter) -> None:
    for folder in ("", "en/"):
        path = evil.folder / "site" / folder / PAGE.removesuffix(".md") / "index.html"
        soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        said = {
            name: soup.select_one(f'[data-snippet="{SECTION}.{name}"] {element}')
            for name, element in (
                ("html", ".snippet-output samp"),
                ("html-error", ".snippet-error samp"),
                ("html-figure", "svg text"),
            )
        }
        assert {name: element and element.get_text() for name, element in said.items()} == {
            "html": EVIL,
            "html-error": f"ValueError: {EVIL}",
            "html-figure": DRAWN,
        }


def test_the_notebooks_hold_it_as_text(evil: Chapter) -> None:
    name = f"{PAGE.removesuffix('.md')}.en.ipynb"
    (path,) = (evil.folder / "site").rglob(name)
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert EVIL in ["".join(output.get("text", "")).strip() for output in outputs]
    assert f"ValueError: {EVIL}" in [f"{o.get('ename')}: {o.get('evalue')}" for o in outputs]
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert "text/html" not in kinds


def test_a_browser_runs_nothing_of_it(evil: Chapter, browser: Browser) -> None:
    with served(evil.folder / "site") as address:
        context = browser.new_context(bypass_csp=True)  # nothing to run, even without the policy
        for language in ("", "en/"):
            for name in (PAGE.removesuffix(".md"), "chapter", "claims"):
                page = context.new_page()
                page.goto(f"{address}{language}{name}/")
                assert page.evaluate("typeof owned") == "undefined"
                assert page.evaluate("document.querySelectorAll('[onerror]').length") == 0
                assert "owned = 1" in (page.text_content("article") or "")
                page.close()
        context.close()
