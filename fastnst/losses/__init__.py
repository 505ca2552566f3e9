"""The losses that training and optimization minimize."""
