"""Style sheets hold what the pages and scripts of a site can use, and nothing else is changed."""

from pathlib import Path

import pytest

from proven.styles import cut, cut_styles, without_variables


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
        ("[type=a] { x: y } [type=c], [type='d'] { x: y }", "[type=a]{x: y}[type=\"d\"]{x: y}"),
        ("[hidden], [any=c], [type^=c] { x: y }", "[hidden],[any=c],[type^=c]{x: y}"),
        ("@media print { .lost { x: y } }", ""),
        ("@media print { .lost { x: y } .a { x: y } }", "@media print{.a{x: y}}"),
        ("@supports (x: y) { @media print { .a { x: y } } }", "@supports (x: y){@media print{.a{x: y}}}"),
        ("@keyframes k { from { x: y } }", "@keyframes k { from { x: y } }"),
        (r'.a::before { content: "\201c,.lost{}" }', r'.a::before{content: "“,.lost{}"}'),
    ],
)  # fmt: skip
def test_rules_for_what_is_nowhere_go(css: str, kept: str) -> None:
    assert cut(css, {"a", "b", "type=a", "type=d", "any="}) == kept


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


@pytest.mark.parametrize(
    ("css", "kept"),
    [
        ("p{--lost:1;color:var(--a)}", "p{color:var(--a)}"),
        ("p{--a:1;--lost:2}", "p{--a:1;}"),
        ("p{--lost: url('data:x;{}--a:1;');--a: 1}", "p{--a: 1}"),
        ('p{--lost:"--a:1;"}q{color:var(--lost-too, 1)}', "p{}q{color:var(--lost-too, 1)}"),
        ("a--lost:hover{x:y}", "a--lost:hover{x:y}"),
    ],
)
def test_variables_for_which_nothing_asks_go(css: str, kept: str) -> None:
    assert without_variables(css, {"--a"}) == kept


def test_a_variable_goes_with_the_one_that_asked_for_it(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text('<p style="--page:1"><q data-set="one">')
    script = "node.dataset.fromScript = x; node.dataset.short = x; y = '--script'"
    (tmp_path / "a.js").write_text(script)
    rules = ":root{--one:1;--two:var(--one);--three:3;--page:4;--script:5}"
    given = "q[data-from-script=two]{x:y}q[data-short=two]{x:y}"
    rules += f"p{{x:var(--three)}}q[data-set=one]{{x:y}}q[data-set=two]{{x:y}}{given}"
    (tmp_path / "a.css").write_text(rules)
    cut_styles(tmp_path)
    kept = ":root{--three:3;--page:4;--script:5}"
    kept += f"p{{x:var(--three)}}q[data-set=one]{{x:y}}{given}"
    assert (tmp_path / "a.css").read_text() == kept
