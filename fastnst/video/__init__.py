"""Stylizes videos: decodes, paints and encodes their frames, and keeps sound, times and colors."""
