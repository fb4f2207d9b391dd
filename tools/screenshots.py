"""Takes pictures of pages of `site/`; its arguments are the pages, such as `gpu/`."""

import sys
from itertools import product
from pathlib import Path
from typing import Literal

from playwright.sync_api import sync_playwright

from tests.helpers.server import served
from tools.chromium import launch

PROJECT = Path(__file__).parents[1]
PAGES = ("", "parameters/", "gpu/")
SCHEMES: list[Literal["light", "dark"]] = ["light", "dark"]


def main(pages: list[str]) -> None:
    """Take each page in both languages, both schemes, at the widths of a desk and of a phone."""
    folder = PROJECT / "build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, served(PROJECT / "site") as address:
        browser = launch(playwright)
        for language, scheme, width in product(("", "en/"), SCHEMES, (1280, 390)):
            context = browser.new_context(
                viewport={"width": width, "height": 900},
                color_scheme=scheme,
                locale=language.strip("/") or "zh",  # else the other language is offered
            )
            view = context.new_page()
            for page in pages:
                view.goto(f"{address}{language}{page}")
                name = f"{page.strip('/') or 'home'}-{language.strip('/') or 'zh'}-{scheme}-{width}"
                view.screenshot(path=folder / f"{name}.png", full_page=True)
            context.close()
        browser.close()
    print(f"{folder.relative_to(PROJECT)}: {len(pages) * 8} pictures")


if __name__ == "__main__":
    main(sys.argv[1:] or list(PAGES))
