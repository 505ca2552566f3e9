"""`python train.py`: see fastnst/cli/train.py."""

import sys

from fastnst.cli import train

if __name__ == "__main__":
    sys.exit(train.main())
