"""The version of fastnst, which setup.cfg and exports take from here."""

VERSION = "0.1.0"
