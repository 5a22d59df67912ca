"""The store of corpora, under names made of what they are made of. Same inputs, nothing to do.

`store/corpora/<name>-<hash>`, and `.building-<name>-<hash>` while it grows; `store/tokenizers/` beside it is
tokenizer_store.py's.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tokenization import fingerprint
from tokenization.building.runners import ProcessRunner, Runner, usable_cores
from tokenization.building.units import Progress
from tokenization.building.work import prepare, units_done
from tokenization.cleaning.contamination import KeptOut
from tokenization.corpus import Corpus
from tokenization.corpus_build import Part, build_corpus, build_part
from tokenization.corpus_identity import corpus_identity
from tokenization.differing import differences
from tokenization.errors import DataError
from tokenization.locking import locked
from tokenization.manifest import CorpusManifest, read_manifest
from tokenization.reading.files import resolve_files
from tokenization.spec import CorpusSpec
from tokenization.vocabulary import Tokenizer


def open_or_build_corpus(
    spec: CorpusSpec,
    tokenizer: Tokenizer,
    store: Path,
    progress: Progress | None = None,
    kept_out: KeptOut | None = None,
    runner: Runner | None = None,
) -> Corpus:
    """Open the corpus that this text, these settings and this tokenizer make; build it where it is not there yet.

    Args:
        kept_out: the examples that no document may hold, where the spec asks for decontamination.
        runner: who does the units of work; processes on all usable cores if not given.

    Raises:
        DataError: a source is missing or malformed, or a stored corpus is damaged.
        RunError: the disk is full, or a worker died.
    """
    identity = corpus_identity(spec, tokenizer, kept_out, store)
    folder = _folder(spec, store, identity)
    if not folder.is_dir():
        with locked(store / "locks" / folder.name, progress):
            if not folder.is_dir():
                _say(progress, f"corpus {spec.name}: {_beginning(folder)}")
                return build_corpus(
                    spec,
                    tokenizer,
                    folder,
                    progress,
                    store=store,
                    identity=identity,
                    kept_out=kept_out,
                    runner=runner,
                )
    return Corpus.open(folder)


def build_corpus_part(
    spec: CorpusSpec,
    tokenizer: Tokenizer,
    store: Path,
    part: Part,
    progress: Progress | None = None,
    kept_out: KeptOut | None = None,
    runner: Runner | None = None,
) -> str:
    """Do one job's share of a corpus's units, beside the jobs that do the others; says what is done and what is next.

    Raises:
        DataError: a source is missing or malformed.
        RunError: the disk is full, or a worker died.
    """
    identity = corpus_identity(spec, tokenizer, kept_out, store)
    folder = _folder(spec, store, identity)
    if folder.is_dir():
        return f"nothing to do, it is whole: {folder}"
    work = prepare(spec, tokenizer, folder, store, identity, kept_out, progress)
    if not build_part(work, part, runner or ProcessRunner(usable_cores()), progress):
        return (
            f"part {part.number}/{part.of} is sketched, {len(work.unsketched())} units of other parts are not: "
            "run every part once more when all have ended"
        )
    if folder.is_dir():
        return f"nothing is left to do, it was made whole meanwhile: {folder}"
    left = len(work.unfinished())
    then = "without --part to finish it" if not left else "the other parts, then without --part to finish it"
    return f"part {part.number}/{part.of} is done, {left} of {len(work.units)} units are left: run {then}"


def find_corpus(spec: CorpusSpec, tokenizer: Tokenizer, store: Path, kept_out: KeptOut | None = None) -> Corpus | None:
    """The corpus if it is in the store, to be read only; None where it is not. Writes nothing.

    Raises:
        DataError: a source is missing, or a stored corpus is damaged.
    """
    resolve_files(spec)
    if not _stored(spec, store):
        return None  # nothing of this name: no need to hash what may be large
    folder = _folder(spec, store, corpus_identity(spec, tokenizer, kept_out, store, remember=False))
    return Corpus.open(folder, read_only=True) if folder.is_dir() else None


@dataclass(frozen=True)
class Outlook:
    """What tokenising a corpus would do, and why."""

    action: Literal["skip", "resume", "start"]
    why: str


def corpus_outlook(
    spec: CorpusSpec, tokenizer: Tokenizer | None, store: Path, kept_out: KeptOut | None = None
) -> Outlook:
    """Skip what is there, resume what was interrupted, start what is not; writes nothing.

    Where another corpus of that name is there, the fields are told in which the nearest one differs.

    Args:
        tokenizer: None where it is still to be trained: then the corpus is to be started, whatever there is.

    Raises:
        DataError: a source is missing.
    """
    resolve_files(spec)
    fresh = "not tokenised yet" if tokenizer else "after the tokenizer"
    if not _stored(spec, store):
        return Outlook("start", fresh)
    identity = corpus_identity(spec, tokenizer, kept_out, store, remember=False)
    found = _made_or_begun(_folder(spec, store, identity)) if tokenizer else None
    if found is not None:
        return found
    changes = [_changes(manifest.identity, identity, spec) for manifest in _others(spec, store)]
    nearest = min(changes, key=len, default=[])
    if not nearest:
        return Outlook("start", fresh)
    before = "" if tokenizer else f"{fresh}; "
    told = f"{before}tokenised before, but of other text or under other settings:"
    return Outlook("start", "\n".join([told, *nearest]))


def _made_or_begun(folder: Path) -> Outlook | None:
    if folder.is_dir():
        counts = read_manifest(folder).counts
        return Outlook("skip", f"tokenised, {counts.documents:,} documents, {counts.tokens:,} tokens")
    done = units_done(folder)
    return Outlook("resume", f"{done[0]} of {done[1]} shards done") if done else None


def _folder(spec: CorpusSpec, store: Path, identity: dict[str, Any]) -> Path:
    return store / "corpora" / f"{spec.name}-{fingerprint.of_value(identity)}"


def _stored(spec: CorpusSpec, store: Path) -> bool:
    """Whether anything of that name was made or begun."""
    return any(any((store / "corpora").glob(pattern)) for pattern in (f"{spec.name}-*", f".building-{spec.name}-*"))


def _others(spec: CorpusSpec, store: Path) -> list[CorpusManifest]:
    """The corpora of that name that can be read."""
    found = []
    for folder in sorted((store / "corpora").glob(f"{spec.name}-*")):
        try:
            found.append(read_manifest(folder))
        except DataError:
            continue  # of another version, or damaged: nothing to compare with
    return [manifest for manifest in found if manifest.name == spec.name]


def _changes(before: dict[str, Any], now: dict[str, Any], spec: CorpusSpec) -> list[str]:
    """The fields that differ, a line each; of the files only how many, and the first by name."""
    then, files = before.get("files", []), now["files"]
    apart = {"files", "tokenizer"} if now["tokenizer"] is None else {"files"}
    old, new = ({key: each[key] for key in each.keys() - apart} for each in (before, now))
    others = differences(old, new)
    if then == files:
        return others
    names = [source.place for source, content in zip(resolve_files(spec), files, strict=True) if content not in then]
    which = f"; of other content or weight: {len(names)}, the first {names[0]}" if names else ""
    return [f"  files: {len(then)} then, {len(files)} now{which}", *others]


def _beginning(folder: Path) -> str:
    done = units_done(folder)
    return f"going on, {done[0]} of {done[1]} shards done" if done else "reading and tokenising"


def _say(progress: Progress | None, line: str) -> None:
    if progress is not None:
        progress(line)
