"""Faults that a build finds before anything runs: planted in scripts, pages and records."""

import json
from collections.abc import Callable

import pytest

from snippets.engine.scripts import read_section
from tests.faults.chapter import PAGE, SECTION, Chapter, fails

SCRIPT = f"snippets/{SECTION}.py"
ZH, EN = f"docs/zh/{PAGE}", f"docs/en/{PAGE}"
NAME = f"{SECTION}.dry-run"
FENCE = f"```snippet\n{NAME}\n```\n"
HEADING = "{#dry-run}"
PICTURE = "![A diagram](../diagram.svg)"

Plant = Callable[[Chapter], list[str]]


def add(text: str, what: str, *pages: str) -> Plant:
    """Plant text at the end of pages; the build must say `what`, and the line of its first row."""

    def plant(chapter: Chapter) -> list[str]:
        for page in pages:
            chapter.write(page, f"{chapter.read(page)}\n{text}\n")
        row = text.split("\n")[0]
        return [what, *(chapter.place(page, row, last=True) for page in pages[:1])]

    return plant


def marker(given: str, what: str) -> Plant:
    """Plant the marker of a cell; the build must say `what`, and its line."""

    def plant(chapter: Chapter) -> list[str]:
        chapter.replace(SCRIPT, '# %% dry-run fold="output"\n', f"{given}\n")
        return [what, chapter.place(SCRIPT, given, last=True)]

    return plant


def unknown_snippet(chapter: Chapter) -> list[str]:
    chapter.replace(EN, f"{NAME}\n", f"{NAME}s\n")
    line = int(chapter.place(EN, f"{NAME}s").split(":")[1]) - 1
    return [f"there is no snippet '{NAME}s'", f"{EN}:{line}"]


def snippet_shown_never(chapter: Chapter) -> list[str]:
    for page in (ZH, EN):
        chapter.replace(page, FENCE, "")
    place = chapter.place(SCRIPT, "X = torch.ones(2, 20)")
    return [f"no page shows the snippet\n  snippet  {NAME}\n  at       {place}\n"]


def snippet_in_one_language(chapter: Chapter) -> list[str]:
    places = f"{chapter.fences(NAME)[0]}, {chapter.place(SCRIPT, 'X = torch.ones(2, 20)')}"
    chapter.replace(EN, FENCE, "")
    what = "the pages in 'en' do not show the snippet"
    return [f"{what}\n  snippet  {NAME}\n  at       {places}\n"]


def page_in_one_language(chapter: Chapter) -> list[str]:
    chapter.write("docs/en/more.md", "# More {#more}\n")
    return ["the page more.md exists in one language only", "docs/en/more.md:1"]


def heading_in_one_language(chapter: Chapter) -> list[str]:
    heading = next(line for line in chapter.read(EN).split("\n") if HEADING in line)
    chapter.replace(EN, heading, "")
    return ["the headings differ: ## dry-run / ", chapter.place(ZH, HEADING)]


def claim_in_one_language(chapter: Chapter) -> list[str]:
    mark = "`#!claim size_gives_a_placeholder`"
    place = chapter.place(ZH, mark)
    chapter.replace(EN, mark, "")
    return ["the claims differ in order: size_gives_a_placeholder / ", place]


def alt_in_one_language(chapter: Chapter) -> list[str]:
    alt = next(line for line in chapter.read(EN).split("\n") if line.startswith("```snippet alt="))
    places = f"{chapter.place(ZH, '```snippet alt=')}, {chapter.place(EN, alt)}"
    chapter.replace(EN, alt, "```snippet")
    return ["one language only describes its figure", f"  at       {places}\n"]


def other_command(chapter: Chapter) -> list[str]:
    page = "docs/{}/index.md"
    chapter.replace(page.format("en"), "python -m snippets run blocks\n", "python -m snippets\n")
    places = (chapter.place(page.format(language), "```sh", last=True) for language in ("zh", "en"))
    what = "the fences differ: python -m snippets run blocks / python -m snippets\n"
    return [f"{what}  at       {', '.join(places)}\n"]


