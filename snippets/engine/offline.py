"""Packs the finished site into a zip file whose pages work when they are opened from disk.

A browser that opens a folder from disk shows no `index.html`, fetches no JSON and starts no worker.
So links name the file, the search index becomes a script, and a shim stands in for the worker.
Building the site a second time, without directory URLs, would take as long as the first time.
"""

import json
import posixpath
import re
import zipfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

ARCHIVE = "proven-notes-offline.zip"
FOLDER = "proven-notes"  # what it unpacks to

SHIM = "assets/iframe-worker.js"
LINK = re.compile(r"""<(?:a|link)\s(?:[^<>"']|"[^"]*"|'[^']*')*>""")
TARGET = re.compile(r"""(?<=\shref=")[^"?#]+|(?<=\shref=')[^'?#]+""")
# What makes no sense on disk: the offer of this file, and the policy, which forbids what the shim does.
ONLINE = re.compile(
    r"""<!-- online -->.*?<!-- /online -->|<meta http-equiv="Content-Security-Policy"[^>]*>""",
    re.DOTALL,
)
LEFT_OUT = re.compile(r"(404\.html|sitemap\.xml|\.map)$|(^|/)assets/cards/|^" + re.escape(ARCHIVE))


def write(site: Path) -> None:
    """Put the zip file into the finished site.

    Args:
        site: The folder of the site, both languages included.
    """
    with zipfile.ZipFile(site / ARCHIVE, "w") as archive:
        for name, content in sorted(_files(site).items()):
            entry = zipfile.ZipInfo(f"{FOLDER}/{name}")  # its date is always 1980-01-01
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # Unix, also where the build runs on Windows
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)


def _files(site: Path) -> dict[str, bytes]:
    """The contents of the files by their path, such as `en/blocks/index.html`."""
    files = {SHIM: (Path(__file__).with_name("iframe-worker.js")).read_bytes()}
    for path in sorted(site.rglob("*")):
        name = path.relative_to(site).as_posix()
        if path.is_dir() or LEFT_OUT.search(name):
            continue
        content = path.read_bytes()
        if name.endswith(".html"):
            content = _page(content.decode(), name, site).encode()
        elif name.endswith("search/search_index.json"):
            index = json.loads(content)
            for entry in index["docs"]:
                entry["location"] = _file(entry["location"], site / posixpath.dirname(name) / "..")
            name = name.removesuffix("json") + "js"
            content = f"var __index = {json.dumps(index, ensure_ascii=False)}".encode()
        elif name.endswith("workers/terms.js"):  # the shim's importScripts does not wait
            [theirs] = path.parent.glob("search.*.min.js")
            content = content.replace(
                b"importScripts(location.search.slice(1));", theirs.read_bytes()
            )
        files[name] = content
    return files


def _page(html: str, name: str, site: Path) -> str:
    folder = (site / name).parent
    html = ONLINE.sub("", html)
    html = LINK.sub(lambda tag: TARGET.sub(lambda url: _file(url[0], folder), tag[0]), html)
    shim = posixpath.relpath(SHIM, posixpath.dirname(name) or ".")
    return html.replace("</head>", f'<script src="{shim}"></script></head>', 1)


def _file(url: str, folder: Path) -> str:
    """The address of the file that a server would send for a relative address."""
    path, hash_, fragment = url.partition("#")
    if urlsplit(path).scheme or path.startswith("/") or not (folder / unquote(path)).is_dir():
        return url
    return posixpath.join(path, "index.html") + hash_ + fragment
