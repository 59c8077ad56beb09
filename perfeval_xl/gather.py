"""Paths -> the lines of a district run: folders searched, every file read, checked and brought into its compact line by workers
(``contain``). A cluster runs the same function, ``read_many``; what it gives does not depend on who read a file, nor on the order.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from perfeval_xl import contain, intake, messages, record
from perfeval_xl.compact import Form, from_record, from_stamp, packed
from perfeval_xl.container import ENTRY, LOCAL, ContainerError, unpack
from perfeval_xl.gate import hold
from perfeval_xl.messages import Refusal

#: what is taken out of a folder; the last ones only to say that they cannot be read. A file that is named is always taken.
EXTENSIONS = (".xlsx", ".xlsm", ".xls", ".ods", ".et", ".ett", ".xlsb")
#: marks a district workbook, among its document properties and in the first cell of its hidden sheet
STAMP, STAMP_SHEET, SCHEMA = "perfeval_xl district", "_数据", 3
#: files that a process reads at a time: enough that handing them over costs nothing, few enough that the bar moves
CHUNK = 64
#: and fewer towards the end, but not one at a time: a process is faster with several
_LEAST = 4
#: below this many files for each process starting it takes longer than it saves
FEW = 100
_TAIL = 66_000
#: bytes; the document properties of ours are some hundred
_PROPERTIES = 100_000


def find(paths: Iterable[str], without: Iterable[str] = (), extensions: tuple[str, ...] = EXTENSIONS) -> list[str]:
    """The files meant, sorted, each once: folders are searched with all that is in them for files of these kinds; lock files of open documents and
    what ``without`` names (files or folders: the run's own results) are passed over."""
    real: dict[str, str] = {}
    left_out = {_place(path, real) for path in without if path}
    inside = tuple([place + os.sep for place in left_out])
    found: dict[str, str] = {}
    for path in paths:
        for one in sorted(_inside(path, extensions)) if os.path.isdir(path) else [path]:
            place = _place(one, real)
            if place not in left_out and not place.startswith(inside):
                found[place] = min(found.get(place, one), one)
    return sorted(found.values())


def _place(path: str, real: dict[str, str]) -> str:
    """Where a file really is, by which it is found again under another name; ``real`` remembers the places of folders."""
    folder, name = os.path.split(path)
    if not name or name in (os.curdir, os.pardir) or os.path.islink(path):
        return os.path.normcase(os.path.realpath(path))
    if folder not in real:
        real[folder] = os.path.realpath(folder)
    return os.path.normcase(os.path.join(real[folder], name))


def _inside(folder: str, extensions: tuple[str, ...]) -> Iterator[str]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "__MACOSX"))]
        for name in names:
            if name.lower().endswith(extensions) and not name.startswith(("~$", ".")):
                yield os.path.join(place, name)


# ---- one file ----


def read_one(path: str, wanted: str = "", lang: str = "") -> list[Form]:
    """All forms of a file as lines; one line with an error where it cannot be read. A district workbook gives the lines it keeps."""
    return [packed(form) for form in read_many([path], wanted, lang)[0]]


def _kept(path: str, lang: str) -> tuple[float, list[Form] | None]:
    """When the file system says a file was saved; and the lines that it keeps, if it is a district workbook."""
    saved = 0.0
    try:
        if not path.lower().endswith(".xlsx"):
            return float(int(os.stat(path).st_mtime)), None
        handle = os.open(path, intake.READ)
        try:
            status = os.fstat(handle)
            saved = float(int(status.st_mtime))
            ours = _is_district(handle, status.st_size)
        finally:
            os.close(handle)
        return saved, stamped(path) if ours else None
    except (OSError, ValueError):
        return saved, None  # the check says why it cannot be read
    except Refusal as refusal:
        return saved, [Form(path, None, None, "", saved, (refusal.code, refusal.words(lang)))]


def is_district(path: str) -> bool:
    """Whether a file is a district workbook, however large, by its document properties; no more of it is read than its end and them."""
    handle = os.open(path, intake.READ)
    try:
        return _is_district(handle, os.fstat(handle).st_size)
    finally:
        os.close(handle)


def _is_district(handle: int, length: int) -> bool:
    os.lseek(handle, max(0, length - _TAIL), os.SEEK_SET)
    tail = os.read(handle, _TAIL)
    place = tail.rfind(b"docProps/custom.xml") - ENTRY.size
    if place < 0 or not tail.startswith(b"PK\x01\x02", place):
        return False
    _, _, _, _, method, _, _, crc, size, full, *_, offset = ENTRY.unpack_from(tail, place)
    os.lseek(handle, offset, os.SEEK_SET)
    local = os.read(handle, LOCAL.size)
    if max(size, full) > _PROPERTIES or len(local) < LOCAL.size:
        return False
    *_, name, extra = LOCAL.unpack(local)
    os.lseek(handle, name + extra, os.SEEK_CUR)
    content = os.read(handle, size)
    try:
        return f'name="{STAMP}"'.encode() in unpack(method, full, crc, content)
    except ContainerError:
        return False


