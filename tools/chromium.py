"""Starts the Chromium that the tests look through, and that prints the PDF."""

import os
import shutil

from playwright.sync_api import Browser, Error, Playwright


def launch(playwright: Playwright) -> Browser:
    """Start the Chromium of this machine, or the one that Playwright downloaded, without a window."""
    # the shell is the same engine without all that belongs to a window
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    # As root, as in a container, Chromium does not start with its sandbox.
    options = ["--no-sandbox"] if hasattr(os, "getuid") and os.getuid() == 0 else []
    quiet = ["--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    try:
        return playwright.chromium.launch(executable_path=path, args=options + quiet)
    except Error as error:
        raise RuntimeError(
            "There is no Chromium: `make test` installs one, or install the package "
            f"chromium of your system. ({str(error).splitlines()[0]})"
        ) from None