def other_formula(chapter: Chapter) -> list[str]:
    page = "docs/{}/custom-layers.md"
    places = [chapter.place(page.format(language), "```math") for language in ("zh", "en")]
    text = chapter.read(page.format("en"))
    chapter.write(page.format("en"), text.replace("```math\n", "```math\n1 + ", 1))
    return ["the fences differ: ", f"  at       {', '.join(places)}\n"]


def syntax_error(chapter: Chapter) -> list[str]:
    chapter.replace(SCRIPT, "X = torch.ones(2, 20)\n", "X = torch.ones(2, 20\n")
    return ["SyntaxError: '(' was never closed", chapter.place(SCRIPT, "X = torch.ones(2, 20")]


def record(snippet: str, what: str, state: str = "ran") -> Plant:
    """Plant a record that has the hash of the script, and holds one snippet."""

    def plant(chapter: Chapter) -> list[str]:
        path = "snippets/records/gpu.made-up-gpu-x1.json"
        section = read_section(chapter.folder / "snippets" / "gpu.py")
        machine = {"torch": "2", "cuda": "13", "python": "3", "platform": "Linux"}
        outcome = {"name": snippet, "state": state, "output": [""], "error": None, "figures": []}
        data = {
            "section": "gpu",
            "sha256": section.sha256,
            "machine": {**machine, "devices": ["Made-up GPU"]},
            "date": "2026-11-23",
            "commit": None,
            "outcomes": [outcome],
            "claims": {},
        }
        chapter.write(path, json.dumps(data, indent=1))
        return [what, chapter.place(path, snippet)]

    return plant


FAULTS: dict[str, Plant] = {
    "unknown snippet": unknown_snippet,
    "snippet shown twice": add(FENCE, f"the snippet is shown twice\n  snippet  {NAME}", ZH),
    "snippet shown never": snippet_shown_never,
    "snippet that one language has": snippet_in_one_language,
    "page that one language has": page_in_one_language,
    "heading that one language has": heading_in_one_language,
    "heading without an id": add("## More", "the heading 'More' has no id", ZH),
    "fence that one language has": add("```sh\nls\n```", "the fences differ: sh / none", ZH),
    "claim that one language has": claim_in_one_language,
    "claim that no test proves": add("So.`#!claim so_it_is`", "no test proves it", EN),
    "picture that one language has": add(
        PICTURE, "one language only has the picture ../diagram.svg", ZH
    ),
    "figure that one language describes": alt_in_one_language,
    "dead link": add("[there](nowhere.md)", "the link 'nowhere.md' leads to no page", EN),
    "dead anchor": add(
        "[there](blocks.md#nowhere)",
        "the page blocks.md has no heading or other place 'nowhere'",
        EN,
    ),
    "dead anchor on the same page": add(
        "[there](#nowhere)", f"the page {PAGE} has no heading or other place 'nowhere'", EN
    ),
    "duplicate id": add("## Again {#dry-run}", "the page has the id 'dry-run' twice", EN),
    "fence that is never closed": add("```sh\nls", "the fence is never closed", EN),
    "Python on a page": add("```python\nx = 1\n```", "a fence of the language 'python'", EN),
    "Python inside a sentence": add("So `#!python x = 1`.", "code of the language 'python'", EN),
    "translation with another command": other_command,
    "translation with another formula": other_formula,
    "record of an unknown snippet": record("gpu.none", "the record holds gpu.none, and the script"),
    "record of a snippet that needs no GPU": record(
        "gpu.setup", "the record holds gpu.setup, which needs 0 device(s), and is of 1"
    ),
    "broken script": syntax_error,
    "marker with an unknown key": marker(
        '# %% dry-run run="no"', "the marker of 'dry-run' has an unknown key: run"
    ),
    "marker with an unknown need": marker(
        '# %% dry-run needs="tpu"', "'dry-run' needs 'tpu', which is no number of CUDA devices"
    ),
    "marker of another cell": marker("# %% before-after", "a second cell is called 'before-after'"),
    "marker of prose": marker("# %% [markdown]", "a markdown cell: prose lives on the pages"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_build_with_a_fault_says_where_and_leaves_all_as_it_was(
    chapter: Chapter, fault: str
) -> None:
    fails(chapter, FAULTS[fault](chapter))
