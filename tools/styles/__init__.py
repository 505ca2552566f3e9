"""Seeded painters of the style images that are original artworks."""
