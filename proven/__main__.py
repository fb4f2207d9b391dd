"""`python -m proven`."""

import sys

try:
    from proven.cli import main
except ModuleNotFoundError as error:
    if (error.name or "").startswith("proven"):
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
