"""What Zensical gets, what becomes of what it makes; `make zensical` builds the whole site with it."""

import re
from pathlib import Path

import pytest
import yaml
from markdown import Markdown
from selectolax.lexbor import LexborHTMLParser

from proven.config import halves_of, read_configs
from proven.fences import Fences
from proven.files import make_files
from proven.generators.zensical import MODULE, SHOWN, build, collect, write_stage
from proven.problems import ProjectError
from proven.views import Site
from tests.helpers.projects import PROJECT, Project, contents, publish_by_hand
from tests.helpers.sites import made_up

HOME = """---
description: Two lines.
---
# Home {#home}

---

<a href="../whole.zip" download>All</a>, <a href="https://example.org">there</a>, [here](#home).

```snippet
part.one
```
"""


@pytest.fixture
def site(project: Project) -> Site:
    """A site whose English configuration inherits from the Chinese one."""
    project.pages = {"zh": HOME, "en": HOME}
    for language in ("zh", "en"):
        project.file(f"docs/{language}/more/deep.md", "# Deep {#deep}\n")
    made = made_up(project, {"part.one": {"output": "hello\n"}})
    project.file(
        "mkdocs.yml",
        "site_name: 例\nsite_url: https://example.org/notes\ndocs_dir: docs/zh\nedit_uri: edit/zh\n"
        "repo_url: !ENV [NO_SUCH_NAME, '']\n"
        "theme: {name: material, custom_dir: theme, features: [toc.follow]}\n"
        "plugins: [search, mkdocs-jupyter: {execute: false}, proven]\n"
        "markdown_extensions: [attr_list, toc: {permalink: true}]\n"
        "extra: {languages: [{lang: zh}, {lang: en}], locale: zh}\n".replace("\\\n", "\n"),
    )
    project.file(
        "mkdocs.en.yml",
        "INHERIT: mkdocs.yml\nsite_name: Example\ndocs_dir: docs/en\n"
        "theme: {language: en, features: [search.highlight]}\nextra: {locale: en}\n",
    )
    settings = made.project.settings
    halves = halves_of(settings, read_configs(settings), "https://example.org/notes")
    return Site(made.project, made.results, made.order, halves)


@pytest.fixture
def stage(site: Site, tmp_path: Path) -> Path:
    """The stage of its English pages."""
    config = read_configs(site.project.settings)["en"]
    write_stage(site, "en", config, make_files(site), tmp_path / "stage")
    return tmp_path / "stage"


def test_a_staged_page_tells_the_templates_what_the_engine_knows(stage: Path) -> None:
    _, front, body = (stage / "docs" / "index.md").read_text(encoding="utf-8").split("---\n", 2)
    assert body == HOME.split("---\n", 2)[2]
    assert "# Deep" in (stage / "docs" / "more" / "deep.md").read_text(encoding="utf-8")
    assert yaml.safe_load(front) == {
        "description": "Two lines.",
        "script": ["index.py", "Download index.py"],
        "card": "assets/cards/index.png",
        "notebook_links": [["download", "Download notebook", "notebooks/index.en.ipynb"]],
    }


def test_a_staged_configuration_needs_no_plugin_and_no_file_of_the_project(
    site: Site, stage: Path
) -> None:
    config = yaml.safe_load((stage / "mkdocs.yml").read_text(encoding="utf-8"))
    ours, there = config.pop("extra"), config.pop("theme")
    assert config == {
        "site_name": "Example",
        "site_url": "https://example.org/notes/en/",
        "docs_dir": "docs",
        "site_dir": "site",
        "repo_url": "",
        "plugins": {"search": {}},
        "markdown_extensions": {
            "pymdownx.superfences": {},
            "attr_list": {},
            "toc": {"permalink": True},
            MODULE: {},
        },
        "watch": [],
    }
    assert list(config["markdown_extensions"])[-1] == MODULE  # of two, Markdown takes the last
    assert there == {
        "variant": "classic",
        "name": "material",
        "custom_dir": str(site.project.settings.project / "theme"),
        "language": "en",
        "features": ["search.highlight"],  # a list replaces the one that it inherits
    }
    assert ours["locale"] == "en"
    assert ours["languages"] == [
        {"lang": "zh", "address": "https://example.org/notes/"},
        {"lang": "en", "address": "https://example.org/notes/en/"},
    ]
    assert ours["words"]["copy_page"] == "Copy all"
    assert "made by" in ours["ran_on"]


def test_a_staged_page_is_set_as_by_the_fences_themselves(
    site: Site, stage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SHOWN, str(stage / "shown"))
    config = yaml.safe_load((stage / "mkdocs.yml").read_text(encoding="utf-8"))
    names = list(config["markdown_extensions"])
    text = HOME.split("---\n", 2)[2]
    made = Markdown(extensions=names, extension_configs=config["markdown_extensions"]).convert(text)
    page = stage / "page.html"
    page.write_text(made, encoding="utf-8")
    links = [str(a.attributes["href"]) for a in LexborHTMLParser(made).css("p a")]
    assert all(":" in link or link.startswith("#") for link in links)  # none that Zensical moves
    collect(stage)
    fences = Fences(site, "en", make_files(site))
    plain = Markdown(
        extensions=[*names[:-1], fences],
        extension_configs={"toc": {"permalink": True}},
    )
    assert page.read_text(encoding="utf-8") == plain.convert(text)
    assert '<a href="../whole.zip" download="">' in page.read_text(encoding="utf-8")
    assert "hello" in made


def test_pages_that_cannot_be_made_leave_the_site_as_it_was(
    project: Project, tmp_path: Path
) -> None:
    config = (project.write() / "mkdocs.yml").read_text(encoding="utf-8")
    project.file(
        "theme/main.html", "{{ nothing.at.all }}"
    )  # where there is no Zensical, that fails
    project.file("mkdocs.yml", config.replace("font: false", "custom_dir: theme"))
    target = tmp_path / "site"
    publish_by_hand(target)
    with pytest.raises(ProjectError, match="Zensical did not build the pages"):
        build(project.folder, target)
    with pytest.raises(ProjectError, match="a build reads what lies in docs/"):
        build(project.folder, project.folder / "docs" / "site")
    assert contents(target) == {"good.html": b"the last good site"}
    assert [path.name for path in tmp_path.iterdir() if path.name != "project"] == ["site"]


def test_templates_use_filters_that_both_template_engines_know() -> None:
    """Zensical reads them with minijinja, which lacks filters of Jinja such as forceescape."""
    templates = [*(PROJECT / "docs" / "theme").rglob("*.html")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in templates)
    used = set(re.findall(r"\|\s*(\w+)(?=[^{}]*[}%]\})", text))
    assert {"url", "e"} <= used
    assert used <= {"e", "replace", "safe", "striptags", "tojson", "url"}
