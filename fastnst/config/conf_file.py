"""Conf files: where they are found, and how they are read."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from fastnst import errors, files
from fastnst.config import nodes

# The largest conf file; real ones have a few thousand bytes.
_MOST_BYTES = 1_000_000


def read(path: Path, problems: list[str]) -> dict[str, nodes.Entry]:
    """Reads the entries of a conf file.

    Args:
        path: The file.
        problems: List to which a message for each duplicate key is added.

    Raises:
        UserError: If the file cannot be read, or is not a YAML mapping.
    """
    text = _text(path)
    try:
        whole = nodes.parse(text, lambda line: f"{path}:{line}", problems)
    except nodes.InvalidError as error:
        line = f":{error.line}" if error.line else ""
        raise errors.UserError(f"{path}{line}: not valid YAML: {error.reason}") from None
    if not isinstance(whole.value, dict):
        glued = re.match(r"\w+:\S", whole.text or "")
        hint = "; put a space after the colon" if glued else ""
        raise errors.UserError(
            f"{path}: should consist of lines of `key: value`, see conf/README.md{hint}"
        )
    return whole.items


def _text(path: Path) -> str:
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise errors.UserError(f"{path}: is not a regular file; name a conf file")
        with files.opened(path) as file:
            content = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        raise errors.UserError(f"{path}: no such conf file{_near(path)}") from None
    except IsADirectoryError:
        raise errors.UserError(f"{path}: is a folder; name a conf file in it") from None
    except OSError as error:
        raise errors.UserError(f"{path}: cannot be read ({error.strerror})") from None
    # A NUL byte in a path, or half of a pair of UTF-16.
    except ValueError as error:
        raise errors.UserError(f"{str(path)!r}: is no possible path ({error})") from None
    if len(content) > _MOST_BYTES:
        raise errors.UserError(f"{path}: is larger than {_MOST_BYTES:,} bytes; name a conf file")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise errors.UserError(f"{path}{_encoding(content, error)}") from None


def _encoding(content: bytes, error: UnicodeDecodeError) -> str:
    """Returns the end of a message about text that is not UTF-8, with the likely encoding."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ": is in UTF-16; save it as UTF-8"
    line = content.count(b"\n", 0, error.start) + 1
    byte = content[error.start]
    # Windows-1252 has no letters below 0xC0, and text has no other control characters.
    if byte >= 0xC0 and not re.search(rb"[\x00-\x08\x0e-\x1f]", content):
        return (
            f":{line}: the byte {byte:#x} is not UTF-8, but {bytes([byte]).decode('cp1252')} in "
            "Windows-1252 (cp1252); save the file as UTF-8"
        )
    return ": is not a text file; a conf file consists of lines of `key: value`, see conf/README.md"


def find(path: str | Path) -> Path:
    """Finds a conf file by its path, or by its bare name in conf/."""
    named = Path(path)
    if not named.suffix and not named.is_file():
        own = files.find(f"conf/{named}.yml")
        if own.is_file():
            return own
    return files.find(named)


def _near(path: Path) -> str:
    """Suggests a conf file with a similar name, in the same folder or among the included ones."""
    own = {conf.stem: f"conf/{conf.name}" for conf in sorted(files.asset("conf").glob("*.yml"))}
    known = own | {conf.stem: str(conf) for conf in sorted(path.parent.glob("*.yml"))}
    return (
        errors.did_you_mean(path.stem, known, known) or f"; choose from {', '.join(known.values())}"
    )
