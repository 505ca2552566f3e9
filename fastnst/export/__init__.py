"""Writing trained networks for other programs, and checking what was written."""
