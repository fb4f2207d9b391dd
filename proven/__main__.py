"""`python -m proven`."""

import sys

from proven.cli import main

sys.exit(main(sys.argv[1:]))
