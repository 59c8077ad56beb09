"""The directory of a zip file, read strictly and without trusting it: what parts there are, and one part at a time, bounded.

Not ``zipfile``: it has no limit on what a part unpacks to, and importing it takes as long as everything else a check of one form does.
What a spreadsheet program never writes (encrypted parts, a name twice, parts that overlap, names that lead out of the file, other
packings) is refused. A part must unpack to exactly the size and the checksum its directory states, so the limits can be held against
the directory alone, and a part that lies about its size is never unpacked further than its lie.

Refusals leave this room without the name of the file; whoever opened it adds that.
"""

import re
import struct
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import NamedTuple

from perfeval_xl.messages import Refusal
from perfeval_xl.patterns import Pattern

#: the end of the directory of a zip file, an entry of it, and the head of a part
_END, ENTRY, LOCAL = struct.Struct("<4s4H2LH"), struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s5H3L2H")
_STORED, _DEFLATED = 0, 8
#: over all names at once, one to a line
_ODD_NAME = Pattern(r"(?:^|/)\.{1,2}(?:/|$)|^/|^[a-z]:|\0|//|\r", re.MULTILINE)
#: deflate packs at most 1032 to 1
_SURELY_SMALL = 60_000
_WHY = {"twice": ("部件 {part} 出现两次", "part {part} is there twice"),
        "outside": ("部件名 {part} 指向文件之外", "part name {part} leads out of the file"),
        "overlap": ("部件 {part} 与其他部件重叠", "part {part} overlaps another"), "name": ("部件 {part} 前后名称不一", "part {part} has two names"),
        "head": ("部件 {part} 前后说法不一", "part {part} says two things of itself"),
        "packing": ("部件 {part} 的压缩方式不明", "part {part} is packed in an unknown way"),
        "gap": ("目录与内容对不上", "its directory does not fit")}


class ContainerError(Refusal):
    """The bytes are no zip file that a spreadsheet program would write; the refusal says why, and lacks the name of the file."""


class Part(NamedTuple):
    """Where a part stands: offset of its local header, packing, packed size; and what it must unpack to: size and checksum."""

    offset: int
    method: int
    size: int
    full: int
    crc: int


def _odd(key: str, part: str = "") -> ContainerError:
    chinese, english = (text.format(part=part[-60:]) for text in _WHY[key])
    return ContainerError("X121", why=chinese, why_en=english)


def directory(data: bytes, most: int = 1_000) -> dict[str, Part]:
    """Lower-case name -> part, from the directory at the end of the file, which may hold at most ``most`` of them."""
    end = data.rfind(b"PK\x05\x06", max(0, len(data) - 65_557))
    if end < 0 or end + _END.size > len(data):
        raise ContainerError("X103")
    _, disk, _, _, count, size, start, _ = _END.unpack_from(data, end)
    if disk or start + size > end:
        raise ContainerError("X103")
    if count > most:
        raise ContainerError("X119", what="部件数", what_en="parts", stated=count, expected=most)
    if start + size < end and data[start + size : start + size + 4] != b"PK\x06\x06":
        raise _odd("gap")
    parts: dict[str, Part] = {}
    place, in_order, free = start, True, 0
    for _ in range(count):
        if place + ENTRY.size > end:
            raise ContainerError("X103")
        mark, _, _, flags, method, _, _, crc, packed, full, length, extra, comment, _, _, _, offset = ENTRY.unpack_from(data, place)
        after = place + ENTRY.size + length
        name = data[place + ENTRY.size : after]
        key = _key(name)
        if 0xFFFFFFFF in (packed, full, offset):
            full, packed, offset = _long_sizes(data[after : after + extra], full, packed, offset)
        begin = offset + LOCAL.size
        if mark != b"PK\x01\x02" or begin + length + packed > start or data[offset : offset + 4] != b"PK\x03\x04":
            raise ContainerError("X103")
        if flags & 1:
            raise ContainerError("X104")
        if method not in (_STORED, _DEFLATED):
            raise _odd("packing", key)
        if data[begin : begin + length] != name:
            raise _odd("name", key)
        if data[offset + 6 : offset + 28] != data[place + 8 : place + 30] and not _agrees(data, offset, method, crc, packed, full, length):
            raise _odd("head", key)
        if key in parts:
            raise _odd("twice", key)
        parts[key] = tuple.__new__(Part, (offset, method, packed, full, crc))
        in_order, free = in_order and offset >= free, begin + length + packed
        place = after + extra + comment
    if outside := _leads_out("\n".join(parts)):
        raise _odd("outside", outside)
    if not in_order:
        _check_overlaps(parts)
    return parts


