"""A snippet as HTML: what came out of it is text, whatever it looks like."""

import xml.etree.ElementTree as ElementTree

from markdown import Markdown

from snippets.engine.fences import inline_math, inline_svg
from tests.conftest import mkdocs_here
from tests.engine.projects import Project, page


def test_output_is_shown_as_text_and_never_as_html(project: Project) -> None:
    project.script = (
        '# %% one\nprint("<script>alert(1)</script> &amp; <b>bold</b>")\n'
        '# %% two raises="ValueError"\nraise ValueError("<img src=x onerror=alert(2)>")\n'
    )
    folder = project.write()
    assert mkdocs_here(folder, "build").returncode == 0
    html = (folder / "site" / "index.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp;amp; &lt;b&gt;bold" in html
    assert "<script>alert(1)" not in html
    assert "ValueError: &lt;img src=x onerror=alert(2)&gt;" in html
    assert "<img src=x" not in html


def test_a_figure_needs_a_description_and_a_description_a_figure(project: Project) -> None:
    project.script = "# %% one\nimport matplotlib.pyplot as plt\nplt.plot([1])\n"
    done = mkdocs_here(project.write(), "build")
    assert done.returncode != 0
    assert "its figure is not described" in done.stdout
    assert "docs/zh/index.md:3" in done.stdout

    project.script = "# %% one\nx = 1\n"
    project.pages = dict.fromkeys(
        ("zh", "en"), page("part.one").replace("```snippet", '```snippet alt="a figure"')
    )
    done = mkdocs_here(project.write(), "build")
    assert done.returncode != 0
    assert "it draws nothing" in done.stdout


def test_an_unknown_option_of_a_fence_is_refused(project: Project) -> None:
    project.pages = dict.fromkeys(
        ("zh", "en"), page("part.one").replace("```snippet", '```snippet size="big"')
    )
    done = mkdocs_here(project.write(), "build")
    assert done.returncode != 0
    assert "no option size" in done.stdout


def test_an_inlined_figure_is_well_formed_and_takes_the_colour_of_the_text() -> None:
    svg = (
        '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="10pt" height="5pt" '
        'viewBox="0 0 10 5"><metadata>x</metadata><defs><path id="p" style="stroke: #000000"/></defs>'
        '<g clip-path="url(#p)"/></svg>'
    )
    inlined = inline_svg(svg, "part.one", 2, 'a "b" <c>')
    root = ElementTree.fromstring(inlined)
    assert root.get("role") == "img"
    assert root.get("aria-label") == 'a "b" <c>'
    assert root.get("width") == "13"  # 10 points; the style sheet lets it shrink
    assert root.get("height") is None
    assert "style" not in inlined
    assert 'stroke="currentColor"' in inlined
    assert 'id="part-one-2-p"' in inlined
    assert "url(#part-one-2-p)" in inlined
    assert "currentColor" in inlined
    assert "metadata" not in inlined


def test_mathematics_needs_no_script() -> None:
    html = inline_math(r"\sigma = 0.01", "math", "math", Markdown())
    assert html.startswith("<math")
    assert "<script" not in html
