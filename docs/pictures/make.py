"""Makes the pictures of the guide and of README anew: ``make pictures``, or ``python docs/pictures/make.py [FOLDER]``.

The shipped code builds the workbooks and presses the buttons, through xlwings on the LibreOffice of the tests; LibreOffice prints what is then
on the screen. It needs LibreOffice, Chinese fonts and pdftoppm (``make office``), and Pillow, which cuts off the margins.

What only Excel shows is not in the pictures: the tab in the ribbon, the drop-downs, the messages beside a selected cell.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent.parent), str(HERE.parent.parent / "tests")]

import xlwings  # noqa: E402 - the two folders above are where this checkout's own code is
from calc.engine import Engine  # noqa: E402
from calc.office import Office  # noqa: E402
from PIL import Image, ImageChops  # noqa: E402

from perfeval_xl import buttons, examples, record, review, workbook_file  # noqa: E402
from perfeval_xl.model import FORM_SHEET, RESULTS_SHEET  # noqa: E402
from perfeval_xl.sheets import GUIDE, RULES  # noqa: E402
from perfeval_xl.xlwings_host import XlwingsHost  # noqa: E402

#: dots an inch; a page so large that no sheet is cut (1/100 mm); the white edge that stays (dots)
DOTS, PAGE, EDGE = 80, 80000, 8
#: a clerk's computer has the fonts of the form, a server here the ones beside them
FONTS = (("宋体", "Noto Serif CJK SC"), ("微软雅黑", "Noto Sans CJK SC"), ("等线", "Noto Sans CJK SC"), ("Calibri", "Noto Sans CJK SC"))
#: 1/100 mm: a note as large as the button makes it; LibreOffice has a size of its own until it is told
NOTE = (8466, 3000)
#: what the clerk of the example writes before she hands the form in
REASON = "外事活动经费已列入预算，年内没有因公出国任务，资金未动用；下年度按计划分月申请。"


class Studio:
    """An office that takes pictures of the workbooks opened in it."""

    def __init__(self, folder: Path, out: Path) -> None:
        self.folder, self.out = folder, out
        self._fonts()
        self.office = Office()
        self.engine = Engine(self.office)
        front = xlwings.Engine(impl=self.engine)
        xlwings.engines.add(front)
        front.activate()

    def _fonts(self) -> None:
        aliases = "".join(f"<match><test name='family'><string>{wanted}</string></test>"
                          f"<edit name='family' mode='assign' binding='same'><string>{there}</string></edit></match>" for wanted, there in FONTS)
        path = self.folder / "fonts.conf"
        path.write_text('<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
                        f'<include ignore_missing="yes">/etc/fonts/fonts.conf</include>{aliases}</fontconfig>', encoding="utf-8")
        os.environ["FONTCONFIG_FILE"] = str(path)

    @contextmanager
    def opened(self, path: Path | str) -> Iterator[XlwingsHost]:
        """A workbook with the values that its file holds, for the buttons and for the camera."""
        self.engine.app.books.recalculate = False
        book = xlwings.apps.active.books.open(str(path))
        try:
            host = XlwingsHost(book)
            host.ask = lambda text, title, choices="ok": "ok" if choices.startswith("ok") else "yes"
            yield host
        finally:
            book.close()

    def take(self, host: XlwingsHost, sheet: str, area: str, headers: bool = True) -> Image.Image:
        """What an area of a sheet looks like, its buttons and shown notes included; ``headers`` adds the letters and numbers around it."""
        document = host.book.impl.document
        page = document.Sheets.getByName(sheet)
        style = document.StyleFamilies.getByName("PageStyles").getByName(page.PageStyle)
        style.HeaderIsOn = style.FooterIsOn = style.CenterHorizontally = False
        style.IsLandscape, style.PrintHeaders = False, headers
        style.Width = style.Height = PAGE
        style.ScaleToPages = style.ScaleToPagesX = style.ScaleToPagesY = 0
        style.PageScale = 100
        for shape in page.DrawPage:
            if hasattr(shape, "Control") and shape.Control is not None:
                shape.Control.Printable = True
        pdf = self.folder / "picture.pdf"
        only = self.office.uno.Any("[]com.sun.star.beans.PropertyValue",
                                   self.office.properties(Selection=page.getCellRangeByName(area), ExportNotes=False))
        document.storeToURL(pdf.as_uri(), self.office.properties(FilterName="calc_pdf_Export", FilterData=only))
        subprocess.run(["pdftoppm", "-r", str(DOTS), "-png", "-singlefile", str(pdf), str(pdf.with_suffix(""))], check=True)
        with Image.open(pdf.with_suffix(".png")) as picture:
            return _cut(picture.convert("RGB"))

    def keep(self, name: str, *pictures: Image.Image) -> None:
        """One picture, or several below each other, as a small file."""
        whole = Image.new("RGB", (max(one.width for one in pictures), sum(one.height for one in pictures)), "white")
        top = 0
        for one in pictures:
            whole.paste(one, (0, top))
            top += one.height
        whole.quantize(128, Image.Quantize.MEDIANCUT, kmeans=4, dither=Image.Dither.NONE).save(self.out / f"{name}.png", optimize=True)


def _cut(picture: Image.Image) -> Image.Image:
    """Without its white margins."""
    left, top, right, bottom = ImageChops.difference(picture, Image.new("RGB", picture.size, "white")).getbbox()
    return picture.crop((max(left - EDGE, 0), max(top - EDGE, 0), right + EDGE, bottom + EDGE))


def blank_form(studio: Studio) -> None:
    """What a clerk has before her when she opens the shipped workbook."""
    edition, _ = examples.load(os.path.join(examples.DATA, f"{examples.SHOWN}.toml"))
    path = os.path.join(workbook_file.FOLDER, f"{workbook_file.name_for(edition)}.xlsm")
    with studio.opened(path) as host:
        studio.keep("guide", studio.take(host, GUIDE, "A1:B40", headers=False))
        studio.keep("rules", studio.take(host, RULES, "A1:D22", headers=False))
        studio.keep("blank", studio.take(host, FORM_SHEET, "A1:N48"))


def filled_form(studio: Studio) -> None:
    """The example: filled in, after ①, what ① lists, and what ⑥ hands in once the reason is written."""
    with studio.opened(examples.workbook(str(studio.folder))) as host:
        studio.keep("filled", studio.take(host, FORM_SHEET, "A1:N42"))
        buttons.check(host)
        form = record.check_sheet(host.grid(FORM_SHEET), host.path()).form
        lacking = next(row.reason for row in form.indicators if row.name == "预算执行率")
        page = host.book.impl.document.Sheets.getByName(FORM_SHEET)
        note = next(one for one in page.Annotations if (one.Position.Row, one.Position.Column) == (lacking.row, lacking.column))
        note.setIsVisible(True)
        size = note.AnnotationShape.Size
        size.Width, size.Height = NOTE
        note.AnnotationShape.setSize(size)
        studio.keep("marked", studio.take(host, FORM_SHEET, "A1:N42"))
        studio.keep("results", studio.take(host, RESULTS_SHEET, "A1:H9"))
        with host.opened(FORM_SHEET):
            host.write(FORM_SHEET, lacking.row, lacking.column, [[REASON]])
        buttons.submit(host)
    copy, = studio.folder.glob("*（报送版）.xlsx")
    with studio.opened(copy) as host:
        studio.keep("submission", studio.take(host, FORM_SHEET, "A1:J37", headers=False))


def review_copy(studio: Studio) -> None:
    """What ``check --out`` writes: the list, and the marked form."""
    copy = studio.folder / "批注版.xlsx"
    review.write(list(record.check_files([os.path.join(examples.FOLDER, f"{examples.SHOWN}.xlsx")])), str(copy))
    with studio.opened(copy) as host:
        first, *_, form = (name for name in host.sheet_names())
        studio.keep("review", studio.take(host, first, "A1:J13"), studio.take(host, form, "A1:J38"))


def main() -> None:
    """All pictures into a folder, by default the one this file is in."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    with tempfile.TemporaryDirectory(prefix="perfeval-pictures-") as folder:
        studio = Studio(Path(folder), out)
        try:
            blank_form(studio)
            filled_form(studio)
            review_copy(studio)
        finally:
            studio.office.close()


if __name__ == "__main__":
    main()
