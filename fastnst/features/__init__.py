"""The loss network: its tables, its weights and their sources."""
