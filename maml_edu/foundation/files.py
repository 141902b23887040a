"""One way to write a file whole, one to read it safely, and one to read JSON. No torch needed."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from maml_edu.foundation.checks import InputError

MAX_JSON = 2**20  # bytes of a JSON file


class FileError(InputError):
    """A file that cannot be read, or is not what it should be; the message says which and why."""


def write_whole(path: Path, content: bytes, *, shared: bool = False) -> None:
    """Write a file so that a reader, even after a crash, sees the old content or the new one.

    shared: whether several processes may write the same file at once. The last one then wins, but
        one that is killed leaves its temporary file behind. (Otherwise the next write removes it.)
    """
    temporary = path.with_name(f".{path.name}.{uuid4().hex if shared else 'tmp'}")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # otherwise a crash may leave the new name on an empty file
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def read_whole(path: Path, limit: int) -> bytes:
    """The content of a file of at most `limit` bytes. Raises FileError."""
    try:
        with open(path, "rb") as file:
            content = file.read(limit + 1)
    except FileNotFoundError as error:
        raise FileError(f"{path} does not exist") from error
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > limit:
        raise FileError(f"{path} has more than the {limit:,} bytes allowed")
    return content


def parse_object(content: bytes | str, path: Path) -> dict[str, Any]:
    """The JSON object in the content of the file `path`. Raises FileError."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise FileError(f"{path} does not hold valid JSON ({error})") from error
    if not isinstance(value, dict):
        raise FileError(f"{path} does not hold a JSON object")
    return value
