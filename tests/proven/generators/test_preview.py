"""`mkdocs serve`: only what an edit changes is run, rendered and written; claims are proven after it."""

import os
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from proven.build import read_and_check
from proven.generators.preview import check_address
from proven.problems import ProjectError
from proven.settings import read_settings
from tests.helpers.faults import EN, ZH, edit, read, sound
from tests.helpers.previews import Preview, serving
from tests.helpers.projects import Project, contents, processes, started

SCRIPT = "snippets/part.py"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, Preview]]:
    """A sound project with a page that offers downloads and a theme of its own, which is being served."""
    project = sound(tmp_path_factory.mktemp("served") / "project")
    project.file("base.yml", "copyright: as it was\nwatch: [base.yml]\n")
    project.file("theme/partials/copyright.html", "{{ config.copyright }}")
    edit(project, "mkdocs.yml", "site_name:", "INHERIT: base.yml\nsite_name:")
    edit(project, "mkdocs.yml", "language: zh", "language: zh, custom_dir: theme")
    for language in ("zh", "en"):
        text = "# Downloads {#downloads}\n\n```downloads\nall\n```\n"
        project.file(f"docs/{language}/notebooks.md", text)
    with serving(project.folder) as preview:
        yield project, preview


@pytest.fixture
def project(kept: tuple[Project, Preview]) -> Iterator[Project]:
    """The project, which is as it was again after each test."""
    project, preview = kept
    before = contents(project.folder)
    yield project
    for path, text in contents(project.folder).items():
        if path not in before:
            (project.folder / path).unlink()
        elif text != before[path]:
            (project.folder / path).write_bytes(before[path])
    preview.save()
    if mark(preview, "index.html") != "proven":
        preview.until_proven()
        preview.save()


@pytest.fixture
def served(kept: tuple[Project, Preview]) -> Preview:
    return kept[1]


def mark(served: Preview, path: str) -> str:
    """The state of the mark on a page."""
    [found] = LexborHTMLParser(served.read(path)).css("span.claim")
    return str(found.attributes["data-state"])


def test_all_that_a_build_reads_is_watched(project: Project, served: Preview) -> None:
    read = ["snippets", "tests", "docs/zh", "docs/en", "theme", "proven.toml", "mkdocs.en.yml"]
    assert {project.folder / name for name in read} <= set(served.server.watched)


def test_an_edit_of_a_table_that_a_cell_reads_is_noticed(project: Project, served: Preview) -> None:
    table = project.file("data/table.csv", "7.25\n")
    edit(
        project,
        SCRIPT,
        "numbers = [1, 2, 3]",
        f"numbers = [1, 2, 3]\nprint(open({str(table)!r}).read())",
    )
    served.save()
    assert "7.25" in served.read("index.html")
    served.until(lambda: table in served.server.watched)
    table.write_text("8.75\n")
    served.save()
    assert "8.75" in served.read("index.html")


def test_an_edit_of_prose_renders_its_page_of_its_language(
    project: Project, served: Preview
) -> None:
    edit(project, EN, "There are three.", "There are just three.")
    assert served.save() == {"en/index.html"}
    assert "There are just " in served.read("en/index.html")  # the last word stays with its tick
    assert served.said.count("Rendered ") == 1
    assert "Section part" not in served.said

    project.file(ZH, read(project, ZH) + "\n又一句。\n")
    assert served.save() == {"index.html"}
    assert "又一句。" in served.read("index.html")
    assert "Section part" not in served.said


def test_a_page_that_counts_what_is_on_others_follows_them(
    project: Project, served: Preview
) -> None:
    for page in (ZH, EN):
        project.file(page.replace("index", "book"), "# Book {#book}\n\n```counts\n```\n")
    served.save()

    def counted() -> set[str]:
        cells = LexborHTMLParser(served.read("en/book/index.html")).css("article td")
        return {cell.text().strip() for cell in cells}

    assert "1" in counted()
    tests = read(project, "tests/test_part.py")
    project.file("tests/test_part.py", tests + tests[tests.index("def ") :].replace("three", "two"))
    for page in (ZH, EN):
        project.file(page, read(project, page) + "\nSo.`#!claim two_numbers`\n")
    served.save()
    assert "2" in counted()


