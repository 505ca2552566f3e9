"""The commands: parse, build, run, print; no maths."""
