"""What `make mutants` tells of a small section, and that its list names no mutant that is gone."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

from proven.scripts import read_sections
from tests.helpers.projects import PROJECT, Project
from tools.mutants import REASONS, SETTINGS, mutants

SCRIPT = """# %% first
words = ["b", "a"]
with open("kept.txt", "w") as file:
    print(len(words), file=file)
print(len(words))

# %% second
words.sort()
with open("kept.txt") as file:
    print(file.read().strip(), "kept")

# %% third
total = 40 + 2
print("sorted:", words == ["a", "b"])
"""
TESTS = """from proven.testing import after, shown


def test_it_sorts():
    \"\"\"It sorts.

    它排序。
    \"\"\"
    assert after("part.second").words == ["a", "b"]


def test_it_says_so():
    \"\"\"It says so.

    它这么说。
    \"\"\"
    assert shown("part.third").output == "sorted: True\\n"


def test_two_are_kept():
    assert "2" in shown("part.second").output
"""
LISTED = """[[survivors]]
reason = "any number would do"
mutants = ["part.third: 2 → 3"]
"""


def try_all(folder: Path) -> tuple[int, list[str]]:
    """Try the mutants of the section; return the exit status and what it printed below the definition."""
    (folder / "tools").mkdir()
    (folder / "tools" / "mutants.toml").write_text(LISTED, encoding="utf-8")
    command = [sys.executable, "-m", "tools.mutants", "part"]
    env = os.environ | {"PYTHONPATH": str(PROJECT)}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, encoding="utf-8")
    assert done.stderr == ""
    return done.returncode, done.stdout.partition("part: 20 mutants\n")[2].splitlines()


def test_each_survivor_with_a_reason_is_still_a_mutant() -> None:
    known = {mutant.key for one in read_sections(SETTINGS)[0].values() for mutant in mutants(one)}
    groups = tomllib.loads(REASONS.read_text(encoding="utf-8"))["survivors"]
    assert [key for group in groups for key in group["mutants"] if key not in known] == []


def test_it_tells_what_noticed_a_mutant_and_which_one_nothing_does(tmp_path: Path) -> None:
    folder = Project(tmp_path, SCRIPT, tests=TESTS).write()
    status, told = try_all(folder)
    wrong = {line.removesuffix(" survives without a reason") for line in told if "survives" in line}
    assert wrong == {
        "part.first: print(len(words)) → pass",
        "part.first: print(len(words)) → len(words)",
        "part.first: len(words) → words (2)",
        "part.second: file.read().strip() → file.read()",
        "part.third: total = 40 + 2 → pass",
        "part.third: 40 + 2 → 40 - 2",
        "part.third: 40 → 41",
    }
    assert "    changes part.first: NO REASON" in told
    assert "    changes variable total: any number would do" in told
    assert (
        "  20 tried, 12 killed (3 by build, 4 by claim, 5 by test, 0 by time), 8 survived, "
        "0 like the original: 60.0%"
    ) in told
    assert told[-1] == "less than 95% are killed"
    assert status == 1


def test_a_section_that_fails_is_told(tmp_path: Path) -> None:
    folder = Project(tmp_path, SCRIPT, tests=TESTS.replace("True", "False")).write()
    status, told = try_all(folder)
    assert (status, told) == (1, ["part: the section itself fails, claim it_says_so"])
