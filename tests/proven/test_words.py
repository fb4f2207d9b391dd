"""The engine's phrases: complete in each of its languages, and replaceable by a project."""

import re
import string
from pathlib import Path

import pytest

from proven.problems import ProjectError
from proven.settings import Settings
from proven.words import WORDS, Words
from proven.worker import Machine
from tests.helpers.sites import CPU, GPUS

CUDA = {"cuda": {"module": "none", "count": "0"}}


def words(language: str, devices: bool = True, **own: dict[str, str]) -> Words:
    packages = ("numpy",)
    kinds = CUDA if devices else {}
    return Words(
        Settings(Path(), "", ("en",), ("en",), packages=packages, devices=kinds, words=own),
        language,
    )


@pytest.mark.parametrize("language", WORDS)
def test_every_language_of_the_engine_has_all_phrases_with_the_same_gaps(language: str) -> None:
    def gaps(phrase: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(phrase) if name}

    assert WORDS[language].keys() == WORDS["en"].keys()
    different = [k for k, phrase in WORDS[language].items() if gaps(phrase) != gaps(WORDS["en"][k])]
    assert [k for k in different if not k.endswith("-one")] == []


def test_every_phrase_is_used() -> None:
    engine = Path(__file__).parents[2]
    files = [*engine.glob("proven/**/*.py"), *engine.glob("docs/theme/**/*.html")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    made = {f"{kind}-{key}" for kind in ("cuda", "device") for key in ("one", "many", "none")}
    made |= {"proven", "recorded", "pending"}
    unused = {
        key for key in WORDS["en"].keys() - made if not re.search(rf"""["']{key}["']""", text)
    }
    assert unused == set()


def test_a_project_may_have_phrases_of_its_own() -> None:
    french = words("fr", fr={"output": "Sortie"}, en={"output": "Printed"})
    assert (french("output"), french("error")) == ("Sortie", "Error")
    assert words("en", en={"output": "Printed"})("output") == "Printed"
    assert words("zh", en={"output": "Printed"})("output") == "输出"


@pytest.mark.parametrize(
    ("language", "count", "had", "told"),
    [
        ("en", 1, 0, "This code needs one CUDA GPU, and this build had no CUDA device."),
        ("en", 2, 1, "This code needs 2 CUDA GPUs, and this build had only 1."),
        ("zh", 1, 0, "这段代码需要 1 块 CUDA GPU，而这次构建没有 CUDA 设备。"),
        ("zh", 2, 1, "这段代码需要 2 块 CUDA GPU，而这次构建只有 1 块。"),
    ],
)
def test_what_did_not_run_says_why(language: str, count: int, had: int, told: str) -> None:
    assert words(language).needs("cuda", count, had) == told


@pytest.mark.parametrize(
    ("machine", "devices", "told"),
    [
        (CPU, True, "a CPU (no CUDA device)"),
        (CPU, False, "a CPU"),
        (GPUS, True, "Made-up GPU 80GB, Made-up GPU 80GB"),
    ],
)
def test_a_site_says_what_made_its_outputs(machine: Machine, devices: bool, told: str) -> None:
    assert words("en", devices).ran_on(machine) == (
        f"The outputs on this site were made by numpy 2.4.0 and Python 3.13.0 on {told}."
    )


@pytest.mark.parametrize(
    ("state", "machine", "told"),
    [
        ("proven", CPU, "This build ran its test with numpy 2.4.0 on a CPU (no CUDA device)."),
        ("proven", GPUS, "This build ran its test with numpy 2.4.0 on 2 × Made-up GPU 80GB."),
        ("skipped", CPU, "Its test needs 3 CUDA GPUs, and this build had no CUDA device."),
        ("skipped", GPUS, "Its test needs 3 CUDA GPUs, and this build had only 2."),
        ("pending", CPU, "The page is new, and its test is running."),
    ],
)
def test_a_claim_says_with_what_it_was_proven(state: str, machine: Machine, told: str) -> None:
    assert words("en").proven(3, state, machine, None) == told


def test_sentences_are_joined_as_the_language_does() -> None:
    assert words("en").joined("One.", "", "Two.") == "One. Two."
    assert words("zh").joined("一。", "二。") == "一。二。"


def test_a_project_without_packages_names_python_alone() -> None:
    bare = Words(Settings(Path(), "", ("en",), ("en",)), "en")
    assert bare.ran_on(CPU) == "The outputs on this site were made by Python 3.13.0 on a CPU."
    assert bare.proven(0, "proven", CPU, None) == (
        "This build ran its test with Python 3.13.0 on a CPU."
    )


@pytest.mark.parametrize("phrase", ["{missing}", "{", "{0}", "{size.x}", "{size:x}"])
def test_a_phrase_that_cannot_be_filled_is_told_with_its_place(phrase: str) -> None:
    with pytest.raises(
        ProjectError, match=r"the phrase size of \[words\.en\] cannot be filled"
    ) as error:
        words("en", en={"size": phrase})("size", size=1.5)
    assert "its gaps can be {size}" in str(error.value)
    assert "proven.toml:1" in str(error.value)
