"""HTML reports, their charts, and contact sheets."""
