"""`python -m fastnst`."""

from __future__ import annotations

import sys

from fastnst.cli import main

sys.exit(main.main())
