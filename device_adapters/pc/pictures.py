"""Pictures of a screen, kept as files that only the hub's own user reads."""

import os
from pathlib import Path

_KINDS = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpg"}


def keep(data: bytes, folder: Path, key: str) -> Path | None:
    """Write a picture, named after the call that it is of; None where it is none."""
    kind = next((kind for magic, kind in _KINDS.items() if data.startswith(magic)), None)
    if kind is None:
        return None
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{''.join(c for c in key if c.isalnum() or c in '-_')}.{kind}"
    path.unlink(missing_ok=True)  # of an earlier attempt, whose mode may be another
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(data)
    return path
