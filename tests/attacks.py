"""Hostile and unlucky workbooks, built in code: name -> (bytes, the code of the refusal, or "" where the form must still be read)."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from functools import cache

import xlsxwriter
from drawing import draw

from perfeval_xl.model import Percent

FORM = """
部门整体自评表
部门（单位）名称|<|某区数据中心
部门整体支出情况||年初预算数|全年预算数|全年执行数|分值|执行率|得分
^|部门预算总额（万元）|400|400|360|10|90%%|10
^|资金来源：（1）政府预算资金|390|390|351|-|90%%|-
^|（3）单位资金|10|10|9|-|90%%|-
绩效指标|一级指标|二级指标|三级指标|年度指标值|实际完成值|分值|得分|偏差度|偏差原因分析及改进措施
^|投入管理指标|预算和财务管理|专项资金细化率|90%%|66.6%%|30|22.2|-26%%|资金到账晚，明年提前申报
^|产出指标|履职目标实现|完成率|≥90%|100%%|25|25|0%%|
^|效益指标|满意度|群众满意度|≥90%|95%|35|35|0.00%|
总分|<|<|<|<|<|100|92.2
"""
SHEET, STRINGS, BOOK, STYLES = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml", "xl/styles.xml"


def workbook(picture: str = FORM, sheets: int = 1, prepare=None) -> bytes:
    """A drawing as a real workbook; ``prepare(workbook, sheet, formats)`` may add to it."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        percent = book.add_format({"num_format": "0.00%"})
        for _ in range(sheets):
            sheet, drawn = book.add_worksheet(), draw(picture)
            for row, line in enumerate(drawn.rows):
                for column, value in enumerate(line):
                    if value != "":
                        sheet.write(row, column, float(value) if type(value) is Percent else value, percent if type(value) is Percent else None)
            for top, left, bottom, right in drawn.merged:
                sheet.merge_range(top, left, bottom, right, drawn.rows[top][left])
        if prepare:
            prepare(book, sheet)
    return stream.getvalue()


@cache
def good() -> bytes:
    """The form that nothing is wrong with."""
    return workbook()


def parts(data: bytes) -> dict[str, bytes]:
    """Name -> content of a zip file."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return {name: file.read(name) for name in file.namelist()}


def packed(content: dict[str, bytes]) -> bytes:
    """The opposite."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in content.items():
            file.writestr(name, data)
    return stream.getvalue()


def changed(change, part: str = SHEET, data: bytes = b"") -> bytes:
    """The good form with one part changed."""
    content = parts(data or good())
    after = change(content[part])
    assert after != content[part]
    return packed({**content, part: after})


def with_parts(**more: bytes) -> bytes:
    """The good form with more parts; ``__`` stands for a slash, and a name may be given in ``names``."""
    return packed({**parts(good()), **{name.replace("__", "/"): data for name, data in more.items()}})


def cell(place: str, body: bytes = b"<v>1</v>"):
    """Adds a row with one cell."""
    row = place.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ").encode()
    return lambda xml: xml.replace(b"</sheetData>", b'<row r="%s"><c r="%s">%s</c></row></sheetData>' % (row, place.encode(), body))


def merge(*areas: str):
    """Adds merged areas."""
    return lambda xml: xml.replace(b"</mergeCells>", b"".join(b'<mergeCell ref="%s"/>' % area.encode() for area in areas) + b"</mergeCells>")


ENTITIES = {
    "billion laughs": b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>',
    "quadratic": b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 50_000 + b'">]>',
    "a file from outside": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
    "an address": b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
    "parameter entity": b'<!DOCTYPE x [<!ENTITY % a "<!ENTITY b \'c\'>"> %a;]>',
    "nothing at all": b"<!DOCTYPE x>",
}
EVERY_PART = (SHEET, STRINGS, BOOK, STYLES, "docProps/core.xml", "docProps/app.xml", "xl/_rels/workbook.xml.rels", "_rels/.rels",
              "[Content_Types].xml", "xl/theme/theme1.xml")


def declared(document: bytes):
    """Puts a document type behind the declaration of a part."""
    return lambda xml: xml.replace(b"?>", b"?>" + document, 1)