def test_a_save_that_changes_nothing_writes_nothing(project: Project, served: Preview) -> None:
    project.file(EN, read(project, EN))
    assert served.save() == set()
    assert "Rendered" not in served.said
    assert "Section" not in served.said


def test_an_edit_of_a_snippet_shows_its_output_and_then_that_the_claims_hold(
    project: Project, served: Preview
) -> None:
    assert mark(served, "index.html") == mark(served, "en/index.html") == "proven"
    edit(project, SCRIPT, '"three numbers:"', '"as many as three:"')
    pages = {"index.html", "index.py", "marks.js"}
    assert served.save() == pages | {f"en/{name}" for name in pages}
    assert "Being proven" in served.read("en/marks.js")
    assert "as many as three" in served.read("index.py")
    for path in ("index.html", "en/index.html"):
        assert "as many as three: True" in served.read(path)
        assert "three numbers:" not in served.read(path)
    assert served.said.count("Section part") == 1

    served.until_proven()
    served.save()
    assert "Section part" not in served.said
    for path in ("index.html", "en/index.html"):
        assert mark(served, path) == "proven"
    assert '"Proven"' in served.read("en/marks.js")
    for path in ("claims/index.html", "en/claims/index.html"):
        assert LexborHTMLParser(served.read(path)).css_first('[data-state="proven"]')


def test_an_edit_of_what_a_claim_says_reaches_its_marks(project: Project, served: Preview) -> None:
    edit(project, "tests/test_part.py", "The list has three numbers.", "It has three numbers.")
    served.save()
    served.until_proven()
    served.save()
    assert "It has three numbers." in served.read("en/marks.js")


def test_a_mark_does_not_say_that_a_claim_is_proven_before_it_is(
    project: Project, served: Preview
) -> None:
    edit(project, "tests/test_part.py", "import after", "import after, shown")
    edit(project, SCRIPT, "numbers = [1, 2, 3]", "import time\n\ntime.sleep(0.3)\nnumbers = [3]")
    served.save()
    assert mark(served, "index.html") == "pending"
    served.until(lambda: "mkdocs build would refuse it" in served.said)


def test_a_claim_that_fails_is_told_and_the_page_is_shown(
    project: Project, served: Preview
) -> None:
    edit(project, SCRIPT, "numbers = [1, 2, 3]", "numbers = [1, 2]")
    served.save()
    assert "three numbers: False" in served.read("en/index.html")
    served.until(lambda: "mkdocs build would refuse it" in served.said)
    for piece in (
        "a claim does not hold: The list has three numbers.",
        "claim    three_numbers",
        "sentence 有三个数。 / There are three.",
        "at       tests/test_part.py:9, docs/zh/index.md:7, docs/en/index.md:7",
    ):
        assert piece in served.said
    assert mark(served, "index.html") != "proven"

    edit(project, SCRIPT, "numbers = [1, 2]", "numbers = [1, 2, 3]")
    served.save()
    served.until_proven()
    served.save()
    assert mark(served, "index.html") == "proven"


def test_an_edit_of_a_claim_alone_is_proven(project: Project, served: Preview) -> None:
    edit(project, "tests/test_part.py", "== [1, 2, 3]", "== [1]")
    served.save()
    served.until(lambda: "mkdocs build would refuse it" in served.said)
    assert "a claim does not hold" in served.said


