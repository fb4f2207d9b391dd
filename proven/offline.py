"""Packs the finished site into a zip file whose pages work when they are opened from disk.

A browser that opens a folder from disk shows no `index.html`, fetches no JSON and starts no worker.
So links name the file, the search index becomes a script, and a shim stands in for the worker.
Building the site a second time, without directory URLs, would take as long as the first time.
"""

import json
import posixpath
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from selectolax.lexbor import LexborHTMLParser

from proven.files import zipped
from proven.finish import ONLINE, POLICY
from proven.prose import relative

SHIM = "assets/iframe-worker.js"
INDEX = re.compile(r"(?<![^/])search(/search_index)?\.json$")  # Zensical's is above the folder
LEFT_OUT = re.compile(
    r"(404\.html|sitemap\.xml|\.map|-offline\.zip)$|(^|/)assets/cards/|^\.proven\.json"
)


def write_offline_copy(site: Path, name: str) -> None:
    """Put the zip file into the finished site."""
    contents = ((f"{name}/{path}", content) for path, content in sorted(_files(site).items()))
    (site / f"{name}-offline.zip").write_bytes(zipped(contents))


def _files(site: Path) -> dict[str, bytes]:
    """The contents of the files by their path, such as `en/blocks/index.html`."""
    files = {SHIM: Path(__file__).with_name("iframe-worker.js").read_bytes()}
    for path in sorted(site.rglob("*")):
        name = path.relative_to(site).as_posix()
        if path.is_dir() or LEFT_OUT.search(name):
            continue
        content = path.read_bytes()
        if name.endswith(".html"):
            content = _page(content.decode(), name, site).encode()
        elif index_of := INDEX.search(name):
            index = json.loads(content)
            for entry in index["docs" if "docs" in index else "items"]:
                url = _file(f"./{entry['location']}", site / name[: index_of.start()])
                entry["location"] = url.removeprefix("./")
            name = name.removesuffix("json") + "js"
            content = f"var __index = {json.dumps(index, ensure_ascii=False)}".encode()
        elif name.endswith("workers/terms.js"):
            # importScripts of the shim does not wait: the other script is put in
            [theirs] = path.parent.glob("search.*.min.js")
            imports = b"importScripts(location.search.slice(1));"
            content = content.replace(imports, theirs.read_bytes())
        files[name] = content
    return files


def _page(html: str, name: str, site: Path) -> str:
    """Let the links of a page name files, and its policy allow them; drop the offer of this very file."""
    tree = LexborHTMLParser(html)
    for offer in tree.css(ONLINE):
        offer.decompose()
    for policy in tree.css(POLICY):  # not every browser takes a file for the site's own
        policy.attrs["content"] = (policy.attrs["content"] or "").replace("'self'", "'self' file:")
    for tag in tree.css("a[href], link[href]"):
        tag.attrs["href"] = _file(tag.attrs["href"] or "", (site / name).parent)
    script = tree.create_node("script")
    script.attrs["src"] = relative(SHIM, name)
    tree.css("head")[0].insert_child(script)
    return tree.html or ""


def _file(url: str, folder: Path) -> str:
    """The address of the file that a server would send for a relative address."""
    parts = urlsplit(url)
    elsewhere = not parts.path or parts.scheme or parts.netloc or parts.path.startswith("/")
    if elsewhere or not (folder / unquote(parts.path)).is_dir():
        return url
    return parts._replace(path=posixpath.join(parts.path, "index.html")).geturl()
