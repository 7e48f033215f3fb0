"""What a file is, by its bytes and not by its name; everything inside it is judged, too."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace

from gatekit.scanning.finding import Finding
from gatekit.scanning.pickles import act_out
from gatekit.scanning.skops_file import SCHEMA, judge_schema
from gatekit.scanning.source import Budget, Source, TooMuch, copied, unpacked
from gatekit.scanning.stack import Seen
from gatekit.scanning.vocabulary import Vocabulary

PROGRAMS = (
    *(b"\x7fELF", b"MZ", b"#!", b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe"),
    *(b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"\x00asm"),
)
UNREAD = {  # archives that nothing of a known flavor needs
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
    b"Rar!": "rar",
    b"ZF": "old joblib",
}
TAR_AT, TAR = 257, b"ustar"
NPY = b"\x93NUMPY"
LAST_PROTOCOL = 5


@dataclass(frozen=True, slots=True)
class Look:
    """Where one looks: the file's name to show, the words allowed, what may still be spent."""

    file: str
    words: Vocabulary
    budget: Budget
    is_pickle: bool = False  # the model's description says that it is unpickled
    depth: int = 0

    def into(self, inside: str) -> Look:
        """The look at something packed in it."""
        if self.depth >= self.budget.depth:
            raise TooMuch(f"archives are packed in each other more than {self.budget.depth} deep")
        return replace(self, file=f"{self.file}!{inside}", depth=self.depth + 1)

    def finding(self, reason: str, name: str = "") -> Finding:
        """A finding here."""
        return Finding(self.file, name, reason)


def judge(source: Source, look: Look) -> list[Finding]:
    """Everything that speaks against these bytes."""
    try:
        return list(_judge(source, look))
    except TooMuch as error:
        return [look.finding(str(error))]


def _judge(source: Source, look: Look) -> Iterator[Finding]:
    head = source.head()
    if head.startswith(PROGRAMS):
        yield look.finding("it is a program")
    for magic, kind in UNREAD.items():
        if head.startswith(magic):
            yield look.finding(f"it is a {kind} archive, which is not looked into")
    if head[TAR_AT : TAR_AT + len(TAR)] == TAR:
        yield look.finding("it is a tar archive, which is not looked into")
    if zipfile.is_zipfile(source.stream):  # also when something stands before the archive
        yield from _zip(source, look)
        if head.startswith(b"PK\x03\x04") and not look.is_pickle:
            return
    if head.startswith(NPY):
        yield from _npy(source, look)
        return
    inside = unpacked(source, look.budget)
    if inside is not None:
        kind, unpacked_source, broke = inside
        if broke:
            yield look.finding(f"its {kind} stream is damaged")
        with unpacked_source:
            yield from judge(unpacked_source, look.into(kind))
        return
    yield from _pickle(source, look)


def _pickle(source: Source, look: Look) -> Iterator[Finding]:
    head = source.head(2)
    strict = look.is_pickle or (head[:1] == b"\x80" and head[1] <= LAST_PROTOCOL)
    start = 0
    while start < source.size:
        source.seek(start)
        # MLflow's loaders know plain pickle only; of other files nobody knows who reads them how.
        seen = act_out(source, look.words, joblib=not look.is_pickle)
        end = source.tell()
        if seen.arrays and not look.is_pickle:  # what plain pickle makes of the arrays' bytes
            source.seek(start)
            yield from _refused(act_out(source, look.words, joblib=False), look, strict=False)
            source.seek(end)
        yield from _refused(seen, look, strict=strict)
        if seen.broke:
            if strict:
                where = "as a pickle it is damaged" if start == 0 else "bytes follow its end"
                yield look.finding(f"{where} ({seen.broke})")
            return
        start = end


def _refused(seen: Seen, look: Look, *, strict: bool) -> Iterator[Finding]:
    # Text may begin like an import; a pickle that runs something calls it, or ends.
    if strict or seen.calls or not seen.broke:
        for name, why in seen.refused.items():
            yield look.finding(why, name)


def _npy(source: Source, look: Look) -> Iterator[Finding]:
    import numpy as np

    start = 0
    while start < source.size:
        source.seek(start)
        try:
            version = np.lib.format.read_magic(source.stream)
            read = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }[version]
            shape, _, dtype = read(source.stream)
        except (ValueError, KeyError, TypeError, SyntaxError, OverflowError, MemoryError):
            yield look.finding("as a numpy array it is damaged, or bytes follow its end")
            return
        if dtype.hasobject:
            seen = act_out(source, look.words, joblib=False)
            yield from _refused(seen, look, strict=True)
            if seen.broke:
                yield look.finding(f"as a numpy array of objects it is damaged ({seen.broke})")
                return
            start = source.tell()
        else:
            count = 1
            for side in shape:
                count *= int(side)
            start = source.tell() + count * dtype.itemsize
            if start > source.size:
                yield look.finding("as a numpy array it is cut off")


def _zip(source: Source, look: Look) -> Iterator[Finding]:
    try:
        archive = zipfile.ZipFile(source.stream)
        members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        yield look.finding("as a zip archive it is damaged")
        return
    names = [member.filename for member in members]
    if len(set(names)) < len(names):
        yield look.finding("as a zip archive it holds two files of one name")
    for member in members:
        look.budget.member()
        inner = look.into(member.filename)
        if member.filename.startswith("/") or ".." in member.filename.split("/"):
            yield inner.finding("its name leads out of the archive")
        if member.flag_bits & 1:
            yield inner.finding("it is encrypted and cannot be looked into")
        elif not member.is_dir():
            yield from _member(archive, member, inner)


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, inner: Look) -> Iterator[Finding]:
    try:
        with archive.open(member) as stream:
            content, broke = copied(stream, member.compress_size, inner.budget)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError, RuntimeError):
        yield inner.finding("it cannot be unpacked")
        return
    if broke:
        yield inner.finding(f"it cannot be unpacked ({broke})")
    with content:
        if member.filename == SCHEMA and inner.depth == 1:
            yield from judge_schema(content, inner.file, inner.words)
        # a member is what the outer file says only for skops; the rest speaks for itself
        yield from judge(content, replace(inner, is_pickle=False))
