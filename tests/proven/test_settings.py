"""What a project says of itself, and what is no such thing."""

import json
from pathlib import Path

import pytest

from proven.problems import ProjectError
from proven.settings import find_project, read_settings
from tests.helpers.projects import PROJECT


def test_settings_have_values_where_the_file_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "proven.toml").write_text('name = "notes"\nlanguages = ["fr", "de"]\n')
    settings = read_settings(tmp_path)
    assert (settings.main, settings.languages, settings.written) == (
        "fr",
        ("fr", "de"),
        ("fr", "de"),
    )
    assert (settings.root("fr"), settings.root("de")) == ("", "de/")
    assert (settings.ahead, settings.first, settings.packages) == ((), (), ())
    assert settings.devices == {}
    assert (settings.sections, settings.tests, settings.docs) == ("snippets", "tests", "docs")


def test_the_file_says_what_differs(tmp_path: Path) -> None:
    text = """name = "notes"
languages = ["zh", "en"]
written = ["en", "zh"]
ahead = ["numpy"]
docs = "pages"
[devices.card]
module = "cards"
count = "cards.count()"
[words.en]
output = "Printed"
"""
    (tmp_path / "pages").mkdir()
    (tmp_path / "proven.toml").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    settings = read_settings(tmp_path)
    assert (settings.written, settings.ahead, settings.docs) == (("en", "zh"), ("numpy",), "pages")
    assert settings.devices == {"card": {"module": "cards", "count": "cards.count()"}}
    assert settings.words == {"en": {"output": "Printed"}}


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({}, r'lacks a field, or has one too many: \["languages"\]'),
        ({"languages": []}, "names no language"),
        ({"languages": ["zh", "en"], "written": ["en"]}, "names other languages than"),
        ({"languages": ["en"], "colour": "red"}, "colour"),
        ({"languages": 7}, r"the file\.languages cannot be 7"),
        ({"languages": [1]}, r"the file\.languages\[0\] cannot be 1"),
        ({"languages": ["en"], "ahead": "numpy"}, r'the file\.ahead cannot be "numpy"'),
        ({"languages": ["en"], "name": 3}, r"the file\.name cannot be 3"),
        ({"languages": ["en"], "name": "a/b"}, "'a/b' is no name of files"),
        ({"languages": ["en"], "name": "a" * 61}, "up to 60 letters"),
        ({"languages": [".."]}, "'..' is no name of files"),
        ({"languages": ["en", "en"]}, "or one twice"),
        ({"languages": ["en"], "project": "x"}, "nothing to be set"),
        ({"languages": ["en"], "core": 3}, r"the file\.core cannot be 3"),
        ({"languages": ["en"], "words": 3}, r"the file\.words cannot be 3"),
        ({"languages": ["en"], "devices": 3}, r"the file\.devices cannot be 3"),
        ({"languages": ["en"], "docs": "../docs"}, "folders inside of the project"),
        ({"languages": ["en"], "sections": "/tmp"}, "folders inside of the project"),
        ({"languages": ["en"], "sections": "gone"}, "sections names a folder that there is not"),
        ({"languages": ["en"], "tests": "a\0b"}, "tests names a folder that there is not"),
        ({"languages": ["en"], "docs": "a" * 300}, "docs names a folder that there is not"),
        ({"languages": ["en"], "core": {"wurds": 5}}, "a number for each of words, characters"),
        ({"languages": ["en"], "core": {"words": -5}}, "a number for each of words, characters"),
        ({"languages": ["en"], "sections": 3}, r"the file\.sections cannot be 3"),
    ],
)
def test_what_has_no_meaning_is_refused(
    tmp_path: Path, values: dict[str, object], what: str
) -> None:
    rows = [
        f"{key} = {json.dumps(value).replace(': ', ' = ')}\n"
        for key, value in {"name": "notes", **values}.items()
    ]
    (tmp_path / "proven.toml").write_text("".join(rows))
    with pytest.raises(ProjectError, match=what) as error:
        read_settings(tmp_path)
    assert "proven.toml:1" in str(error.value)


def test_no_toml_and_no_file_are_told_too(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"there is no proven\.toml in this folder"):
        read_settings(tmp_path)
    (tmp_path / "proven.toml").write_text("name = \n")
    with pytest.raises(ProjectError, match="Invalid value"):
        read_settings(tmp_path)


def test_another_engine_than_that_of_the_project_says_so(tmp_path: Path) -> None:
    (tmp_path / "proven.toml").write_text('name = "notes"\nlanguages = ["en"]\n')
    (tmp_path / "proven").mkdir()
    assert read_settings(tmp_path)  # a folder of something else
    (tmp_path / "proven" / "settings.py").touch()
    with pytest.raises(ProjectError, match=r"has an engine of its own") as error:
        read_settings(tmp_path)
    assert "python -m mkdocs" in str(error.value)
    (tmp_path / "proven" / "settings.py").unlink()
    (tmp_path / "proven").rmdir()
    (tmp_path / "proven").symlink_to(PROJECT / "proven")
    assert read_settings(tmp_path)


def test_a_project_may_be_reached_by_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "proven.toml").write_text('name = "notes"\nlanguages = ["en"]\n')
    (tmp_path / "real" / "helper_of_mine.py").touch()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.syspath_prepend(tmp_path / "real")
    assert read_settings(tmp_path / "link").project == tmp_path / "real"


def test_the_project_is_found_from_any_folder_inside_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "proven.toml").touch()
    (tmp_path / "docs" / "en").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "docs" / "en")
    assert find_project() == tmp_path
    (tmp_path / "proven.toml").unlink()
    assert find_project() == tmp_path / "docs" / "en"