@pytest.mark.parametrize(
    ("path", "old", "new", "told"),
    [
        (SCRIPT, "numbers.append(4)", "1 / 0", "ZeroDivisionError: division by zero"),
        (SCRIPT, "numbers.append(4)", "numbers.append(4", "SyntaxError: '(' was never closed"),
        (EN, "part.second", "part.none", "there is no snippet 'part.none'"),
        (EN, "{#second}", "", "the heading 'Title' has no id"),
        ("proven.toml", '"made-up"', '"made-up', "proven.toml:1"),
        ("mkdocs.yml", "site_name: Made up", "site_name: [", "mkdocs.yml"),
    ],
)
def test_a_wrong_edit_is_told_at_each_save_and_keeps_the_last_good_site(
    project: Project, served: Preview, path: str, old: str, new: str, told: str
) -> None:
    good, before = read(project, path), contents(served.folder)
    edit(project, path, old, new)
    for _ in range(2):
        assert served.save() == set()
        assert told in served.said
        assert "The last good site stays up" in served.said
        assert "This is a bug" not in served.said
    assert contents(served.folder) == before

    project.file(path, good)
    project.file(EN, read(project, EN) + "\nGood again.\n")
    served.save()
    assert "The last good site stays up" not in served.said
    assert "Good again." in served.read("en/index.html")


def test_what_one_language_lacks_is_told_and_the_page_is_shown(
    project: Project, served: Preview
) -> None:
    edit(project, SCRIPT, "# %% second", "# %% begun\nprint('just begun')\n\n# %% second")
    served.save()
    assert "no page shows the snippet\n  snippet  part.begun" in served.said
    assert "The last good site stays up" not in served.said

    begun = "```snippet\npart.begun\n```\n\n### More {#more}\n\n```snippet\npart.second"
    edit(project, EN, "```snippet\npart.second", begun)
    assert served.save() >= {"en/index.html"}
    assert "just begun" in served.read("en/index.html")
    for told in (
        "the pages in 'zh' do not show the snippet",
        "the headings differ: none / ### more",
        "The page is shown; mkdocs build would refuse it.",
    ):
        assert told in served.said
    assert "The last good site stays up" not in served.said
    with pytest.raises(ProjectError, match="the pages in 'zh' do not show the snippet"):
        read_and_check(read_settings(project.folder))


def test_a_page_says_why_an_edit_is_not_shown(project: Project, served: Preview) -> None:
    page = b"<html><body><p>Good.</p></body></html>"
    assert b"alert" not in served.page(page)
    edit(project, SCRIPT, "numbers.append(4)", "raise ValueError('a <b>')")
    served.save()
    told = served.page(page)
    assert b'<pre role="alert"' in told
    assert b"ValueError: a &lt;b&gt;" in told
    edit(project, SCRIPT, "raise ValueError('a <b>')", "numbers.append(4)")
    edit(project, "mkdocs.yml", "language: zh", "language: en")  # all is built again
    served.save()
    assert b"the language of its theme is en" in served.page(page)
    assert served.said.count("the language of its theme is en") == 1
    edit(project, "mkdocs.yml", "language: en", "language: zh")
    served.save()
    assert b"alert" not in served.page(page)


def test_an_address_that_is_taken_is_told_before_anything_runs() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            ProjectError, match=f"nothing can be served at 127.0.0.1:{port}: .* in use"
        ):
            check_address("127.0.0.1", port)
    check_address("127.0.0.1", port)
    with pytest.raises(ProjectError, match=r"nothing can be served at \S*:99999: .*0-65535"):
        check_address("127.0.0.1", 99999)


def test_a_new_title_is_shown_by_all_pages(project: Project, served: Preview) -> None:
    edit(project, "docs/en/claims.md", "# Claims {#claims}", "# Proofs {#claims}")
    assert "en/notebooks/index.html" in served.save()
    assert "Proofs" in served.read("en/notebooks/index.html")


def test_one_more_exercise_is_counted_by_all_pages(project: Project, served: Preview) -> None:
    more = "\n## Exercises {#exercises .exercises}\n\n### One {#exercise-one}\n\nDo it.\n"
    for path in (ZH, EN):
        project.file(path, read(project, path) + more)
    served.save()
    assert "Documentation built" in served.said  # and not one page only


