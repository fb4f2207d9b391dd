"""Reads the section scripts, runs each once in a process of its own, and shows what came out.

In the order of the data: `scripts` (what is to be run), `pages` (who shows it), `cells` (running
cells in this process), `worker` and `runner` (running a section in its own process), `build` (one
build of the site), `fences` (a result as HTML), `hooks` (MkDocs), `testing` (results for tests).
"""
