"""Which files a corpus is read from, in which order, and in which format each is written."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tokenization.errors import DataError
from tokenization.reading.opening import READ_ERRORS, UNPACKERS, UNREAD_ARCHIVES, endings, file_system, is_url, opened
from tokenization.spec import CorpusSpec, Format

ENDINGS: dict[str, Format] = {
    ".txt": "text",
    ".text": "text",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
}
# How a file begins whose name has no ending, as WikiExtractor's `wiki_00`.
_BEGINNINGS: dict[bytes, Format] = {b"<doc ": "wikiextractor", b"PAR1": "parquet", b"{": "jsonl"}
# URLs of this machine's files, which are the paths that they name: one file must not count twice under both.
_HERE = ("file://", "local://")
_DATASET_MARKS = ("state.json", "dataset_dict.json")


@dataclass(frozen=True)
class SourceFile:
    """One thing to read.

    Attributes:
        place: an absolute path, a URL, or a dataset's name.
        format: never `auto`.
        entry: which of the corpus's `files` it comes from.
    """

    place: str
    format: Format
    entry: int = 0

    @property
    def path(self) -> Path:
        """Where it lies on this machine; of a URL or a name, a path at which nothing is."""
        return Path(self.place)


def resolve_files(spec: CorpusSpec) -> tuple[SourceFile, ...]:
    """The files of a corpus: in the order given, those of a glob or a folder sorted by path.

    Raises:
        DataError: nothing is there, a file comes twice, its ending tells no format, or a URL has no backend.
    """
    found = [source for entry, place in enumerate(spec.files) for source in _sources(spec, str(place), entry)]
    seen: set[str] = set()
    for source in found:
        if source.place in seen:
            raise DataError(
                f"corpora.{spec.name}.files: {source.place} is named more than once; its text would count double. "
                "To have it counted double, give it a weight."
            )
        seen.add(source.place)
    return tuple(found)


def is_saved_dataset(folder: Path) -> bool:
    """Whether `datasets` wrote this folder with `save_to_disk`."""
    return any((folder / mark).is_file() for mark in _DATASET_MARKS)


def _sources(spec: CorpusSpec, place: str, entry: int) -> list[SourceFile]:
    if place.startswith(_HERE):
        place = file_system(place)[1]
    if spec.format == "dataset":
        if Path(place).is_absolute() and not Path(place).exists():
            raise _missing(spec, place)
        return [SourceFile(place, "dataset", entry)]
    if spec.format == "auto" and not is_url(place) and is_saved_dataset(Path(place)):
        return [SourceFile(place, "dataset", entry)]
    files = _remote_files(spec, place) if is_url(place) else _local_files(spec, Path(place))
    return [SourceFile(file, _format(spec, file), entry) for file in files]


def _local_files(spec: CorpusSpec, path: Path) -> list[str]:
    if path.is_file():
        return [str(path)]
    if path.is_dir():
        inside = (file for file in sorted(path.rglob("*")) if file.is_file())
        return _wanted(spec, str(path), ((str(file), file.relative_to(path).as_posix()) for file in inside))
    return _matching(spec, str(path), [str(file) for file in _glob(path)])


def _remote_files(spec: CorpusSpec, url: str) -> list[str]:
    filesystem, path = file_system(url)
    try:
        if filesystem.isfile(path):
            return [url]
        is_folder = filesystem.isdir(path)
        found = sorted(filesystem.find(path) if is_folder else filter(filesystem.isfile, filesystem.glob(path)))
    except Exception as error:  # every backend has errors of its own, of credentials above all
        told = f"{type(error).__name__}: {error}"
        raise DataError(f"corpora.{spec.name}.files: {url} cannot be listed: {told}") from None
    places = [filesystem.unstrip_protocol(file) for file in found]
    if not is_folder:
        return _matching(spec, url, places)
    return _wanted(spec, url, zip(places, (file.removeprefix(path) for file in found), strict=True))


def _matching(spec: CorpusSpec, pattern: str, files: list[str]) -> list[str]:
    """What a pattern matched, without hidden files, unless it names them."""
    seen = [file for file in files if "/." in pattern or "/." not in file]
    if not seen:
        raise _missing(spec, pattern)
    return seen


def _wanted(spec: CorpusSpec, folder: str, inside: Iterable[tuple[str, str]]) -> list[str]:
    """Of (place, path within the folder), the places of files that are not hidden and may be of the format."""
    files = [place for place, name in inside if not any(part.startswith(".") for part in PurePosixPath(name).parts)]
    wanted = [place for place in files if _may_be(spec.format, place)]
    if not wanted:
        allowed = [
            ending for ending, format in ENDINGS.items() if spec.format in ("auto", _family(spec.format, format))
        ]
        raise DataError(
            f"corpora.{spec.name}.files: the folder {folder} holds no text: none of its {len(files)} files "
            f"ends in {', '.join(allowed) or 'nothing'} (or one of these and {', '.join(UNPACKERS)}). "
            "Name the files themselves, or set `format`."
        )
    return wanted


def _may_be(wanted: Format, place: str) -> bool:
    """Whether a file of a folder is meant: by its ending, or, without one, by how it begins."""
    ending = endings(place)[0]
    told = ENDINGS.get(ending) if ending else _sniffed(place)
    return told is not None and wanted in ("auto", _family(wanted, told))


def _family(wanted: Format, told: Format) -> Format:
    """What a plain text file is taken for: `wanted`, where that is a way of reading plain text."""
    return wanted if told == "text" and wanted in ("lines", "document", "wikiextractor") else told


def _glob(path: Path) -> list[Path]:
    """The files that a pattern matches; wildcards may stand in any part of it."""
    parts = path.parts
    first = next((at for at, part in enumerate(parts) if any(sign in part for sign in "*?[")), None)
    if first is None:
        return []
    return sorted(file for file in Path(*parts[:first]).glob(str(Path(*parts[first:]))) if file.is_file())


def _format(spec: CorpusSpec, place: str) -> Format:
    ending = endings(place)[0]
    if ending in UNREAD_ARCHIVES:
        raise DataError(
            f"corpora.{spec.name}.files: {place} is packed as {ending}, which is not read; "
            f"compressed files may end in {', '.join(UNPACKERS)}. Unpack it, or pack it so."
        )
    if spec.format != "auto":
        return spec.format
    known = ENDINGS.get(ending) or _sniffed(place)
    if known is None:
        raise DataError(
            f"corpora.{spec.name}.files: {place} has the ending {ending or '(none)'!r}, which tells no format; "
            f"known endings: {', '.join(ENDINGS)}. Set `format` to text, jsonl or parquet."
        )
    return known


def _sniffed(place: str) -> Format | None:
    """The format that a file's first bytes tell, if they do."""
    try:
        with opened(place) as handle:
            head = handle.read(64).removeprefix(b"\xef\xbb\xbf")
    except READ_ERRORS:
        return None  # what is wrong with it is said when it is read
    return next((format for mark, format in _BEGINNINGS.items() if head.startswith(mark)), None)


def _missing(spec: CorpusSpec, place: str) -> DataError:
    if is_url(place):
        return DataError(f"corpora.{spec.name}.files: there is no {place}. Correct the URL or the pattern.")
    path = Path(place)
    nearest = next((parent for parent in path.parents if parent.exists()), path.parent)
    return DataError(
        f"corpora.{spec.name}.files: there is no {place} (the nearest folder that exists is {nearest}). "
        "Correct the path, or point `data` or TRIPTYCH_DATA to the folder that holds it."
    )
