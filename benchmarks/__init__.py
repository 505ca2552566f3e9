"""How fast fastnst is, beside its peers: docs/benchmarks.md has the figures."""
