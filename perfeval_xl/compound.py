"""The compound file (OLE) in which an old workbook is kept: the one stream that holds it, read strictly.

Sectors are chained through a table; a chain that bites its own tail would never end, and its reader would fill the memory. Here no chain is
longer than the file, and whatever points out of it ends in a ValueError.
"""

import struct

_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#: the names under which Excel has kept its workbook in a compound file
_WORKBOOK = ("workbook", "book")
_STREAM, _ROOT = 2, 5
#: a sector of the whole file, and of the short streams
_SIZES, _SHORT = (9, 12), 64


def workbook(data: bytes) -> bytes:
    """The stream of the workbook; ValueError where the container is damaged or holds none."""
    try:
        return _workbook(data)
    except struct.error as error:
        raise ValueError(str(error)) from error


def _workbook(data: bytes) -> bytes:
    shift, = struct.unpack_from("<H", data, 30)
    if not data.startswith(_SIGNATURE) or shift not in _SIZES:
        raise ValueError("no compound file")
    size = 1 << shift
    first, least, short_first = (struct.unpack_from("<L", data, place)[0] for place in (48, 56, 60))
    table = _table(data, size)
    names = _chain(data, table, first, size, size)
    root, found = None, None
    for place in range(0, len(names) - 127, 128):
        length, kind, start, full = *struct.unpack_from("<HB", names, place + 64), *struct.unpack_from("<LL", names, place + 116)
        name = names[place : place + max(0, min(length, 64) - 2)].decode("utf-16-le", "replace").lower()
        if kind == _ROOT and root is None:
            root = (start, full)
        elif kind == _STREAM and name in _WORKBOOK and (found is None or name == _WORKBOOK[0]):
            found = (start, full)
    if found is None or root is None or found[1] > len(data):
        raise ValueError("no workbook inside")
    start, full = found
    if full >= least:
        content = _chain(data, table, start, size, size)
    else:
        short_table = _numbers(_chain(data, table, short_first, size, size))
        content = _chain(_chain(data, table, root[0], size, size), short_table, start, _SHORT, 0)
    if len(content) < full:
        raise ValueError("the workbook is cut off")
    return content[:full]


def _table(data: bytes, size: int) -> list[int]:
    """The table of all sectors: its own sectors stand in the head of the file, and in a chain behind it where they are many."""
    places = list(struct.unpack_from("<109L", data, 76))
    following, sectors = struct.unpack_from("<L", data, 68)[0], len(data) // size + 1
    for _ in range(sectors):
        if following >= sectors:
            break
        block = _numbers(_sector(data, following, size, size))
        places += block[:-1]
        following = block[-1]
    else:
        raise ValueError("the table has no end")
    used = [place for place in places if place < sectors]
    if len(used) > sectors:
        raise ValueError("the table is larger than the file")
    return [one for place in used for one in _numbers(_sector(data, place, size, size))]


def _chain(data: bytes, table: list[int], start: int, size: int, base: int) -> bytes:
    """The sectors of one stream, which begin at ``base``; no chain is longer than what it chains."""
    found, place, left = [], start, len(data) // size + 1
    while place < len(table):
        left -= 1
        if left < 0:
            raise ValueError("a chain of sectors has no end")
        found.append(_sector(data, place, size, base))
        place = table[place]
    return b"".join(found)


def _sector(data: bytes, number: int, size: int, base: int) -> bytes:
    return data[base + number * size : base + (number + 1) * size]


def _numbers(data: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(data) // 4}L", data[: len(data) // 4 * 4]))
