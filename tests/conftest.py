"""What several test files share: where LibreOffice is, whether it must be there, and one that runs for the whole session."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import hypothesis
import pytest

REQUIRED = bool(os.environ.get("PERFEVAL_REQUIRE_OFFICE"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """--update-golden writes the expected files anew, to be looked at before they are committed."""
    parser.addoption("--update-golden", action="store_true", help="write tests/golden anew")


#: Files that fill the machine on purpose, kill processes, or wait for something with a clock in hand: with ``-n`` one process does them all, one
#: after the other, so that no two of them meet.
ALONE = ("test_cluster", "test_contain", "test_consolidate", "test_gather", "test_output")
#: With ``-n`` the files that take longest come first, so that the processes end at about the same time.
LONG = ("test_formulas", *ALONE, "test_half_way", "test_buttons", "test_cli", "test_formulas_use", "test_mishaps", "test_gate", "test_doors")
if "PYTEST_XDIST_WORKER" in os.environ:  # 200 ms for an example are measured on the wall, where another process may have the core just then
    hypothesis.settings.register_profile("shared", deadline=2000)
    hypothesis.settings.load_profile("shared")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """Which tests go to one process together, where there are several (``make test``, ``pytest -n 2``): those of a file, because what its
    fixtures make is then made once; and all of ``ALONE``. Marks of xdist_group would say the same, but pytest 9.2 and xdist 3.8 pass over them."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduler(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return "alone" if Path(file).stem in ALONE else file

    config.option.loadscopereorder = False  # else the files with most tests come first; the longest have few
    return Scheduler(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """See ``LONG``."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))


@pytest.fixture(scope="session", autouse=True)
def own_log(tmp_path_factory):
    """What tests make fail on purpose is not written into the user's log."""
    before = os.environ.get("XDG_STATE_HOME")
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))
    yield
    os.environ.pop("XDG_STATE_HOME")
    if before is not None:
        os.environ["XDG_STATE_HOME"] = before


@pytest.fixture
def golden(request):
    """Holds a text against its file in tests/golden."""

    def compare(name: str, text: str) -> None:
        path = Path(__file__).parent / "golden" / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text

    return compare


def _missing(why: str) -> None:
    """Skips the test, or fails where CI demands LibreOffice."""
    if REQUIRED:
        pytest.fail(f"{why}, and PERFEVAL_REQUIRE_OFFICE is set")
    pytest.skip(why)


@pytest.fixture(scope="session")
def soffice() -> str:
    """The program that opens what we write."""
    path = shutil.which("soffice")
    if path is None:
        _missing("LibreOffice is missing (apt install libreoffice-calc)")
    return path


@pytest.fixture(scope="session")
def calc():
    """One LibreOffice for the session, as the active engine of xlwings; ``calc.calls`` counts what it was asked."""
    xlwings = pytest.importorskip("xlwings") if not REQUIRED else __import__("xlwings")
    from calc.engine import Engine
    from calc.office import Missing, Office

    try:
        office = Office()
    except Missing as error:
        _missing(str(error))
    try:
        engine = Engine(office)
        front = xlwings.Engine(impl=engine)
        xlwings.engines.add(front)
        before = xlwings.engines.active
        front.activate()
        yield engine
        xlwings.engines.active = before
    finally:
        office.close()


@pytest.fixture
def calc_book(calc):
    """Opens a workbook in LibreOffice as an xlwings Book (a blank one without a path); all of them are closed afterwards, unsaved.

    With ``recalculate=False`` the values that the file holds stand, which is how a workbook with our worksheet functions can be looked at.
    """
    import xlwings

    books = []

    def opened(path=None, recalculate=True):
        app = xlwings.apps.active
        calc.app.books.recalculate = recalculate
        books.append(app.books.open(str(path)) if path else app.books.add())
        return books[-1]

    yield opened
    for book in books:
        book.close()


@pytest.fixture(params=["memory", "calc"])
def open_host(request):
    """Opens a workbook on the host in memory, then on LibreOffice: a test that uses it runs on both."""
    if request.param == "memory":
        from memory_host import MemoryHost

        return lambda path, **how: MemoryHost.load(path)
    from perfeval_xl.xlwings_host import XlwingsHost

    calc_book = request.getfixturevalue("calc_book")
    return lambda path, **how: XlwingsHost(calc_book(path, **how))
