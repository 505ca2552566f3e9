"""`python export.py`: see fastnst/cli/export.py."""

import sys

from fastnst.cli import export

if __name__ == "__main__":
    sys.exit(export.main())
