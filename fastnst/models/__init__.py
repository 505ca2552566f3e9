"""Trained models: their folders, finding and restoring them, painting with them."""
