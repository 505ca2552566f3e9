"""Measures the quality of trained networks."""
