"""What makes a stylized image good, as a number to minimise."""
