"""Files for their owner's eyes only."""

import os
from pathlib import Path


def write_private(file: Path, text: str) -> None:
    """Replace a file at once by one that only its owner can read, from its first byte on."""
    new = file.with_name(f".{file.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    new.replace(file)
