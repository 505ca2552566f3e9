"""How good a network is, in figures."""
