"""See test_projects.py, which computes the networks of every project as the project does."""
