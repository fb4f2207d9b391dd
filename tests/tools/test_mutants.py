"""The list of mutants that no test has to notice names none that is gone."""

import tomllib

from proven.scripts import read_sections
from tools.mutants import REASONS, SETTINGS, mutants


def test_each_survivor_with_a_reason_is_still_a_mutant() -> None:
    known = {mutant.key for one in read_sections(SETTINGS)[0].values() for mutant in mutants(one)}
    groups = tomllib.loads(REASONS.read_text(encoding="utf-8"))["survivors"]
    assert [key for group in groups for key in group["mutants"] if key not in known] == []
