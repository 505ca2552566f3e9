"""The loss network: its tables, its weights and where they come from."""
