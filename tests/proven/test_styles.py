"""Style sheets hold what the pages and scripts of a site can use, and nothing else is changed."""

from pathlib import Path

import pytest

from proven.styles import cut, cut_styles


@pytest.mark.parametrize(
    ("css", "kept"),
    [
        (".a { color: red }", ".a{color: red}"),
        (".lost { color: red }", ""),
        (".a, .lost, p > .b:hover { x: y }", ".a,p > .b:hover{x: y}"),
        (".a.lost { x: y }", ""),
        (":is(.a, .lost) { x: y }", ":is(.a, .lost){x: y}"),
        ("p:not(.lost) { x: y }", "p:not(.lost){x: y}"),
        ("#id, [data-x='.lost'] { x: y }", "#id,[data-x=\".lost\"]{x: y}"),
        ("/* why */ p { /* what */ x: y }", "p{x: y}"),
        ("@media print { .lost { x: y } }", ""),
        ("@media print { .lost { x: y } .a { x: y } }", "@media print{.a{x: y}}"),
        ("@supports (x: y) { @media print { .a { x: y } } }", "@supports (x: y){@media print{.a{x: y}}}"),
        ("@keyframes k { from { x: y } }", "@keyframes k { from { x: y } }"),
        (r'.a::before { content: "\201c,.lost{}" }', r'.a::before{content: "“,.lost{}"}'),
    ],
)  # fmt: skip
def test_rules_for_what_is_nowhere_go(css: str, kept: str) -> None:
    assert cut(css, {"a", "b"}) == kept


def test_classes_of_all_pages_and_all_words_of_scripts_count(tmp_path: Path) -> None:
    files = {
        "index.html": '<p class="one two">three</p>',
        "en/index.html": "<p class=four>",
        "assets/a.js": 'node.classList.add("five")',
        "assets/a.css": "".join(
            f".{name}{{x:y}}" for name in ("one", "two", "three", "four", "five")
        ),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    cut_styles(tmp_path)
    assert (tmp_path / "assets" / "a.css").read_text() == ".one{x:y}.two{x:y}.four{x:y}.five{x:y}"
