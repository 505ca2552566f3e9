"""Training: the engine that runs any task, and what happens beside its steps."""
