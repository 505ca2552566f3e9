"""Configuration of a run: conf files read, checked as a whole, and resolved to every key."""

from fastnst.config.loading import FIELDS, QUICK, Config, load

__all__ = ["FIELDS", "QUICK", "Config", "load"]
