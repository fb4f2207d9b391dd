"""Sites about something else, in one language and in three: made without an edit in the engine."""

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy
import pytest
from selectolax.lexbor import LexborHTMLParser

from tests.helpers.projects import PROJECT, Project, contents, mkdocs_here

SCRIPT = """# %% shapes
import numpy as np

column = np.arange(3).reshape(3, 1)  # {column}
row = np.ones((1, 4))
print((column * row).shape)
# %% clash raises="ValueError"
np.ones(3) + np.ones(4)
"""
CLAIM = '''from proven.testing import after


def test_ones_are_stretched() -> None:
    """{words}
    """
    state = after("broadcasting.shapes")
    assert (state.column * state.row).shape == (3, 4)
'''
HOME = """---
description: {lead}
---

# {title} {{#broadcasting}}

{lead} [{more}](more.md#more)

```snippet
broadcasting.shapes
```

{sentence}`#!claim ones_are_stretched`

```snippet
broadcasting.clash
```
"""
# title, lead, link, sentence, comment
TEXTS = {
    "en": ("Broadcasting", "Shapes that fit.", "More", "A size of 1 is stretched.", "a column"),
    "fr": ("Diffusion", "Tailles compatibles.", "Suite", "Une taille de 1 est étirée.", "colonne"),
    "zh": ("广播", "相容的形状。", "更多", "大小为 1 的维会被拉伸。", "一列"),
}
MORE = (
    "# {} {{#more}}\n\n[x](index.md#snippet-broadcasting-clash)\n\n```claims\nbroadcasting\n```\n"
)


def site(folder: Path, *languages: str) -> Path:
    """Write a project about NumPy in these languages."""
    project = Project(folder / "notes", languages=languages)
    project.write()
    (project.folder / "snippets" / "part.py").unlink()
    comment = " | ".join(TEXTS[language][4] for language in languages)
    project.file("snippets/broadcasting.py", SCRIPT.format(column=comment))
    words = "\n\n    ".join(TEXTS[language][3] for language in languages)
    project.file("tests/test_broadcasting.py", CLAIM.format(words=words))
    for language in languages:
        title, lead, more, sentence, _ = TEXTS[language]
        text = HOME.format(title=title, lead=lead, more=more, sentence=sentence)
        project.file(f"docs/{language}/index.md", text)
        project.file(f"docs/{language}/claims.md", MORE.format(more))
        project.file(f"docs/{language}/more.md", f"# {more} {{#more}}\n")
    for config in project.folder.glob("mkdocs*.yml"):
        with config.open("a", encoding="utf-8") as file:
            file.write("  - toc: {permalink: true}\n")
    codes = json.dumps(languages)
    french = '[words.fr]\nname = "Français"\noutput = "Sortie"\nchapter = "Tout"\n'
    project.file(
        "proven.toml",
        f'name = "numpy-notes"\nlanguages = {codes}\nahead = ["numpy"]\npackages = ["numpy"]\n'
        + (french if "fr" in languages else ""),
    )
    return project.folder


@pytest.fixture(scope="module", params=[("en",), ("fr", "en", "zh")], ids=["one", "three"])
def built(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, tuple[str, ...]]:
    """The site of a project, and its languages."""
    folder = site(tmp_path_factory.mktemp("other"), *request.param)
    done = mkdocs_here(folder, "build", "--strict")
    assert done.returncode == 0, done.stdout
    return folder / "site", request.param


def home(folder: Path, language: str, languages: tuple[str, ...]) -> Path:
    return folder / ("" if language == languages[0] else language)


def test_every_language_has_its_pages(built: tuple[Path, tuple[str, ...]]) -> None:
    folder, languages = built
    for language in languages:
        title, _, _, sentence, comment = TEXTS[language]
        html = (home(folder, language, languages) / "index.html").read_text(encoding="utf-8")
        tree = LexborHTMLParser(html)
        assert tree.css("h1")[0].text().startswith(title)
        assert f"# {comment}\n" in tree.css("div.snippet code")[0].text()
        shape, error = (node.text().strip() for node in tree.css("samp"))
        assert shape == "(3, 4)"
        assert error.startswith("ValueError: operands could not be broadcast together")
        (mark,) = tree.css("span.claim")
        assert mark.attributes["data-state"] == "proven"
        told = (home(folder, language, languages) / "marks.js").read_text(encoding="utf-8")
        assert sentence in told
        assert f"numpy {numpy.__version__}" in told


def test_phrases_are_the_site_s_own_then_the_engine_s_then_english(
    built: tuple[Path, tuple[str, ...]],
) -> None:
    folder, languages = built
    for language in languages:
        html = (home(folder, language, languages) / "index.html").read_text(encoding="utf-8")
        labels = [node.text() for node in LexborHTMLParser(html).css(".snippet-label")]
        assert (
            labels
            == {
                "en": ["Output", "Error · line 1"],
                "fr": ["Sortie", "Error · line 1"],
                "zh": ["输出", "报错 · 第 1 行"],
            }[language]
        )


