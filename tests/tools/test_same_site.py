"""What the comparison of two sites tells, what it lets pass, and that it says why."""

from pathlib import Path

import pytest

from tools.same_site import main

PAGE = """<title>T</title><nav class="md-sidebar"><a href="./">Home</a></nav>
<article><h1 id="t">T</h1><p>Text, <a href="../x/">there</a>.</p>
<div class="snippet" data-snippet="a.b" data-state="ran"><div class="snippet-result">1</div></div>
<p><span class="claim" data-state="proven">yes</span></p></article>"""


def compared(tmp_path: Path, files: dict[str, str]) -> int:
    """Compare a site with the one that has other files besides or instead."""
    for site, own in {"before": {}, "after": files}.items():
        for name, text in {"p/index.html": PAGE, "a.ipynb": "{}", **own}.items():
            path = tmp_path / site / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return main(str(tmp_path / "before"), str(tmp_path / "after"))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("<title>T", "<title>U", "head"),
        (">Home<", ">Start<", "around"),
        ('id="t"', 'id="u"', "headings"),
        (">1<", ">2<", "snippets"),
        ("proven", "skipped", "marks"),
        ("Text", "Words", "prose"),
        ("../x/", "../y/", "links"),
        ("<title>", "<script src='https://example.org/x.js'></script><title>", "loads"),
        ("<title>", "<link rel='stylesheet' href='//example.org/x.css'><title>", "loads"),
        ("<p>", '<p id="t">', "twice"),
    ],
)
def test_each_difference_of_a_page_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, told: str
) -> None:
    assert compared(tmp_path, {"p/index.html": PAGE.replace(old, new, 1)}) == 1
    assert capsys.readouterr().out.startswith(f"p/index.html: {told}\n")


@pytest.mark.parametrize(("name", "told"), [("a.ipynb", "not the same"), ("b.txt", "only after")])
def test_other_files_have_to_be_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, told: str
) -> None:
    assert compared(tmp_path, {name: "other"}) == 1
    assert capsys.readouterr().out == f"{name}: {told}\n"


def test_what_may_differ_is_told_with_its_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    same = PAGE.replace('"./"', '"././index.html"')  # the same address
    assert compared(tmp_path, {"search.json": "{}", "p/index.html": same}) == 0
    left, rest = capsys.readouterr().out.splitlines()
    assert left.startswith("Left (1 files): the index of the search")
    assert rest == "All else is the same."