def recoded(encoding: str):
    """A part in another encoding, declared as such."""
    return lambda xml: xml.replace(b"UTF-8", encoding.encode(), 1).decode().encode(encoding)


def lying(part: str, offset: int, value: int) -> bytes:
    """The good form whose directory says something else of a part, as does the part itself: 16 checksum, 20 packed size, 24 size, 42 offset."""
    data = bytearray(good())
    place = data.find(b"PK\x01\x02")
    while data[place + 46 : place + 46 + len(part)] != part.encode():
        place = data.find(b"PK\x01\x02", place + 4)
    front, = struct.unpack_from("<L", data, place + 42)
    struct.pack_into("<L", data, place + offset, value)
    if offset < 42:
        struct.pack_into("<L", data, front + offset - 2, value)
    return bytes(data)


def bomb(size: int) -> bytes:
    """So many blanks behind the sheet, packed a thousand to one."""
    content, stream = parts(good()), io.BytesIO()
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -15)
    sheet, crc, left = content.pop(SHEET), 0, size
    pieces, crc = [squeezer.compress(sheet)], zlib.crc32(sheet)
    while left:
        piece = b" " * min(left, 1 << 22)
        pieces.append(squeezer.compress(piece))
        crc, left = zlib.crc32(piece, crc), left - len(piece)
    body = b"".join(pieces) + squeezer.flush()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in content.items():
            file.writestr(name, data)
        info = zipfile.ZipInfo(SHEET)
        file.writestr(info, b"")
    data = stream.getvalue()
    place, name = data.find(b"PK\x03\x04", data.find(SHEET.encode()) - 40), SHEET.encode()
    end = data.find(b"PK\x05\x06")
    start, = struct.unpack_from("<L", data, end + 16)
    head = bytearray(data[place : place + 30])
    struct.pack_into("<H", head, 8, 8)
    struct.pack_into("<3L", head, 14, crc, len(body), len(sheet) + size)
    entries = bytearray(data[start:end])
    entry = entries.find(name) - 46
    struct.pack_into("<H", entries, entry + 10, 8)
    struct.pack_into("<3L", entries, entry + 16, crc, len(body), len(sheet) + size)
    front = data[:place] + bytes(head) + name + body
    tail = bytearray(data[end:])
    struct.pack_into("<L", tail, 16, len(front))
    return front + bytes(entries) + bytes(tail)