def test_a_state_that_was_refused_while_pages_were_written_leaves_nothing(
    project: Project, served: Preview
) -> None:
    claims, good = "docs/en/claims.md", read(project, "docs/en/claims.md")
    edit(project, claims, "# Claims {#claims}", "# Wrong {#claims}\n\n[x](nope.png)")
    assert served.save() == set()
    assert "The last good site stays up" in served.said
    project.file(claims, good)
    served.save()
    project.file(EN, read(project, EN) + "\nGood again.\n")
    served.save()
    assert "Good again." in served.read("en/index.html")
    assert "Wrong" not in served.read("en/index.html")
    edit(project, claims, "# Claims {#claims}", "# Proofs {#claims}")
    served.save()
    assert "Proofs" in served.read("en/index.html")


def test_an_edit_of_the_theme_or_of_what_the_configuration_inherits_is_shown(
    project: Project, served: Preview
) -> None:
    edit(project, "base.yml", "as it was", "as it is")
    served.save()
    assert "as it is" in served.read("index.html")
    edit(project, "theme/partials/copyright.html", "{{", "now {{")
    served.save()
    assert "now as it is" in served.read("index.html")


def test_what_an_editor_leaves_beside_a_page_stops_no_preview(
    project: Project, served: Preview
) -> None:
    for name in ("#index.md#", "index.md~", "4913", ".index.md.swp", "index.md.bak"):
        project.file(f"docs/en/{name}", "x")
    edit(project, EN, "There are three.", "There are just three.")
    assert served.save() == {"en/index.html"}
    assert served.said.count("mkdocs build would refuse it") == 4
    with pytest.raises(ProjectError, match="cannot be an address"):
        read_and_check(read_settings(project.folder))


def test_a_new_page_is_served(project: Project, served: Preview) -> None:
    for language in ("zh", "en"):
        project.file(f"docs/{language}/more.md", "# More {#more}\n")
    served.save()
    assert "More" in served.read("more/index.html")
    assert "More" in served.read("en/more/index.html")


def test_no_downloads_are_made_nor_offered(served: Preview) -> None:
    files = contents(served.folder)
    assert not [path for path in files if path.endswith((".ipynb", ".zip", ".html.md"))]
    for path in ("notebooks/index.html", "en/notebooks/index.html"):
        tree = LexborHTMLParser(served.read(path))
        assert not tree.css("a[download], a[href$='.ipynb'], a[href$='.zip']")
    assert "mkdocs build" in LexborHTMLParser(served.read("en/notebooks/index.html")).text()


@pytest.mark.skipif(os.name == "nt", reason="a server is stopped with a signal")
def test_a_browser_gets_what_was_saved_and_the_server_ends_in_the_middle_of_a_build(
    tmp_path: Path,
) -> None:
    project = sound(tmp_path / "project")
    watched = "watch: [docs/en, snippets, tests]\n"
    project.file("mkdocs.yml", read(project, "mkdocs.yml") + watched)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    process = started(project.folder, "serve", "--dev-addr", address)
    limit = threading.Timer(120, process.kill)  # what is waited for may never be said
    limit.start()

    def until(text: str) -> None:
        assert process.stdout
        said = ""
        for line in process.stdout:
            said += line
            if text in line:
                return
        raise AssertionError(said)

    def get(path: str) -> str:
        with urllib.request.urlopen(f"http://{address}/{path}", timeout=60) as answer:
            return str(answer.read().decode())

    try:
        until("Serving on")
        assert "three numbers: True" in get("")
        edit(project, SCRIPT, '"three numbers:"', '"as many as three:"')
        until("Reloading browsers")
        assert "as many as three: True" in get("")
        assert "as many as three: True" in get("en/")
        until("Reloading browsers")  # by itself, once the claim has been proven
        assert 'data-state="proven"' in get("en/")
        assert '"Proven"' in get("en/marks.js?a-hash")

        edit(project, SCRIPT, "numbers.append(4)", "import time\n\ntime.sleep(100)")
        until("Detected file changes")
        time.sleep(0.5)
        process.terminate()
        process.communicate(timeout=30)
        assert process.returncode == 143
        assert not [line for line in processes(str(project.folder)) if "pytest" not in line]
    finally:
        limit.cancel()
        process.kill()
        process.wait()