@lru_cache(maxsize=1024)
def _key(name: bytes) -> str:
    """By what a part is found, whatever way its name is written."""
    return name.decode("utf-8", "replace").replace("\\", "/").lower()


@lru_cache(maxsize=256)
def _leads_out(names: str) -> str:
    """The first name, of one a line, that leads out of the file; "" for none. Remembered: most files have parts of the same names."""
    match = _ODD_NAME.search(names)
    return names[match.start() :].partition("\n")[0] if match else ""


def _agrees(data: bytes, offset: int, method: int, crc: int, packed: int, full: int, length: int) -> bool:
    """Whether a part says of itself what the directory says of it, as far as it says anything: who reads a zip file from its front would see
    something else otherwise. The sizes may follow behind the part (flag 8), or stand in the zip64 way."""
    _, _, its_flags, its_method, _, _, its_crc, its_packed, its_full, its_length, _ = LOCAL.unpack_from(data, offset)
    if its_method != method or its_length != length or its_flags & 1:
        return False
    return bool(its_flags & 8) or (its_crc, its_packed, its_full) == (crc, packed, full) or 0xFFFFFFFF in (its_packed, its_full)


def _long_sizes(extra: bytes, full: int, packed: int, offset: int) -> tuple[int, int, int]:
    """Sizes of an entry in the zip64 way, which some systems write for every file, however small."""
    place = 0
    while place + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, place)
        if kind == 1:
            values = iter(struct.unpack_from(f"<{size // 8}Q", extra, place + 4) if place + 4 + size <= len(extra) else ())
            found = tuple(next(values, -1) if one == 0xFFFFFFFF else one for one in (full, packed, offset))
            if min(found) >= 0:
                return found
        place += 4 + size
    raise ContainerError("X103")


def _check_overlaps(parts: dict[str, Part]) -> None:
    last, before = 0, ""
    for offset, size, key in sorted([(offset, size, key) for key, (offset, _, size, _, _) in parts.items()]):
        if offset < last:
            raise _odd("overlap", before)
        last, before = offset + LOCAL.size + size, key


def packed(data: bytes, part: Part | None) -> tuple[int, int, int, bytes]:
    """A part as it stands in the file: (packing, size and checksum of its content, packed bytes); no bytes for a part that is not there."""
    if part is None:
        return _STORED, 0, 0, b""
    offset, method, size, full, crc = part
    start = offset + 30 + data[offset + 26] + 256 * data[offset + 27] + data[offset + 28] + 256 * data[offset + 29]  # lengths of its name and extras
    return method, full, crc, data[start : start + size]


def unpack(method: int, full: int, crc: int, content: bytes) -> bytes:
    """The content of a part, which must be what its directory says; X103 where it is not."""
    if method == _DEFLATED:
        try:
            if len(content) <= _SURELY_SMALL:  # whatever it says of itself, it has less than 62 MB
                content = zlib.decompress(content, -15, min(full, len(content) * 1032) or 1)
            else:
                content = zlib.decompressobj(-15).decompress(content, full + 1)
        except zlib.error:
            raise ContainerError("X103") from None
    if len(content) != full or zlib.crc32(content) != crc:
        raise ContainerError("X103")
    return content


def as_is(content: bytes) -> tuple[int, int, int, bytes]:
    """A part of ours, for ``pack``."""
    return _STORED, len(content), zlib.crc32(content), content


def deflated(content: bytes, level: int) -> tuple[int, int, int, bytes]:
    """A part of ours packed, for ``pack``."""
    return _DEFLATED, len(content), zlib.crc32(content), zlib.compress(content, level, -15)


#: bytes that are handed to the packing thread at once, because two threads that often wait for each other are slower than one; and so many times
#: they may wait for it, lest they fill the memory
_AT_ONCE, _WAITING = 1_500_000, 24


