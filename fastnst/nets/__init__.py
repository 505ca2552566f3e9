"""The networks: the one that is trained, the one that judges, and their layers."""
