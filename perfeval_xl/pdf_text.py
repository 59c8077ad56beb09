"""The text of a PDF, page by page, as its lines are printed. Run by a worker (``contain``), because a PDF is a program more than a text."""

import logging
import os

from perfeval_xl.messages import Refusal
from perfeval_xl.patterns import Pattern

#: pages; a report with its form has some 20
_PAGES = 300
#: the number of a page, alone on its line
_NUMBER = Pattern(r"[-—–－\s]*(?:第\s*)?[0-9]{1,3}(?:\s*页)?(?:\s*[/，,]?\s*共?\s*[0-9]{1,3}\s*页?)?[-—–－\s]*")


def read(path: str, most: int) -> str | Refusal:
    """All text of a PDF, at most so many characters, without page numbers; a refusal for one with a password, without text, or damaged."""
    import pypdf

    file = os.path.basename(path)
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        document = pypdf.PdfReader(path)
        if document.is_encrypted and not document.decrypt(""):
            return Refusal("X104", file=file)
        if len(document.pages) > _PAGES:
            return Refusal("X326", file=file, stated=f"{len(document.pages)} 页", expected=f"{_PAGES} 页")
        lines: list[str] = []
        size = 0
        for page in document.pages:
            # as laid out: in the order of its drawing a sign of another font (≥) comes before its line, and columns run together
            printed = page.extract_text(extraction_mode="layout").splitlines()
            lines += [line.strip() for line in printed if line.strip() and not _NUMBER.fullmatch(line)]
            size = sum(map(len, lines))
            if size > most:
                return Refusal("X326", file=file, stated=f"{size} 字", expected=f"{most} 字")
        return "\n".join(lines) if size else Refusal("X324", file=file)
    except Exception:  # whatever a damaged file leads its reader to
        return Refusal("X321", file=file)
