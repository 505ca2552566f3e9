"""Stylizing files and folders of photos."""
