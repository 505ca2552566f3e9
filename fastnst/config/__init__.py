"""Configuration of a run: conf files read, checked as a whole, and resolved to every key."""

from fastnst.config.loading import FIELDS, PROJECT_ROOT, QUICK, Config, find_file, load

__all__ = ["FIELDS", "PROJECT_ROOT", "QUICK", "Config", "find_file", "load"]
