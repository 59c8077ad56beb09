"""The directory of a zip file, read strictly and without trusting it: what parts there are, and one part at a time, bounded;
and how a finished file gets to its place.

Not ``zipfile``: it has no limit on what a part unpacks to, and importing it takes as long as everything else a check of one form does.
What a spreadsheet program never writes (encrypted parts, a name twice, parts outside the file, other packings) is refused.
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

#: a form's largest part is some 50 KB
PART_BYTES = 64_000_000
PARTS = 1_000
_END, _ENTRY, _LOCAL = struct.Struct("<4s4H2LH"), struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s5H3L2H")
_STORED, _DEFLATED = 0, 8


#: all parts together; deflate packs at most 1032 to 1, so small files need no look
ALL_BYTES, RATIO = 256_000_000, 1032


class ContainerError(ValueError):
    """The bytes are no zip file that a spreadsheet program would write; the text says why."""


class TooLarge(ContainerError):
    """A part, or all parts together, unpack to more than any form; the text is the size."""


class Part(NamedTuple):
    """Where a part stands: offset of its local header, packing, packed size."""

    offset: int
    method: int
    size: int


def directory(data: bytes) -> dict[str, Part]:
    """Lower-case name -> part, from the directory at the end of the file."""
    end = data.rfind(b"PK\x05\x06", max(0, len(data) - 65_557))
    if end < 0 or end + _END.size > len(data):
        raise ContainerError("no directory")
    _, disk, _, _, count, size, start, _ = _END.unpack_from(data, end)
    if disk or count > PARTS or start + size > end:
        raise ContainerError(f"{count} parts")
    parts: dict[str, Part] = {}
    place = start
    for _ in range(count):
        if place + _ENTRY.size > end:
            raise ContainerError("the directory is cut off")
        mark, _, _, flags, method, _, _, _, packed, _, name, extra, comment, _, _, _, offset = _ENTRY.unpack_from(data, place)
        key = data[place + _ENTRY.size : place + _ENTRY.size + name].decode("utf-8", "replace").lower()
        if mark != b"PK\x01\x02" or flags & 1 or method not in (_STORED, _DEFLATED) or key in parts or offset + _LOCAL.size + packed > start:
            raise ContainerError(f"part {key!r}")
        parts[key] = Part(offset, method, packed)
        place += _ENTRY.size + name + extra + comment
    return parts


def packed(data: bytes, part: Part | None) -> tuple[int, bytes]:
    """A part as it stands in the file: (packing, bytes); no bytes for a part that is not there."""
    if part is None:
        return _STORED, b""
    *_, name, extra = _LOCAL.unpack_from(data, part.offset)
    start = part.offset + _LOCAL.size + name + extra
    return part.method, data[start : start + part.size]


def unpack(method: int, content: bytes) -> bytes:
    """The content of a part, never more than PART_BYTES of it."""
    if method == _DEFLATED:
        try:
            content = zlib.decompressobj(-15).decompress(content, PART_BYTES + 1)
        except zlib.error as error:
            raise ContainerError(str(error)) from None
    if len(content) > PART_BYTES:
        raise TooLarge(f"> {PART_BYTES // 10**6} MB")
    return content


def check_sizes(data: bytes, parts: dict[str, Part]) -> None:
    """Refuses a file whose parts unpack to more than PART_BYTES each or ALL_BYTES together, before anybody else unpacks them."""
    suspicious = sum(part.size for part in parts.values()) * RATIO > ALL_BYTES
    total = 0
    for part in parts.values():
        if suspicious or part.size * RATIO > PART_BYTES:
            total += len(unpack(*packed(data, part)))
            if total > ALL_BYTES:
                raise TooLarge(f"> {ALL_BYTES // 10**6} MB")
