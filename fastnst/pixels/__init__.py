"""Optimising the pixels of a picture itself."""
