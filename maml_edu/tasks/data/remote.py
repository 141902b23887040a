"""A file that its authors released on the network: its address, and how to recognise it."""

import hashlib
from dataclasses import dataclass

MAX_BYTES = 50 * 2**20  # of one file; the larger of Omniglot's two has 9 MiB
KINDS = {"a zip file": b"PK", "a gzip file": b"\x1f\x8b"}  # and the bytes they begin with


@dataclass(frozen=True)
class Remote:
    """A released file. digest: "md5:..." or "sha256:..." of its bytes. kind: one of KINDS, refused
    from its first byte on when it is something else; default: any file."""

    url: str
    digest: str
    kind: str | None = None

    def is_that_of(self, content: bytes) -> bool:
        name, _, value = self.digest.partition(":")
        return hashlib.new(name, content, usedforsecurity=False).hexdigest() == value
