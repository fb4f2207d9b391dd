"""Sites about something else, in one language and in three: made without an edit in the engine."""

import json
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
    "fr": ("Diffusion", "Formes compatibles.", "Suite", "Une taille de 1 est étirée.", "colonne"),
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
    codes = json.dumps(languages)
    project.file(
        "proven.toml",
        f'name = "numpy-notes"\nlanguages = {codes}\nahead = ["numpy"]\npackages = ["numpy"]\n'
        '[words.fr]\nname = "Français"\noutput = "Sortie"\nchapter = "Tout"\n',
    )
    return project.folder


@pytest.fixture(scope="module", params=[("en",), ("fr", "en", "zh")], ids=["one", "three"])
def built(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, tuple[str, ...]]:
    """The site of a project, and its languages."""
    folder = site(tmp_path_factory.mktemp("other"), *request.param)
    engine = contents(PROJECT / "proven")
    done = mkdocs_here(folder, "build", "--strict")
    assert done.returncode == 0, done.stdout
    assert contents(PROJECT / "proven").keys() == engine.keys()
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
        assert [node.text() for node in tree.css("samp")] == [
            "(3, 4)",
            "ValueError: operands could not be broadcast together with shapes (3,) (4,) ",
        ] or [node.text().strip() for node in tree.css("samp")][0] == "(3, 4)"
        (mark,) = tree.css("span.claim")
        assert mark.attributes["data-state"] == "proven"
        assert sentence in mark.text()
        assert f"numpy {numpy.__version__}" in mark.text()


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
