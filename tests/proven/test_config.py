"""The configurations are read as MkDocs reads them, and a wrong one is told with its name."""

import pytest
from mkdocs.utils.yaml import yaml_load

from proven.config import halves_of, read_configs
from proven.problems import ProjectError
from tests.helpers.projects import PROJECT, Project


def test_ours_are_read_as_mkdocs_reads_them(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITE_URL", "https://example.org/notes")
    settings = project.read_settings()
    for name in ("mkdocs.yml", "mkdocs.en.yml"):
        project.file(name, (PROJECT / name).read_text(encoding="utf-8"))
    configs = read_configs(settings)
    for language, name in {"zh": "mkdocs.yml", "en": "mkdocs.en.yml"}.items():
        with (PROJECT / name).open("rb") as file:
            assert configs[language] == yaml_load(file)
    halves = halves_of(settings, configs, configs["zh"]["site_url"])
    assert halves["zh"].address == "https://example.org/notes/"
    assert halves["en"].address == "https://example.org/notes/en/"
    assert halves["en"].name == configs["en"]["site_name"]


@pytest.mark.parametrize(
    "text", ["theme: {", "- a list", "INHERIT: missing.yml", "INHERIT: mkdocs.en.yml", "INHERIT: 5"]
)
def test_one_that_cannot_be_read_is_named(project: Project, text: str) -> None:
    settings = project.read_settings()
    name = "missing.yml" if "missing" in text else "mkdocs.en.yml"
    project.file("mkdocs.en.yml", text)
    with pytest.raises(ProjectError, match=f"{name} cannot be read"):
        read_configs(settings)


@pytest.mark.parametrize(
    ("languages", "told"),
    [
        ("[{lang: fr, name: x}]", "extra.languages has a lang that proven.toml does not: fr"),
        ("5", "extra.languages cannot be 5"),
        ("null", "extra.languages cannot be null"),
        ("[5]", r"extra.languages\[0\] cannot be 5"),
        ("[{name: x}]", "does not: None"),
        ("[{lang: zh, name: 1979-05-27}]", 'cannot be "1979-05-27"'),
    ],
)
def test_languages_to_choose_from_are_those_of_the_project(
    project: Project, languages: str, told: str
) -> None:
    settings = project.read_settings()
    project.file("mkdocs.en.yml", f"extra: {{languages: {languages}}}\n")
    with pytest.raises(ProjectError, match=told) as error:
        read_configs(settings)
    assert "at       mkdocs.en.yml" in str(error.value)


def test_what_nobody_sees_in_one_is_refused(project: Project) -> None:
    settings = project.read_settings()
    project.file("mkdocs.en.yml", "site_name: a \u202e b\n")
    with pytest.raises(ProjectError, match=r"control characters[\s\S]*mkdocs.en.yml:1"):
        read_configs(settings)