@contextmanager
def brisk() -> Iterator[None]:
    """Threads take turns ten times as often: a packing thread that comes back from zlib for its next bytes would wait five milliseconds each time,
    and in the end its owner for it."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(0.0005)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


class Piece:
    """The middle of a part, packed by another thread as it comes: zlib lets go of the interpreter's lock, and its owner goes on with the rest
    (``brisk``)."""

    def __init__(self, level: int, strategy: int = zlib.Z_DEFAULT_STRATEGY) -> None:
        """``strategy``: ``zlib.Z_HUFFMAN_ONLY`` where no text comes twice."""
        import queue
        import threading

        self._size = self._crc = 0
        self._how, self._packed, self._error = (level, zlib.DEFLATED, -15, zlib.DEF_MEM_LEVEL, strategy), [], None
        self._here: list[bytes] = []
        self._held = 0
        self._todo: queue.Queue[bytes | None] = queue.Queue(_WAITING)
        self._thread = threading.Thread(target=self._pack, daemon=True)
        self._thread.start()

    def add(self, content: bytes) -> None:
        """More of it."""
        self._here.append(content)
        self._held += len(content)
        if self._held > _AT_ONCE:
            self.hand_over()

    def hand_over(self) -> None:
        """What was added goes to the thread now: there will be no more for a while."""
        self._todo.put(b"".join(self._here))
        self._here.clear()
        self._held = 0

    def _pack(self) -> None:
        packing = zlib.compressobj(*self._how)
        while (content := self._todo.get()) is not None:
            try:
                self._size += len(content)
                self._crc = zlib.crc32(content, self._crc)
                self._packed.append(packing.compress(content))
            except BaseException as error:  # raised again by the owner, who must not wait for a thread that is gone
                self._error = error
        self._packed.append(packing.flush(zlib.Z_FULL_FLUSH))

    def between(self, head: bytes, tail: bytes) -> tuple[int, int, int, bytes]:
        """The whole part with what stands in front of it and behind it, for ``pack``."""
        self.hand_over()
        self._todo.put(None)
        self._thread.join()
        if self._error is not None:
            raise self._error
        front, back = (zlib.compressobj(*self._how) for _ in range(2))
        content = b"".join((front.compress(head), front.flush(zlib.Z_FULL_FLUSH), *self._packed, back.compress(tail), back.flush()))
        crc = zlib.crc32(tail, _behind(zlib.crc32(head), self._crc, self._size))
        return _DEFLATED, len(head) + self._size + len(tail), crc, content


def _behind(first: int, second: int, size: int) -> int:
    """The checksum of two pieces from their own; ``size`` is that of the second. A checksum is a remainder of polynomials over two elements, and
    ``size`` bytes behind the first piece multiply its own by x to the power of 8 ``size`` (the lowest bit is the highest power)."""
    power, square, bits = 1 << 31, 1 << 30, 8 * size  # one, and x
    while bits:
        if bits & 1:
            power = _times(power, square)
        square, bits = _times(square, square), bits >> 1
    return _times(first, power) ^ second


def _times(one: int, other: int) -> int:
    """The product of two remainders of the polynomial of CRC-32."""
    product = 0
    for place in range(31, -1, -1):
        if one >> place & 1:
            product ^= other
        other = other >> 1 ^ (0xEDB88320 if other & 1 else 0)
    return product


def pack(parts: dict[str, tuple[int, int, int, bytes]]) -> bytes:
    """A zip file of these parts and nothing else, for the next reader: (packing, size and checksum of the content, bytes) as ``packed`` gives."""
    out, entries, place = [], [], 0
    for name, (method, full, crc, content) in parts.items():
        raw, size = name.encode(), len(content)
        out += (LOCAL.pack(b"PK\x03\x04", 20, 0x800, method, 0, 33, crc, size, full, len(raw), 0), raw, content)
        entries += (ENTRY.pack(b"PK\x01\x02", 20, 20, 0x800, method, 0, 33, crc, size, full, len(raw), 0, 0, 0, 0, 0, place), raw)
        place += LOCAL.size + len(raw) + size
    tail = b"".join(entries)
    return b"".join((*out, tail, _END.pack(b"PK\x05\x06", 0, 0, len(parts), len(parts), len(tail), place, 0)))
