"""Zip archives of strangers: what they would take is known before anything is unpacked."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import IO


def unpacked_bytes(archive: Path | IO[bytes]) -> int:
    """Returns how many bytes all entries of an archive claim to take.

    A few bytes may unpack to a thousand times as many. `zipfile` unpacks no more of an entry than
    it claims.

    Raises:
        ValueError: If it is no archive that can be read.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            return sum(entry.file_size for entry in opened.infolist())
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise ValueError(str(error)) from None
