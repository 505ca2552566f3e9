"""Painting files and folders of photos."""