def many_cells(rows: int, columns: int) -> bytes:
    """A sheet of numbers, larger than any form."""
    names = [chr(65 + n // 26 - 1) + chr(65 + n % 26) if n > 25 else chr(65 + n) for n in range(columns)]
    lines = b"".join(b'<row r="%d">%s</row>' % (row, b"".join(b'<c r="%s%d"><v>1</v></c>' % (name.encode(), row) for name in names))
                     for row in range(100, 100 + rows))
    return changed(lambda xml: xml.replace(b"</sheetData>", lines + b"</sheetData>"))


def twice(data: bytes, name: str) -> bytes:
    """A part with the same name once more."""
    stream = io.BytesIO(data)
    with zipfile.ZipFile(stream, "a") as file:
        other = name[:-1] + ("X" if name[-1] != "X" else "Y")
        file.writestr(other, b"<worksheet/>")
    return stream.getvalue().replace(other.encode(), name.encode())


def containers() -> dict:
    """Test group 1: the zip file itself."""
    data = good()
    return {
        "no zip file": (b"PK\x03\x04 nothing", "X103"), "cut off": (data[: len(data) // 2], "X103"),
        "encrypted": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le") + bytes(600), "X104"),
        "two sheet1.xml": (twice(data, SHEET), "X121"), "a name that leads up": (with_parts(**{"../../x.xml": b"<a/>"}), "X121"),
        "a name on a drive": (with_parts(**{"C:/x.xml": b"<a/>"}), "X121"), "a name from the root": (with_parts(**{"/etc/x": b"<a/>"}), "X121"),
        "a name with backslashes": (with_parts(**{"..\\x": b"<a/>"}), "X121"),
        "5000 members": (with_parts(**{f"xl/media/{n}.png": b"" for n in range(5000)}), "X119"),
        "a wrong checksum": (lying(SHEET, 16, 7), "X103"), "a size too small": (lying(SHEET, 24, 100), "X103"),
        "a size too large": (lying(SHEET, 24, 1_000_000), "X103"), "a size beyond all": (lying(SHEET, 24, 0xFFFFFFF0), "X119"),
        "a part inside another": (lying(STYLES, 42, 60), "X103"), "1 GiB of blanks": (bomb(1 << 30), "X119"),
        "30 MB of blanks": (bomb(30_000_000), "X119"),
    }


def extents() -> dict:
    """Test group 3: more than any form."""
    names = b"".join(b'<definedName name="n%d">Sheet1!$A$1</definedName>' % n for n in range(100_000))
    notes = b"<comments><commentList>" + b"".join(b'<comment ref="A%d"/>' % n for n in range(100_000)) + b"</commentList></comments>"
    validations = b"".join(b'<dataValidation sqref="A%d"/>' % n for n in range(60_000))
    xfs = b"".join(b'<xf numFmtId="0" fontId="0" fillId="0" xfId="%d"/>' % n for n in range(66_000))
    deep = b"<r>" * 100_000 + b"</r>" * 100_000
    texts = b"".join(b"<si><t>%d</t></si>" % (n * 7919) for n in range(300_000))
    prefixed = (b'<x:sheetData xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><x:row r="1"><x:c r="XFD1048576">'
                b"<x:v>1</x:v></x:c></x:row></x:sheetData>")
    return {
        "one merge A1:XFD2000": (changed(merge("L1:XFD2000")), ""), "merge of ten whole columns": (changed(merge("L1:U1048576")), ""),
        "merge of one whole column": (changed(merge("L1:L1048576")), ""), "merge of everything": (changed(merge("A1:XFD1048576")), "X114"),
        "50000 small merges": (changed(merge(*(f"L{n}:M{n}" for n in range(1, 50_001)))), "X114"),
        "a lone cell at XFD1048576": (changed(cell("XFD1048576")), "X114"),
        "the same by another road": (changed(lambda xml: cell("XFD1048576")(xml).replace(b'<c r="A1"', b"<c  r='A1'", 1)), "X114"),
        "the same with a prefix": (changed(lambda xml: xml.replace(b"</worksheet>", prefixed + b"</worksheet>")), "X114"),
        "a blank cell at XFD1048576": (changed(cell("XFD1048576", b"")), ""),
        "an impossible place": (changed(cell("ZZZZZZZ1")), "X103"),
        "row 99999999": (changed(cell("A99999999")), "X114"),
        "a false dimension": (changed(lambda xml: xml.replace(b"<sheetViews", b'<dimension ref="A1:XFD1048576"/><sheetViews', 1)), ""),
        "2 million cells": (many_cells(40_000, 50), "X114"), "half a million cells": (many_cells(9_000, 50), "X114"),
        "a false count of texts": (changed(lambda xml: xml.replace(b'uniqueCount="', b'uniqueCount="4000000000'), STRINGS), "X120"),
        "the same written otherwise": (changed(lambda xml: xml.replace(b' uniqueCount="', b"\n uniqueCount = '4000000000").replace(
            b'"><si>', b"'><si>", 1), STRINGS), "X120"),
        "300000 texts": (changed(lambda xml: xml.replace(b"</sst>", texts + b"</sst>"), STRINGS), "X120"),
        "100000 nested in a sheet": (changed(lambda xml: xml.replace(b"</worksheet>", deep + b"</worksheet>")), "X120"),
        "100000 nested in a text": (changed(lambda xml: xml.replace(b"<si>", b"<si>" + deep, 1), STRINGS), "X120"),
        "100000 nested in the styles": (changed(lambda xml: xml.replace(b"</styleSheet>", deep + b"</styleSheet>"), STYLES), "X120"),
        "2000 sheets": (changed(lambda xml: xml.replace(b"</sheets>", b"".join(
            b'<sheet name="s%d" sheetId="%d" r:id="rId1"/>' % (n, n) for n in range(2, 2002)) + b"</sheets>"), BOOK), "X120"),
        "100000 names": (changed(lambda xml: xml.replace(b"</sheets>", b"</sheets><definedNames>%s</definedNames>" % names), BOOK), "X120"),
        "100000 notes": (with_parts(**{"xl/comments1.xml": notes}), "X120"),
        "60000 validations": (changed(lambda xml: xml.replace(b"</worksheet>", b"<x>%s</x></worksheet>" % validations)), "X120"),
        "66000 styles": (changed(lambda xml: xml.replace(b"</cellXfs>", xfs + b"</cellXfs>"), STYLES), "X120"),
    }


def xml() -> dict:
    """Test group 2: document types, encodings."""
    found = {f"{what} in {part}": (changed(declared(document), part), "X122") for what, document in ENTITIES.items() for part in EVERY_PART}
    found |= {f"UTF-16 in {part}": (changed(recoded("utf-16"), part), "X123") for part in (SHEET, STRINGS, BOOK, STYLES)}
    found |= {f"UTF-16 without mark in {part}": (changed(recoded("utf-16-le"), part), "X123") for part in (SHEET, STRINGS)}
    found["UTF-7 in the sheet"] = changed(recoded("utf-7")), "X123"
    found["a sheet with another ending"] = packed({
        **{name: data for name, data in parts(good()).items() if name != SHEET},
        "xl/_rels/workbook.xml.rels": parts(good())["xl/_rels/workbook.xml.rels"].replace(b"sheet1.xml", b"sheet1.bin"),
        "xl/worksheets/sheet1.bin": declared(ENTITIES["quadratic"])(parts(good())[SHEET])}), "X122"
    return found


def zipped(change=None, more=(), before: bytes = b"", behind: bytes = b"", between: bytes = b"") -> bytes:
    """The good form as a zip file in which every figure of every part may be a lie: ``change(entries)`` alters a list of dicts with name, data
    and, where they say something else, ``front`` (name, flags, method, checksum, sizes in the head before the part), ``back`` (those of the
    directory), ``extra`` and ``comp`` (the packed bytes); ``more`` entries follow."""
    entries = [{"name": name.encode(), "data": data} for name, data in parts(good()).items()]
    if change:
        change(entries)
    out, listed = bytearray(before), bytearray()
    for one in (*entries, *more):
        comp, body, place = one.get("comp"), one["data"], len(out)
        if comp is None:
            squeezer = zlib.compressobj(9, zlib.DEFLATED, -15)
            comp = squeezer.compress(body) + squeezer.flush()
        true = {"name": one["name"], "flags": 0, "method": 8, "crc": zlib.crc32(body), "packed": len(comp), "full": len(body), "offset": place}
        front, back, extra = {**true, **one.get("front", {})}, {**true, **one.get("back", {})}, one.get("extra", b"")
        out += struct.pack("<4s5H3L2H", b"PK\3\4", 20, front["flags"], front["method"], 0, 33, front["crc"], front["packed"], front["full"],
                           len(front["name"]), 0) + front["name"] + comp + one.get("tail", b"")
        listed += struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, back["flags"], back["method"], 0, 33, back["crc"], back["packed"], back["full"],
                              len(back["name"]), len(extra), 0, 0, 0, 0, back["offset"]) + back["name"] + extra
    count = len(entries) + len(more)
    return bytes(out) + between + bytes(listed) + struct.pack(
        "<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(listed), len(out) + len(between), 0) + behind


def of_sheet(**how):
    """A change of the entry of the sheet."""
    def change(entries: list[dict]) -> None:
        next(one for one in entries if one["name"] == SHEET.encode()).update(how)
    return change


def zip_tricks() -> dict:
    """Test group 1 once more: files that two readers of zip files read differently, and what only looks odd."""
    sheet, evil = parts(good())[SHEET], {"data": b"<a/>"}
    streamed = {"flags": 8, "crc": 0, "packed": 0, "full": 0}

    def described(entries: list[dict]) -> None:
        for one in entries:
            squeezer = zlib.compressobj(9, zlib.DEFLATED, -15)
            comp = squeezer.compress(one["data"]) + squeezer.flush()
            one.update(front=streamed, back={"flags": 8}, comp=comp, tail=struct.pack("<4s3L", b"PK\7\x08", zlib.crc32(one["data"]), len(comp),
                                                                                      len(one["data"])))

    return {
        "built by hand": (zipped(), ""), "sizes behind the parts": (zipped(described), ""),
        "bytes before the first part": (zipped(before=b"PK\3\4" + bytes(90)), ""), "a program before it": (b"MZ" * 50 + good(), "X103"),
        "bytes before it and an old directory": (b"PK\3\4" + bytes(90) + good(), "X121"),
        "bytes behind its end": (good() + b"rubbish" * 9, ""), "a second end": (good() + good()[-22:], "X121"),
        "a second zip file": (good() + changed(lambda xml: xml.replace(b"<v>25</v>", b"<v>24</v>", 1)), "X121"),
        "bytes before the directory": (zipped(between=b"x" * 30), ""),
        "another name in front": (zipped(of_sheet(front={"name": b"xl/worksheets/sheet2.xml"})), "X121"),
        "another packing in front": (zipped(of_sheet(front={"method": 0})), "X121"),
        "other sizes in front": (zipped(of_sheet(front={"packed": 5, "full": 7})), "X121"),
        "another checksum in front": (zipped(of_sheet(front={"crc": 5})), "X121"),
        "encrypted in front": (zipped(of_sheet(front={"flags": 1})), "X121"), "encrypted parts": (zipped(of_sheet(back={"flags": 1})), "X104"),
        "the same name in capitals": (zipped(more=[{"name": b"XL/Worksheets/SHEET1.xml", **evil}]), "X121"),
        "the same name with backslashes": (zipped(more=[{"name": b"xl\\worksheets\\sheet1.xml", **evil}]), "X121"),
        "a Kelvin sign for a k": (zipped(more=[{"name": "xl/wor\u212abook.xml".encode(), **evil}]), "X121"),
        "a name with a zero": (zipped(more=[{"name": SHEET.encode() + b"\0x", **evil}]), "X121"),
        "a name in an extra field": (zipped(more=[{"name": b"xl/z.bin", **evil, "extra": struct.pack(
            "<HHBL", 0x7075, 5 + len(SHEET), 1, zlib.crc32(b"xl/z.bin")) + SHEET.encode()}]), ""),
        "a folder": (zipped(more=[{"name": b"xl/worksheets/", "data": b""}]), ""),
        "an empty sheet part": (zipped(of_sheet(data=b"")), "X103"), "a zip file inside": (with_parts(**{"xl/a.zip": bomb(5_000_000)}), ""),
        "another way of packing": (zipped(of_sheet(back={"method": 9}, front={"method": 9})), "X121"),
        "rubbish behind the packed part": (zipped(of_sheet(comp=zlib.compress(sheet, 9)[2:-4] + b"rubbish")), ""),
        "two entries for one part": (zipped(more=[{"name": b"xl/q.xml", **evil, "back": {"offset": 0}}]), "X121"),
        "a name that steers a terminal": (zipped(more=[{"name": b"xl/\x1b[2J.xml", "data": b"<!DOCTYPE x>"}]), "X122"),
        "300 parts of blanks": (with_parts(**{f"xl/media/{n}.xml": b"<a/>" + b" " * 900_000 for n in range(300)}), "X119"),
        "a Word file called .xlsx": (with_parts(**{"word/document.xml": b"<a/>"}), "X105"),
        "a binary workbook": (with_parts(**{"xl/workbook.bin": b"x"}), "X106"),
        "a page of the web": (b"<html><table><tr><td>1</td></tr></table>", "X103"),
        "nothing but an end": (b"PK\3\4" + bytes(30) + b"PK\5\6" + bytes(18), "X121"), "zeros": (bytes(100_000), "X103"),
    }


def prefixed(xml: bytes) -> bytes:
    """The same XML with a prefix before every name."""
    space = b'="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    return re.sub(rb"<(/?)(?=[A-Za-z])", rb"<\1x:", xml).replace(b"xmlns" + space, b"xmlns:x" + space)


def score(body: bytes):
    """Puts another content into the score of the second indicator, which is 25."""
    return lambda xml: re.sub(rb'(<c r="H9"[^>]*>)<v>25</v>', lambda match: match[1] + body, xml)


def xml_tricks() -> dict:
    """Test group 2 once more: the same form, or another one, written as no program writes it."""
    relations, swap = "xl/_rels/workbook.xml.rels", b"worksheets/sheet1.xml"
    both = changed(prefixed, STRINGS, changed(prefixed, STYLES, changed(prefixed, BOOK, changed(prefixed))))
    second = b'<sheet name="%s" sheetId="2" r:id="rId1"/></sheets>'
    corner = b'<row r="9900"><c r="Z9900"><v>1</v></c></row></sheetData>'
    books = parts(workbook(sheets=200))
    corners = packed({name: data.replace(b"</sheetData>", corner) if "worksheets/" in name else data for name, data in books.items()})
    found = {
        "prefixes everywhere": (both, ""), "single quotes in the sheet": (changed(lambda xml: xml.replace(b'"', b"'")), ""),
        "single quotes in the styles": (changed(lambda xml: xml.replace(b'"', b"'"), STYLES), ""),
        "single quotes in the workbook": (changed(lambda xml: xml.replace(b'"', b"'"), BOOK), ""),
        "single quotes in the relations": (changed(lambda xml: xml.replace(b'"', b"'"), relations), ""),
        "a comment before a row": (changed(lambda xml: xml.replace(b'<row r="9"', b'<!-- <row r="9" hidden="1"> --><row r="9"')), ""),
        "cells without places": (changed(lambda xml: xml.replace(b'<row r="1"', b"<row", 1)), ""),
        "rows in the wrong order": (changed(lambda xml: (lambda rows: xml.replace(b"".join(rows), b"".join(rows[::-1])))(
            re.findall(rb"<row .*?</row>", xml))), ""),
        "an attribute of 4 MB": (changed(lambda xml: xml.replace(b'<row r="9"', b'<row x="' + bytes(range(65, 91)) * 150_000 + b'" r="9"')), "X119"),
        "200000 attributes": (changed(lambda xml: xml.replace(b"<worksheet", b"<worksheet " + b" ".join(b'a%d=""' % n for n in range(200_000)))), ""),
        "two sheets in one part": (changed(lambda xml: xml.replace(b"</sheets>", second % b"b"), BOOK), "X121"),
        "two sheets of one name": (changed(lambda xml: xml.replace(b"</sheets>", second % b"Sheet1"), BOOK), "X121"),
        "200 sheets with a cell in the corner": (corners, "X114"),
        "a sheet in a comment": (changed(lambda xml: xml.replace(b"</sheets>", b"</sheets><!-- " + second % b"Sheet1" + b" -->"), BOOK), ""),
        "merged areas that overlap": (changed(merge(*(["A1:J10"] * 30))), "X121"),
        "a heading merged below the form": (changed(merge("D7:D5000")), "L101"), "a heading merged beside the form": (changed(merge("E7:ZZ7")), ""),
        "an entity without declaration": (changed(lambda xml: xml.replace(b"<si><t>", b"<si><t>&foo;", 1), STRINGS), "X103"),
        "a character that is none": (changed(lambda xml: xml.replace(b"<si><t>", b"<si><t>\xff\xfe", 1), STRINGS), "X103"),
        "no declaration": (changed(lambda xml: re.sub(rb"<\?xml[^>]*>\s*", b"", xml)), ""),
        "a mark of UTF-8": (changed(lambda xml: b"\xef\xbb\xbf" + xml), ""),
        "GBK": (changed(lambda xml: xml.replace(b"UTF-8", b"GBK", 1)), "X123"),
        "an encoding declared far behind": (changed(
            lambda xml: xml.replace(b" encoding", b" " * 400 + b" encoding", 1).replace(b"UTF-8", b"UTF-7")), "X103"),
    }
    for what, target, code in (("out of the file", b"../../../etc/passwd", "X103"), ("at an address", b"http://127.0.0.1:9/x.xml", "X103"),
                               ("at a file", b"file:///etc/passwd", "X103"), ("at the workbook", b"workbook.xml", "X107"),
                               ("from the root", b"/xl/worksheets/sheet1.xml", ""), ("at nothing", b"", "X103"), ("in capitals", swap.upper(), "")):
        found[f"the sheet is {what}"] = changed(lambda xml, target=target: xml.replace(swap, target), relations), code
    return found
