"""Finds the solutions of exercises whose check does not say that it has run."""

import ast

from proven.testing import section, shown


def silent(name: str) -> list[str]:
    """The snippets of a section that call checks, and do not say `checked` for each call.

    What is called is a function whose name begins with `check_`; a snippet that raises an error may stop before.
    """
    snippets, found, called = section(name).snippets, [], set[str]()
    shown(snippets[-1].name)  # the outcomes of all are kept
    for snippet in snippets:
        calls = [
            node.value.func.id
            for node in ast.parse(snippet.source).body
            if isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Name)
            and node.value.func.id.startswith("check_")
        ]
        called.update(calls)
        outcome = shown(snippet.name)
        said = outcome.output.count("checked")
        if said < len(calls) and outcome.state == "ran":
            found.append(f"{snippet.name}: {calls} said so {said} times")
    return found + [f"{name} is never called" for name in _checks(name) - called]


def _checks(name: str) -> set[str]:
    tree = ast.parse("\n".join(snippet.source for snippet in section(name).snippets))
    functions = (node.name for node in tree.body if isinstance(node, ast.FunctionDef))
    return {name for name in functions if name.startswith("check_")}
