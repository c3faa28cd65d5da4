"""Files that are written whole or not at all."""

import json
import os
from pathlib import Path

from errors import BadInput


def check_writable(path: Path) -> None:
    """Before anything is measured that could then not be kept."""
    if path.is_dir():
        raise BadInput(f"cannot write {path}: Is a directory")
    if not os.access(path.absolute().parent, os.W_OK | os.X_OK):
        raise BadInput(f"cannot write {path}: no directory {path.absolute().parent} that can be written")


def write(path: Path, text: str) -> None:
    """Whole or not at all: what was there before stays until the new is complete."""
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        unfinished.write_text(text)
        unfinished.replace(path)
    except OSError as fault:
        raise BadInput(f"cannot write {path}: {fault.strerror}") from None


def write_document(path: Path, content: dict) -> None:
    write(path, json.dumps(content, indent=1) + "\n")
