"""The links that lead to other hosts: their form, and what `make links` says of those that do not answer."""

import http.server
import threading
from collections.abc import Iterator

import pytest

from proven.project import read_project
from proven.settings import read_settings
from tests.helpers.projects import PROJECT
from tools.links import answer, links_of, wrong_form


def test_every_link_to_another_host_has_the_form_of_an_address() -> None:
    links = links_of(read_project(read_settings(PROJECT)).all_pages)
    assert len(links) >= 10
    wrong = {
        f"{address} {places}": told
        for address, places in links.items()
        if (told := wrong_form(address))
    }
    assert wrong == {}


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("https://docs.pytorch.org/docs/stable/nn.html#a", None),
        ("http://docs.pytorch.org/", "it is not https"),
        ("javascript:alert(1)", "it is not https"),
        ("https://localhost/", "it names no host"),
        ("https://somebody@example.org/", "it names no host"),
        ("https://example.org/a b", "it holds a character that an address cannot have"),
        ("https://example.org/a.", "it ends with punctuation of the sentence"),
    ],
)
def test_what_is_no_address_is_found(address: str, told: str | None) -> None:
    assert wrong_form(address) == told


class Host(http.server.BaseHTTPRequestHandler):
    """A host with one page."""

    def do_GET(self) -> None:
        self.send_response({"/there": 200, "/robots": 403}.get(self.path, 404))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def host() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), Host) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_an_address_that_is_gone_is_told_and_one_that_refuses_programs_is_not(host: str) -> None:
    assert answer(f"{host}/there#place") is None
    assert answer(f"{host}/robots") is None
    assert answer(f"{host}/gone") == "404 Not Found"


def test_a_host_that_is_not_there_is_told() -> None:
    assert "refused" in str(answer("http://127.0.0.1:9/"))
