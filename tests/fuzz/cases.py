"""Cases of the fuzz tests: a loader, and a damaged copy of one of its valid files.

A loader is a module in tests/fuzz/loaders/ with a docstring of one line and two functions:

    def seeds() -> dict[str, bytes]
        Valid files by name; the names have the extension that the loader expects.

    def load(path: Path, output: Path) -> None
        Loads the file as a command would, and writes whatever it writes below `output`. Returns if
        the file is accepted, and raises UserError if it is refused.

and optionally

    def mutate(random: random.Random, data: bytes) -> bytes
        Damages a file in ways that reach deeper than those of `cases.mutate`.

    def need(data: bytes) -> int
        Bytes of memory that this file is allowed to take, beside the GiB that every file is.

    def available() -> bool
        Whether what it needs is installed.
"""

from __future__ import annotations

import dataclasses
import importlib
import random
import types
from pathlib import Path

LOADERS = Path(__file__).parent / "loaders"
# Where programs compute sizes from numbers in a file, these overflow.
_NUMBERS = (0, 1, 2, 127, 128, 255, 256, 32767, 32768, 65535, 2**31 - 1, 2**31, 2**32 - 1)


def names() -> list[str]:
    """The names of all loaders that can run here."""
    found = sorted(path.stem for path in LOADERS.glob("[a-z]*.py"))
    return [name for name in found if getattr(loader(name), "available", lambda: True)()]


def loader(name: str) -> types.ModuleType:
    """Imports a loader."""
    return importlib.import_module(f"tests.fuzz.loaders.{name}")


@dataclasses.dataclass(frozen=True)
class Case:
    """A file to load.

    Attributes:
        name: Its name.
        data: Its content.
        valid: Whether it is an undamaged seed, which must be accepted.
    """

    name: str
    data: bytes
    valid: bool


def make(module: types.ModuleType, number: int, seeds: dict[str, bytes]) -> Case:
    """Makes a case, always the same for a number. The first ones are the seeds themselves."""
    ordered = sorted(seeds)
    name = ordered[number % len(ordered)]
    if number < len(ordered):
        return Case(name, seeds[name], valid=True)
    chance = random.Random(f"{module.__name__} {number}")
    return Case(name, getattr(module, "mutate", mutate)(chance, seeds[name]), valid=False)


def mutate(chance: random.Random, data: bytes) -> bytes:
    """Damages a file in one to four ways, most often near its beginning, where headers are."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        way = chance.choice(_WAYS)
        way(chance, changed)
    return bytes(changed)


def _place(chance: random.Random, data: bytearray) -> int:
    """A position: half of them among the first 256 bytes."""
    end = len(data) if chance.random() < 0.5 else min(len(data), 256)
    return chance.randrange(end) if end else 0


def _flip(chance: random.Random, data: bytearray) -> None:
    for _ in range(chance.choice((1, 1, 8, 64))):
        if data:
            data[_place(chance, data)] ^= 1 << chance.randrange(8)


def _overwrite(chance: random.Random, data: bytearray) -> None:
    number = chance.choice((*_NUMBERS, chance.randrange(2**32)))
    size, order = chance.choice((1, 2, 4, 8)), chance.choice(("little", "big"))
    at = _place(chance, data)
    data[at : at + size] = (number % 256**size).to_bytes(size, order)


def _cut(chance: random.Random, data: bytearray) -> None:
    del data[_place(chance, data) :]


def _remove(chance: random.Random, data: bytearray) -> None:
    at = _place(chance, data)
    del data[at : at + chance.choice((1, 4, 64, 1024))]


def _repeat(chance: random.Random, data: bytearray) -> None:
    at, size = _place(chance, data), chance.choice((1, 4, 64, 1024))
    data[at:at] = data[at : at + size] * chance.choice((1, 2, 50))


def _insert(chance: random.Random, data: bytearray) -> None:
    at = _place(chance, data)
    data[at:at] = chance.randbytes(chance.choice((1, 4, 64)))


def _blank(chance: random.Random, data: bytearray) -> None:
    at, size = _place(chance, data), chance.choice((4, 64, 1024))
    data[at : at + size] = bytes([chance.choice((0, 255))]) * len(data[at : at + size])


_WAYS = (_flip, _flip, _overwrite, _overwrite, _cut, _remove, _repeat, _insert, _blank)
