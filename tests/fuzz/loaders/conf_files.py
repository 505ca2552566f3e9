"""Conf files: read and checked."""

from __future__ import annotations

import random
from pathlib import Path

from fastnst import config, errors, files
from tests.fuzz import cases

# Parts of YAML, and values that rules must withstand.
_PARTS = (
    *("[", "]", "{", "}", ": ", "- ", "&a ", "*a", "<<: ", "!!bool ", "!!python/name:os.system "),
    *("null", "~", "1e999", "-1", "0x10", "1_0", "12:30", ".inf", ".nan", "yes", '"\\0"', "\t"),
    *("\n", "---\n", "...\n", "%YAML 9\n", "? ", "| ", "> ", "\ufeff", "\u2028", "styles:\n  a: "),
)


def seeds() -> dict[str, bytes]:
    """The confs of the repository; that of a translation needs a domain."""
    found = {path.name: path.read_bytes() for path in files.asset("conf").glob("*.yml")}
    return found | {"monet.yml": found["monet.yml"] + b"domain: paintings/\n"}


def mutate(chance: random.Random, data: bytes) -> bytes:
    """Changes bytes, or inserts parts of YAML."""
    if chance.random() < 0.4:
        return cases.mutate(chance, data)
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5))):
        at = chance.randrange(len(changed) + 1)
        part = chance.choice(_PARTS) * chance.choice((1, 1, 1, 3, 300))
        changed[at : at + chance.choice((0, 0, 1, 10))] = part.encode()
    return bytes(changed)


def load(path: Path, output: Path) -> None:
    """Builds the configuration, and reads it back from what a run writes."""
    try:
        settings = config.load(path)
    except errors.UserError as error:
        # Each mistake has a line of its own.
        raise errors.UserError(" ".join(str(error).split("\n"))) from None
    written = output / "config.yml"
    written.write_text(settings.to_yaml(), encoding="utf-8")
    assert config.load(written) == settings
