"""Benchmarks of fastnst and its peers; docs/benchmarks.md has the results."""
