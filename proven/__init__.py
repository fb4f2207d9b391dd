"""Builds a site whose pages show nothing that the build did not run, and state nothing unproven.

Which module does what, and why so: `docs-dev/design.md`.
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
