"""`python eval.py`: see fastnst/cli/eval.py."""

import sys

from fastnst.cli import eval

if __name__ == "__main__":
    sys.exit(eval.main())
