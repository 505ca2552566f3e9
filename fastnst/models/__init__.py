"""Trained models: their folders, finding and restoring them, stylizing with them."""
