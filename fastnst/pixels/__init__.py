"""Methods that optimize the pixels of a picture directly."""
