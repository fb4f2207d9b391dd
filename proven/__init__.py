"""Builds a site whose pages show nothing that the build did not run, and state nothing unproven.

The way of the data, and where each stage is:

- read: `settings`, `scripts` (cells), `claims` (tests), `pages` (Markdown), `records`; together `project`
- check: `check`, with what `reading` measures
- run: `runner` starts a process for each section, `worker` is what happens in it: `cells` are run
  within the limits of `guard`, and `prove` proves the claims. `devices` and `cuda` count devices
- write: `views` says what a snippet or a claim shows; `html`, `notebooks`, `plain`, `page_script` and
  `cli` write it; `prose` writes the text around it, `files` gathers all that is no page
- the generator: `fences` is what it asks for the HTML of a fence, `generators` holds what belongs to one
- over the finished folder: `finish`, `search`, `offline`, then `publish`

`build` puts the stages together; `testing` lets tests look at a section.
"""

import os
import sys


def _refuse_shadows(folder: str) -> None:
    """End where Python would import a file of this project in place of a module of its own.

    This is the first line of ours that runs, whoever imports us: a later one may not be reached.
    """
    if not os.path.isfile(os.path.join(folder, "proven.toml")):
        return
    for name in sorted(os.listdir(folder or os.curdir)):  # python -c says "" for where it works
        module, ending = os.path.splitext(name)
        if ending == ".py" and module in sys.stdlib_module_names:
            sys.exit(
                f"the file has the name of the module {module} of Python, and would be imported for it\n"
                f"  at       {os.path.join(folder, name)}:1\n"
                "  do       rename it"
            )


_refuse_shadows(sys.path[0])  # where Python searches first: the working directory of python -m