def stamped(path: str) -> list[Form]:
    """The lines that a district workbook keeps; refused (X303) where they are not as they were written, and (X114) where it is too large."""
    import hashlib

    name = os.path.basename(path)
    try:
        hold("file", os.path.getsize(path))
    except Refusal as refusal:
        refusal.args_["file"] = name
        raise
    try:
        (mark, schema, count, digest, *_), *rows = intake.sheet_rows(path, STAMP_SHEET)
        texts = [[str(cell) for cell in row if cell != ""] for row in rows]
        whole = hashlib.sha256("\n".join("\t".join(row) for row in texts).encode()).hexdigest()
        if (mark, int(schema), int(count), digest) != (STAMP, SCHEMA, len(texts), whole):
            raise ValueError("altered")
        return [from_stamp("".join(row), name) for row in texts]
    except Exception as error:  # whatever the damaged bytes lead the reader to
        raise Refusal("X303", file=name) from error


# ---- many files ----


def read_many(paths: Sequence[str], wanted: str = "", lang: str = "") -> list[list[Form]]:
    """The lines of each of some files, in their order; not packed: whoever asked has the time, and may want their rows."""
    with record.resting():
        kept = [_kept(path, lang) for path in paths]
        checked = record.each_checked([path for path, (_, lines) in zip(paths, kept, strict=True) if lines is None], wanted)
        return [[from_record(one, saved, lang) for one in next(checked)] if lines is None else lines for saved, lines in kept]


class Work(NamedTuple):
    """What is done with files, ``many`` at a time or ``one``, as ``read_many`` and ``read_one`` do it; and ``keep``, which takes in what comes of a
    form, or the line of a file that was lost, and gives its line. It is also given the names of files where they were read under others."""

    many: Callable[[Sequence[str], str, str], list[list]]
    one: Callable[[str, str, str], list]
    keep: Callable[[Any, Mapping[str, str]], Form]


def kept(form: Form, names: Mapping[str, str]) -> Form:
    """A line as it comes from where the file was read, packed and under the file's own name."""
    return packed(form._replace(path=names.get(form.path, form.path)))


def processes_for(count: int) -> int:
    """How many processes are worth starting for so many files on this machine."""
    return max(1, min(os.cpu_count() or 1, count // FEW, 61))


def read_all(paths: Sequence[str], wanted: str = "", lang: str = "", workers: int = 0, told: Callable[[int], None] = lambda count: None,
             work: Work | None = None) -> list[Form]:
    """The lines of all files in the order of the paths; ``told`` hears how many more files are done. ``workers``: processes, 0 = as many as pay.
    ``work``: what they do where it is more than reading, and what takes it in.

    No file is read in this process: one that ends its reader, or takes too long, costs its own line (``contain``)."""
    workers = min(workers or processes_for(len(paths)), max(len(paths), 1))
    lines: dict[str, list[Form]] = {}
    chunks = [tuple(chunk) for chunk in chunked(paths, workers)]
    many, one, keep = work or Work(read_many, read_one, kept)
    for path, found in contain.portions(many, one, chunks, _fallen, workers, wanted, lang or messages.language()):
        lines[path] = [keep(form, {}) for form in found]
        told(1)
    return [form for path in paths for form in lines[path]]


def _fallen(path: str, refusal: Refusal) -> list[Form]:
    return [Form(path, None, None, "", 0.0, (refusal.code, refusal.words()))]


def chunked(paths: Sequence[str], workers: int, least: int = _LEAST) -> list[Sequence[str]]:
    """The paths in portions for so many workers, the last ones smaller and smaller: all workers are busy to the end. ``least``: what is worth
    handing over."""
    portions, first = [], 0
    while (left := len(paths) - first) > 0:
        size = max(least, min(CHUNK, left // (workers * 2)))
        portions.append(paths[first : first + size])
        first += size
    return portions


def lost(path: str, lang: str = "") -> list[Form]:
    """The line of a file whose reader did not survive it."""
    return [Form(path, None, None, "", 0.0, ("X304", Refusal("X304", file=os.path.basename(path)).words(lang)))]


def each_file(work: Callable[[Any], Any], tasks: Sequence[tuple], workers: int,
              lost: Callable[[tuple, Refusal], Any]) -> Iterator[tuple[tuple, Any]]:
    """(task, what ``work`` gives for it), as they are done; a task is a tuple that begins with the file it is about, and ``lost`` is asked
    about one that ended its process."""
    return contain.spread(work, tasks, lost, workers if len(tasks) >= 2 * workers else 1)
