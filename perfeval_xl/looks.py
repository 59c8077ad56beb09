"""How the cells of a sheet look, as far as it hides or changes figures: hidden rows and columns, letters in the colour of their ground or too
small to be read, number formats that show nothing or another figure, conditional formats that do so, and where formulas stand.

A sheet that is written as every program writes it, and in which nothing of this kind is mentioned, is not walked.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from perfeval_xl import gate
from perfeval_xl.container import unpack
from perfeval_xl.model import column_number
from perfeval_xl.patterns import Pattern
from perfeval_xl.pieces import FORMULA, Cells

Cell = tuple[int, int]


class Rule(NamedTuple):
    """A conditional format that hides what it is applied to: areas as they are written, kind, comparison, its formulas."""

    areas: str
    kind: str
    operator: str
    formulas: tuple[str, ...]


class Look(NamedTuple):
    """What hides figures on one sheet: rows, columns, cells that cannot be seen, cells that show another figure, rules; and its formulas:
    where they stand, and the first one that reaches out of the workbook."""

    rows: frozenset[int] = frozenset()
    columns: frozenset[int] = frozenset()
    unseen: frozenset[Cell] = frozenset()
    other: frozenset[Cell] = frozenset()
    rules: tuple[Rule, ...] = ()
    formulas: frozenset[Cell] = frozenset()
    out: Cell | None = None


_NOTHING = Look()
#: points: lower rows and smaller letters nobody can read; and the same of columns, in letters
LOW, NARROW = 3, 0.4
#: two colours that differ by less in each of red, green and blue are one to the eye
_ALIKE = 24


def alike(one: tuple[int, int, int] | None, other: tuple[int, int, int] | None) -> bool:
    """Whether letters of one colour on a ground of the other cannot be read."""
    return one is not None and other is not None and all(abs(a - b) < _ALIKE for a, b in zip(one, other, strict=True))


# ---- number formats ----

_LITERAL = Pattern(r'"([^"]*)"|[\\!](.)|[_*].')


def format_hides(code: str) -> bool:
    """Whether a number format shows nothing at all for a number above zero: ``;;;``, ``""``."""
    first = _sections(code)[0]
    return bool(code) and not _LITERAL.sub(lambda match: match[1] or match[2] or "", re.sub(r"\[[^\]]*\]", "", first)).strip()


def format_shows_other(code: str) -> bool:
    """Whether a number format writes digits of its own, or shows thousands of what is there: ``"98"``, ``0"5"``, ``0,``."""
    for section in _sections(code)[:2] if code else ():
        bare = re.sub(r"\[[^\]]*\]", "", section)
        if any(one.isdigit() for match in _LITERAL.finditer(bare) for one in (match[1] or match[2] or "")):
            return True
        rest = _LITERAL.sub("", bare)
        if re.search(r"[0#?],+(?![0#?,])", rest) or (re.search("[1-9]", rest) and "/" not in rest):
            return True
    return False


def _sections(code: str) -> list[str]:
    found, quoted = [""], False
    for one in code:
        quoted ^= one == '"'
        if one == ";" and not quoted:
            found.append("")
        else:
            found[-1] += one
    return found


# ---- styles of an .xlsx ----

#: the colours that a file may call by number, as Excel has them
_PALETTE = ("000000FFFFFFFF000000FF000000FFFFFF00FF00FF00FFFF" * 2
            + "8000000080000000808080008000800080 80C0C0C0808080".replace(" ", "") + "9999FF993366FFFFCCCCFFFF660066FF80800066CCCCCCFF"
            + "000080FF00FFFFFF0000FFFF8000808000000080800000FF" + "00CCFFCCFFFFCCFFCCFFFF9999CCFFFF99CCCC99FFFFCC99"
            + "3366FF33CCCC99CC00FFCC00FF9900FF6600666699969696" + "003366339966003300333300993300993366333399333333")
_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)


class Styles(NamedTuple):
    """The numbers of the cell styles that nobody can read, of those that show another figure, and of the conditional formats that hide."""

    unseen: frozenset[str]
    other: frozenset[str]
    hiding: frozenset[str]


@lru_cache(maxsize=64)
def styles(packed_styles: tuple[int, int, int, bytes], packed_theme: tuple[int, int, int, bytes]) -> Styles:
    """What hides figures among the styles of a workbook. Remembered by the packed parts, which the forms of a district have in common."""
    xml, theme = unpack(*packed_styles), _theme(unpack(*packed_theme))
    if not xml:
        return Styles(frozenset(), frozenset(), frozenset())
    reader = _StylesReader(theme)
    gate.walk(xml, reader.start, None, reader.end)
    formats = reader.formats
    unseen, other = set(), set()
    for n, (font, fill, number) in enumerate(reader.xfs):
        letters, points = reader.fonts.get(font, (_BLACK, 11.0))
        if alike(letters, reader.fills.get(fill, _WHITE)) or points < LOW or format_hides(formats.get(number, "")):
            unseen.add(str(n))
        elif format_shows_other(formats.get(number, "")):
            other.add(str(n))
    hiding = {str(n) for n, (letters, ground, code) in enumerate(reader.dxfs) if alike(letters, ground) or format_hides(code)}
    return Styles(frozenset(unseen), frozenset(other), frozenset(hiding))


class _StylesReader:
    """Listens to the styles part: fonts and fills by number as colours, number formats, cell styles, differential formats."""

    def __init__(self, theme: list) -> None:
        self.theme, self.block, self.path = theme, "", []
        self.formats: dict[str, str] = {}
        self.fonts: dict[str, tuple] = {}
        self.fills: dict[str, tuple | None] = {}
        self.xfs: list[tuple[str, str, str]] = []
        self.dxfs: list[tuple] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.path.append(tag)
        if len(self.path) == 2:
            self.block = tag
        inside = self.path[2:]
        if self.block == "numFmts" and tag == "numFmt":
            self.formats[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif self.block == "fonts":
            self._font(inside, attributes)
        elif self.block == "fills":
            self._fill(inside, attributes)
        elif self.block == "cellXfs" and inside == ["xf"]:
            self.xfs.append((attributes.get("fontId", "0"), attributes.get("fillId", "0"), attributes.get("numFmtId", "0")))
        elif self.block == "dxfs":
            self._differential(inside, attributes)

    def end(self, tag: str) -> None:
        self.path.pop()

    def _font(self, inside: list[str], attributes: dict[str, str]) -> None:
        if inside == ["font"]:
            self.fonts[str(len(self.fonts))] = (_BLACK, 11.0)
        elif inside[1:] == ["color"]:
            key = str(len(self.fonts) - 1)
            self.fonts[key] = (_colour(attributes, self.theme) or _BLACK, self.fonts[key][1])
        elif inside[1:] == ["sz"]:
            key = str(len(self.fonts) - 1)
            self.fonts[key] = (self.fonts[key][0], _number(attributes.get("val", ""), 11.0))

    def _fill(self, inside: list[str], attributes: dict[str, str]) -> None:
        key = str(len(self.fills) - 1)
        if inside == ["fill"]:
            self.fills[str(len(self.fills))] = _WHITE
        elif inside[1:] in (["patternFill"], ["gradientFill"]):
            # letters on a pattern or on a colour that changes are taken for readable
            kind = attributes.get("patternType", "none") if inside[1] == "patternFill" else "gradient"
            self.fills[key] = {"none": _WHITE, "solid": _BLACK}.get(kind)
        elif inside[1:] == ["patternFill", "fgColor"] and self.fills.get(key):
            self.fills[key] = _colour(attributes, self.theme) or (_BLACK if self.fills[key] == _BLACK else _WHITE)

    def _differential(self, inside: list[str], attributes: dict[str, str]) -> None:
        if inside == ["dxf"]:
            self.dxfs.append((None, _WHITE, ""))
        elif inside[1:] == ["font", "color"]:
            self.dxfs[-1] = (_colour(attributes, self.theme), *self.dxfs[-1][1:])
        elif inside[1:] == ["fill", "patternFill", "bgColor"]:
            self.dxfs[-1] = (self.dxfs[-1][0], _colour(attributes, self.theme), self.dxfs[-1][2])
        elif inside[1:] == ["numFmt"]:
            self.dxfs[-1] = (*self.dxfs[-1][:2], attributes.get("formatCode", ""))


def _number(text: str, otherwise: float) -> float:
    return float(text) if re.fullmatch(r"[-+]?([0-9]{1,6}(\.[0-9]{0,12})?|\.[0-9]{1,12})", text) else otherwise


def _colour(attributes: dict[str, str], theme: list) -> tuple[int, int, int] | None:
    """A colour as red, green and blue; None where it is left to the program."""
    code = attributes.get("rgb", "")[-6:]
    if not code and attributes.get("indexed", "").isdigit():
        number = int(attributes["indexed"][:4])
        code = {64: "000000", 65: "FFFFFF"}.get(number, _PALETTE[number * 6 : number * 6 + 6])
    if not code and attributes.get("theme", "").isdigit() and int(attributes["theme"][:4]) < len(theme):
        code = theme[int(attributes["theme"][:4])]
    if not re.fullmatch("[0-9A-Fa-f]{6}", code):
        return None
    rgb = tuple(int(code[n : n + 2], 16) for n in (0, 2, 4))
    tint = attributes.get("tint", "")
    if not tint or not re.fullmatch(r"-?[01](\.[0-9]{1,20})?|-?[0-9.]{1,20}E-[0-9]{1,3}", tint):
        return rgb
    import colorsys

    hue, light, full = colorsys.rgb_to_hls(*(one / 255 for one in rgb))
    share = max(-1.0, min(1.0, float(tint)))
    light = light * (1 + share) if share < 0 else light * (1 - share) + share
    return tuple(round(one * 255) for one in colorsys.hls_to_rgb(hue, light, full))


def _theme(xml: bytes) -> list[str]:
    """The colours that a file calls by their place in the theme; Excel counts light before dark."""
    block = re.search(rb"<(?:\w+:)?clrScheme\b.*?</(?:\w+:)?clrScheme>", xml, re.S)
    found = [(last or code).decode() for code, last in re.findall(
        rb'<(?:\w+:)?s(?:ys|rgb)Clr\b[^<>]*?\bval=["\']([^"\']*)["\'](?:[^<>]*?\blastClr=["\']([^"\']*)["\'])?', block[0])] if block else []
    found = found if len(found) >= 4 else ["000000", "FFFFFF", "44546A", "E7E6E6"]
    return [found[1], found[0], found[3], found[2], *found[4:]]


# ---- a sheet of an .xlsx ----

#: where none of these is mentioned, no row and no column is hidden and no condition changes a look
_HINTS = (b"hidden", b"zeroHeight", b"cfRule", b'defaultColWidth="0', b' ht="0', b' ht="1"', b' ht="1.', b' ht="2"', b' ht="2.', b' ht=".',
          b' ht="-', b' ht="+', b' width="0')
#: rows that say nothing of their height are hidden, or too low
_LOW_ROWS = Pattern(rb'zeroHeight="(?!false"|0")|defaultRowHeight="[0-2][".]')
#: what makes a formula reach out of the workbook: DDE (server|topic), addresses, libraries and their functions
_OUT = Pattern(r'\||\b(?:WEBSERVICE|IMAGE|RTD|CALL|REGISTER(?:\.ID)?|DDE|EXEC|SQL\.REQUEST)\s*\(', re.IGNORECASE)
_QUOTED = Pattern(r'"[^"]*"')
#: without one of these there is nothing to look for; a form with native formulas has a thousand long ones
_OUT_WORDS = ("|", "WEBSERVICE", "IMAGE", "RTD", "CALL", "REGISTER", "DDE", "EXEC", "SQL.REQUEST")
_OUT_HINTS = (b"|", b"&#", b"WEBSERVICE", b"IMAGE", b"RTD", b"CALL", b"REGISTER", b"DDE", b"EXEC", b"SQL.")


def reaches_out(formula: str) -> bool:
    """Whether a formula calls another program, an address or a library."""
    loud = formula.upper()
    if not any(word in loud for word in _OUT_WORDS):
        return False
    return bool(_OUT.search(formula)) and bool(_OUT.search(_QUOTED.sub('""', formula)))


def of_sheet(xml: bytes, written: Cells, of: Styles) -> Look:
    """The look of a sheet; ``written``: how its cells are written."""
    if _must_be_walked(xml, written, of):
        return _walked(xml, of)
    head, behind, look = xml[: written.begin], xml[written.end :], _NOTHING
    if _speaks(head) or _speaks(behind):
        look = _framed(b"%s<sheetData></sheetData>%s" % (head, behind), of)
    if not written.formulas:
        return look
    return look._replace(formulas=frozenset((row, column) for _, row, column, *_, more in written.found if more & FORMULA))


def _walked(xml: bytes, of: Styles) -> Look:
    reader = _SheetReader(of)
    gate.walk(xml, reader.start, reader.text, reader.end)
    return reader.look()


#: what stands around the cells of a sheet; remembered, because the sheets of a district begin and end alike
_framed = lru_cache(maxsize=64)(_walked)


def _must_be_walked(xml: bytes, written: Cells, of: Styles) -> bool:
    """Whether the rows of a sheet speak of anything that hides, a cell has a style that does, or a formula could reach out; the cells as such
    cannot, and what stands around them is looked at apart."""
    if written.found is None or any(b's="%s"' % style.encode() in xml for style in (*of.unseen, *of.other)):
        return True
    if _LOW_ROWS.search(xml, 0, written.begin):
        return True
    if written.hides and _speaks(b" ".join(re.findall(rb"<row ([^<>]*)", xml))):
        return True
    return (written.formulas or b"</f" in xml[written.end :]) and _calling(xml)


@lru_cache(maxsize=256)
def _speaks(said: bytes) -> bool:
    """Whether a piece of a sheet mentions anything that hides. Remembered likewise."""
    said = said.replace(b'hidden="false"', b"").replace(b'zeroHeight="false"', b"")  # as LibreOffice writes everywhere
    return any(hint in said for hint in _HINTS) or b"='" in said or b" =" in said or b"= " in said


def _calling(xml: bytes) -> bool:
    """Whether a formula could reach out."""
    loud = xml.upper()
    if not any(hint in loud for hint in _OUT_HINTS):
        return False
    said = b"\n".join({text.upper() for text in re.findall(rb"<f[^<>]*>([^<]+)", xml)})
    return any(hint in said for hint in _OUT_HINTS)


class _SheetReader:
    """Listens to a sheet."""

    def __init__(self, of: Styles) -> None:
        self.of, self.row, self.column, self.inside = of, -1, -1, ""
        self.rows: set[int] = set()
        self.columns: set[int] = set()
        self.wide: set[int] = set()
        self.unseen: set[Cell] = set()
        self.other: set[Cell] = set()
        self.formulas: set[Cell] = set()
        self.out: Cell | None = None
        self.rules: list[Rule] = []
        self.areas, self.rule, self.texts, self.low, self.narrow = "", None, [], False, False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.inside = tag
        if tag == "sheetFormatPr":
            self.low = attributes.get("zeroHeight") in ("1", "true") or _number(attributes.get("defaultRowHeight", ""), 15) < LOW
            self.narrow = _number(attributes.get("defaultColWidth", ""), 9) < NARROW
        elif tag == "col":
            self._col(attributes)
        elif tag == "row":
            self.row, self.column = _integer(attributes.get("r"), self.row + 2) - 1, -1
            if attributes.get("hidden") in ("1", "true") or _number(attributes.get("ht", ""), 0 if self.low else 15) < LOW:
                self.rows.add(self.row)
        elif tag == "c":
            match = re.fullmatch(r"\s*\$?([A-Za-z]{1,3})\$?([0-9]{1,7})\s*", attributes.get("r", ""))
            self.row, self.column = (int(match[2]) - 1, column_number(match[1].upper())) if match else (self.row, self.column + 1)
            style = attributes.get("s", "0").strip()
            if style in self.of.unseen:
                self.unseen.add((self.row, self.column))
            elif style in self.of.other:
                self.other.add((self.row, self.column))
        elif tag in ("f", "formula", "formula1", "formula2"):
            self.texts = []
            if tag == "f" and self.rule is None:
                self.formulas.add((self.row, self.column))
        elif tag == "conditionalFormatting":
            self.areas = attributes.get("sqref", "")
        elif tag == "cfRule" and attributes.get("dxfId", "").strip() in self.of.hiding:
            self.rule = Rule(self.areas, attributes.get("type", ""), attributes.get("operator", ""), ())

    def text(self, content: str) -> None:
        if self.inside in ("f", "formula", "formula1", "formula2"):
            self.texts.append(content)

    def end(self, tag: str) -> None:
        if tag in ("f", "formula", "formula1", "formula2"):
            formula = "".join(self.texts)
            if self.rule is not None and tag == "formula":
                self.rule = self.rule._replace(formulas=(*self.rule.formulas, formula))
            if self.out is None and reaches_out(formula):
                self.out = (self.row, self.column) if tag == "f" else (-1, -1)
        elif tag == "cfRule" and self.rule is not None:
            self.rules.append(self.rule)
            self.rule = None
        self.inside = ""

    def _col(self, attributes: dict[str, str]) -> None:
        first, last = _integer(attributes.get("min"), 1) - 1, min(_integer(attributes.get("max"), 1), 1000)
        hidden = attributes.get("hidden") in ("1", "true") or _number(attributes.get("width", ""), 9) < NARROW
        (self.columns if hidden else self.wide).update(range(max(first, 0), last))

    def look(self) -> Look:
        """What was heard."""
        if self.narrow:
            self.columns.update(set(range(1000)) - self.wide)
        return Look(frozenset(self.rows), frozenset(self.columns), frozenset(self.unseen), frozenset(self.other), tuple(self.rules),
                    frozenset(self.formulas), self.out)


def _integer(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 9 else otherwise
