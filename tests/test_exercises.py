"""The check of each exercise refuses a solution that is wrong in a likely way."""

import ast

from proven.project import read_project
from proven.settings import read_settings
from tests.helpers.projects import PROJECT

SETTINGS = read_settings(PROJECT)


def refused(code: ast.Module) -> set[str]:
    """The names and texts in the tests that expect an AssertionError, and in what is made for these."""
    found, expecting = set[str](), {"AssertionError"}
    for node in code.body:
        parts = [getattr(p, "attr", getattr(p, "id", None)) for p in ast.walk(node)]
        if not expecting.isdisjoint(parts) or isinstance(node, ast.AnnAssign):
            found |= {p.value for p in ast.walk(node) if isinstance(p, ast.Constant)}
            found |= {part for part in parts if part}
            # a helper of the tests that follow, or what they expect
            expecting |= {getattr(node, "name", "")} - {""}
            expecting |= {target.id for target in getattr(node, "targets", [])}
    return found


def test_the_check_of_each_exercise_has_a_test_in_which_it_refuses() -> None:
    project = read_project(SETTINGS)
    exercises, checks = 0, dict[tuple[str, str], str]()
    for page in project.pages["en"].values():
        exercises += sum(heading.id.startswith("exercise-") for heading in page.headings)
        for fence in page.shown:
            snippet = project.snippets[fence.body.strip()]
            for node in ast.parse(snippet.source).body:
                if isinstance(node, ast.FunctionDef) and node.name.startswith("check_"):
                    checks[snippet.name.split(".")[0], node.name] = page.at(fence.line)
    assert len(checks) >= exercises > 40
    told = dict[str, set[str]]()
    for section in {section for section, _ in checks}:
        path = PROJECT / SETTINGS.tests / f"test_{section}.py"
        told[section] = refused(ast.parse(path.read_text("utf-8")))
    missing = {
        name: place
        for (section, name), place in checks.items()
        # a test may have the names of snippets, as in check-any-size
        if not {name, name[6:], name[6:].replace("_", "-")} & told[section]
    }
    assert missing == {}
