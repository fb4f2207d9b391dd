"""Asks the addresses that the pages link to whether they answer: `make links`, from a machine with a network.

Pages load nothing from other hosts; a link that leads nowhere is all that can be wrong with them.
"""

import sys
import urllib.error
import urllib.request
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urldefrag, urlsplit

from proven.pages import Page
from proven.project import read_project
from proven.settings import read_settings

PROJECT = Path(__file__).parents[1]
TIME_LIMIT = 20.0  # seconds for one answer


def links_of(pages: Iterable[Page]) -> dict[str, list[str]]:
    """The addresses on other hosts that pages link to, each with its places."""
    found: dict[str, list[str]] = {}
    for page in pages:
        for link in page.links:
            if urlsplit(link.target).scheme:
                found.setdefault(link.target, []).append(link.place)
    return found


def wrong_form(address: str) -> str | None:
    """What is wrong with the form of an address; nothing if a browser can open it safely."""
    parts = urlsplit(address)
    if parts.scheme != "https":
        return "it is not https"
    if "." not in parts.netloc or "@" in parts.netloc:
        return "it names no host"
    if any(character.isspace() or character in '"<>\\^`{|}' for character in address):
        return "it holds a character that an address cannot have"
    if address[-1] in ".,;:!?，。；：！？）":
        return "it ends with punctuation of the sentence"
    return None


def answer(address: str) -> str | None:
    """What is wrong with the answer of an address; nothing if it is there."""
    request = urllib.request.Request(
        urldefrag(address).url, headers={"User-Agent": "Mozilla/5.0 (links of a static site)"}
    )
    try:
        with urllib.request.urlopen(request, timeout=TIME_LIMIT):
            return None
    except urllib.error.HTTPError as error:
        # some hosts refuse programs, and answer browsers
        return None if error.code in (403, 405, 429) else f"{error.code} {error.reason}"
    except OSError as error:
        return str(getattr(error, "reason", error))


def main() -> int:
    """Ask all addresses; the exit status is 1 where one does not answer."""
    links = links_of(read_project(read_settings(PROJECT)).all_pages)
    with ThreadPoolExecutor(8) as pool:
        answers = dict(zip(links, pool.map(answer, links), strict=True))
    failed = {address: told for address, told in answers.items() if told}
    for address, told in failed.items():
        print(f"{address}\n  {told}\n  at {', '.join(links[address])}")
    print(f"{len(links)} addresses, {len(failed)} without an answer")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
