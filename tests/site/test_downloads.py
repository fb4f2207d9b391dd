"""The page that lists what can be downloaded and shows one notebook."""

import re
from pathlib import Path
from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser, LexborNode

from tests.helpers.site import (
    LANGUAGES,
    NAME,
    NOTEBOOKS,
    attribute,
    every_language,
    one,
    parsed,
    read_notebook,
    title,
)

SHOWN = "together"


def rows(tree: LexborHTMLParser) -> list[LexborNode]:
    return tree.css("table.downloads tr")


def notebook(site: Path, language: str) -> LexborNode:
    return one(parsed(site, language, "notebooks/"), ".jupyter-wrapper")


@every_language
def test_every_file_is_listed_with_its_title_and_its_size(site: Path, language: str) -> None:
    root = LANGUAGES[language]
    listed = rows(parsed(site, language, "notebooks/"))
    links = [attribute(one(row, "a[download]"), "href") for row in listed]
    paths = [urljoin(f"{root}notebooks/", link) for link in links]
    files = [f"{root}notebooks/{name}.{language}.ipynb" for name in NOTEBOOKS]
    assert paths == [*files, f"notebooks/{NAME}-notebooks.zip"]
    made = {path.relative_to(site).as_posix() for path in (site / root / "notebooks").glob("*.*")}
    assert {name for name in made if name.endswith(("ipynb", "zip"))} <= set(paths)
    for row, path in zip(listed, paths, strict=True):
        told = re.findall(r"^(\d+) KB$", one(row, "td:nth-child(3)").text())
        assert told == [str(round((site / path).stat().st_size / 1000))], path
    for row, name in zip(listed, NOTEBOOKS, strict=False):
        assert one(row, "th").text() == read_notebook(site, language, name).metadata.title


@every_language
def test_each_notebook_opens_in_colab_where_the_repository_is_known(
    site: Path, themed: Path, language: str
) -> None:
    links = [
        [attribute(a, "href") for a in row.css("a:not([download])")]
        for row in rows(parsed(themed, language, "notebooks/"))
    ]
    colab = "https://colab.research.google.com/github/somebody/notes/blob/notebooks"
    assert links == [[f"{colab}/index.{language}.ipynb"], []]  # the archive does not
    assert not parsed(site, language, "notebooks/").css("td:nth-child(4)")


@every_language
def test_the_notebook_is_shown_cell_by_cell(site: Path, language: str) -> None:
    shown, made = notebook(site, language), read_notebook(site, language, SHOWN)
    code = [cell for cell in made.cells if cell.cell_type == "code"]
    assert [tag.text().strip() for tag in shown.css(".highlight code")] == [
        cell.source.strip() for cell in code
    ]
    outputs = [output for cell in code for output in cell.outputs]
    pictures = [o.data["text/plain"] for o in outputs if "image/svg+xml" in o.get("data", {})]
    assert [attribute(tag, "alt") for tag in shown.css("img")] == pictures
    assert pictures
    texts = [o.text.strip() for o in outputs if o.output_type == "stream"]
    errors = [o.traceback for o in outputs if o.output_type == "error"]
    texts_and_errors = [tag.text().strip() for tag in shown.css(".jp-OutputArea pre")]
    assert [text for text in texts_and_errors if text in texts] == texts
    assert len(texts_and_errors) == len(texts) + len(errors)
    for label, error in errors:
        assert [text for text in texts_and_errors if label in text and error in text]
    headings = [tag.text() for tag in shown.css("[role=heading]")]
    page = parsed(site, language, f"{SHOWN}/").css("article :is(h1, h2, h3)")
    assert headings == [title(tag) for tag in page]


@every_language
def test_the_notebook_brings_nothing_along(site: Path, language: str) -> None:
    shown = notebook(site, language)
    assert not shown.css("script, style, link, iframe, clipboard-copy, h1, h2, .anchor-link")
    assert "$" not in "".join(tag.text() for tag in shown.css(".jp-RenderedMarkdown"))
    for picture in shown.css("img"):  # of a known size, so that nothing moves when it is there
        assert picture.attributes["src"] is not None
        assert attribute(picture, "src").startswith("data:image/svg+xml;base64,")
        assert min(int(attribute(picture, side)) for side in ("width", "height")) > 100
