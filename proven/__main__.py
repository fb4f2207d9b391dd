"""`python -m proven`."""

import os
import sys

try:
    from proven.cli import main
except (ImportError, AttributeError) as error:
    if own := [f for f in os.listdir() if f.endswith(".py") and f[:-3] in sys.stdlib_module_names]:
        sys.exit(f"{own[0]} has the name of a module of Python, and was imported for it: rename it")
    if not isinstance(error, ModuleNotFoundError) or (error.name or "").startswith("proven"):
        raise
    sys.exit(
        f"This Python, {sys.executable}, has no {error.name}: it is not set up for the site.\n"
        "  do       make serve sets up .venv; . .venv/bin/activate enters it; "
        "if the folder was moved, make clean before that"
    )

from proven.fork import end_orderly, have_streams

have_streams()
end_orderly()
sys.exit(main(sys.argv[1:]))