def test_notebooks_scripts_and_plain_text_are_made_of_it(
    built: tuple[Path, tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder, languages = built
    for language in languages:
        root = home(folder, language, languages)
        text = (root / "notebooks" / f"index.{language}.ipynb").read_text(encoding="utf-8")
        cells = json.loads(text)["cells"]
        assert f"# %pip install numpy=={numpy.__version__}\n" in cells[1]["source"]
        assert "".join(cells[3]["source"]).endswith("print((column * row).shape)")
        assert cells[3]["outputs"][0]["text"] == ["(3, 4)\n"]
        assert TEXTS[language][1] in (root / "index.html.md").read_text(encoding="utf-8")
        script = subprocess.run(
            [sys.executable, root / "index.py"], text=True, capture_output=True, cwd=tmp_path
        )
        assert script.stdout.startswith("(3, 4)\nValueError: operands"), script.stderr
    listed = (folder / "llms.txt").read_text(encoding="utf-8")
    assert [language for language in languages if TEXTS[language][0] in listed] == list(languages)


def test_nothing_tells_of_another_topic(built: tuple[Path, tuple[str, ...]]) -> None:
    folder, _ = built
    theme = re.compile(r"assets/(javascripts|stylesheets)/")
    other = re.compile(r"torch|cuda|gpu|CC BY-SA", re.IGNORECASE)
    texts = {name: data for name, data in contents(folder).items() if not theme.match(name)}
    told = {
        name: found[0]
        for name, data in texts.items()
        if name.endswith((".html", ".md", ".txt", ".json", ".ipynb", ".py"))
        and (found := other.search(data.decode()))
    }
    assert told == {}


def test_the_report_says_what_was_proven_with_numpy(built: tuple[Path, tuple[str, ...]]) -> None:
    report = json.loads((built[0] / "build.json").read_text(encoding="utf-8"))
    assert report["numpy"] == numpy.__version__
    assert [(row["name"], row["state"]) for row in report["claims"]] == [
        ("ones_are_stretched", "proven")
    ]
    assert [row["state"] for row in report["snippets"]] == ["ran", "raised"]


def test_headings_lead_to_themselves_in_the_other_languages(
    built: tuple[Path, tuple[str, ...]],
) -> None:
    folder, languages = built
    for language in languages:
        for page in ("index.html", "more/index.html"):
            path = home(folder, language, languages) / page
            tree = LexborHTMLParser(path.read_text(encoding="utf-8"))
            links = tree.css("h1 a.headerlink[hreflang]")
            assert sorted(str(link.attributes["hreflang"]) for link in links) == sorted(
                {*languages} - {language}
            )
            for link in links:
                address, _, id = str(link.attributes["href"]).partition("#")
                target = Path(os.path.normpath(path.parent / address / "index.html"))
                other = str(link.attributes["hreflang"])
                assert target == home(folder, other, languages) / page
                there = LexborHTMLParser(target.read_text(encoding="utf-8"))
                assert there.css(f"h1#{id}")
            names = {"en": "English", "fr": "Français", "zh": "中文"}
            assert all(link.text() == names[str(link.attributes["hreflang"])] for link in links)


def test_a_claim_that_does_not_hold_is_told_in_a_language_of_the_site(tmp_path: Path) -> None:
    folder = site(tmp_path, "fr")
    tests = folder / "tests" / "test_broadcasting.py"
    tests.write_text(
        tests.read_text(encoding="utf-8").replace("(3, 4)", "(4, 3)"), encoding="utf-8"
    )
    done = mkdocs_here(folder, "build")
    assert done.returncode == 1
    assert "a claim does not hold: Une taille de 1 est étirée." in done.stdout
    assert "docs/fr/index.md:" in done.stdout
    assert not (folder / "site").exists()


RECIPE = {
    "proven.toml": "proven.toml",
    "mkdocs.yml": "mkdocs.yml",
    "`arrays.py`": "snippets/arrays.py",
    "`test_arrays.py`": "tests/test_arrays.py",
    "docs/en/index.md": "docs/en/index.md",
    "docs/en/claims.md": "docs/en/claims.md",
}


def test_the_recipe_for_other_notes_builds_as_it_is_written(tmp_path: Path) -> None:
    guide = (PROJECT / "CONTRIBUTING.md").read_text("utf-8").partition("## Use the engine")[2]
    steps = re.findall(
        r"^\d\. (.*?)\n\n   (`{3,})\w+\n(.*?)\n   \2$", guide, re.DOTALL | re.MULTILINE
    )
    project = Project(tmp_path)
    for (name, path), (told, _, text) in zip(RECIPE.items(), steps[1:-1], strict=True):
        assert name in told
        project.file(path, textwrap.dedent(text) + "\n")
    done = mkdocs_here(tmp_path, "build")
    assert done.returncode == 0, done.stdout
    home = LexborHTMLParser((tmp_path / "site" / "index.html").read_text("utf-8"))
    assert [node.text().strip() for node in home.css("samp")] == ["[7. 0. 0.]"]
    assert home.css(".claim[data-state=proven]")
