"""Programs that paint the original style images, each from a seed."""
