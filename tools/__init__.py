"""Scripts that build the pictures and pages of the repository."""
