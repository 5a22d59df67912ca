"""The findings on a task in words, as `triptych doctor` prints them."""

from collections.abc import Iterator, Mapping, Sequence

from finetune.examine import Counts, Figures
from finetune.tasks.spec import TRAIN, TaskSpec

_COPIES = 0.01
_CUT = 0.05
_SHOWN = 3  # labels at each end of the distribution


def heading(spec: TaskSpec) -> str:
    """What the task asks."""
    labels = f", {len(spec.labels)} labels" if spec.labels else ""
    head = f", answered by the head of {spec.head}" if spec.head else ""
    return f"task {spec.name} ({spec.kind}{labels}, {spec.primary}{head})"


def count_line(counts: Counts) -> str:
    """How many rows there are."""
    return f"  {counts.split:<12} {', '.join((_rows(counts), *_left_out(counts)))}"


def figures(spec: TaskSpec, found: Figures, length: int) -> Iterator[str]:
    """What a labelled split holds."""
    rows = found.counts.rows
    yield count_line(found.counts)
    yield f"    labels     {_distribution(found.labels)}"
    if found.counts.split != TRAIN:
        yield f"    majority   {spec.primary} {found.majority:.3f} without looking at the text"
    if found.copies:
        yield f"    copies     {found.copies:,} rows ({_share(found.copies, rows)}) repeat the text of an earlier one"
    if (lengths := found.lengths) is not None:
        part = "" if lengths.examples == rows else f", of {lengths.examples:,} rows"
        cut = "are read in several windows" if spec.kind == "span" else f"are cut to {length}"
        yield (
            f"    lengths    median {lengths.median:,} tokens, 95% have at most {lengths.most:,}, the longest "
            f"{lengths.longest:,}{part}; {lengths.over:.1%} {cut}"
        )


def warnings(spec: TaskSpec, found: Figures, length: int) -> Iterator[str]:
    """What is wrong with a labelled split, or may be."""
    counts, split = found.counts, found.counts.split
    yield from reduced(spec, counts)
    if counts.dropped:
        yield f"  ! {split}: {counts.dropped:,} rows are labelled {_quoted(spec.dropped)}, which is none: left out"
    if found.leaked:
        yield (
            f"  ! {split}: {found.leaked:,} of {counts.rows:,} rows ({_share(found.leaked, counts.rows)}) also stand "
            f"in {TRAIN}, letter for letter: scores are told with and without them"
        )
    if found.conflicting:
        yield f"  ! {split}: {found.conflicting:,} texts stand there with different labels"
    if found.empty:
        yield f"  ! {split}: {found.empty:,} of {counts.rows:,} rows have an empty text: are `fields` the right ones?"
    if found.lost:
        yield (
            f"  ! {split}: no answer stands in its text: nothing can be learnt of where answers are. Are `fields` the "
            "question and the text, in this order, and `label` the answers, spelt as the text spells them?"
        )
    if found.absent:
        yield f"  ! {split}: no row has {_names(found.absent)}"
    if split == TRAIN and found.copies > _COPIES * counts.rows:
        yield f"  ! {split}: {_share(found.copies, counts.rows)} of the rows are copies; each is trained on as often"
    if spec.kind != "span" and found.lengths is not None and found.lengths.over > _CUT:
        yield (
            f"  ! {split}: {found.lengths.over:.1%} of the sequences lose text to tasks.{spec.name}.length "
            f"({length} tokens)"
        )


def reduced(spec: TaskSpec, counts: Counts) -> Iterator[str]:
    """That a split is but a part of the published one."""
    if counts.reduced:
        yield (
            f"  ! {counts.split}: reduced, {_of(counts.found, counts.official)} rows: scores are told as those of "
            f"{spec.name} (reduced)"
        )


def _rows(counts: Counts) -> str:
    rows = f"{counts.rows:,} rows"
    if counts.limited:
        return f"{rows}, as many as the recipe's limit lets through"
    if counts.official is None or counts.found < counts.official:
        return rows
    return f"{rows}, the whole set" if counts.found == counts.official else f"{rows}, official: {counts.official:,}"


def _left_out(counts: Counts) -> Iterator[str]:
    if counts.dropped:
        yield f"{counts.dropped:,} more are left out"
    if counts.carved:
        yield f"{counts.carved:,} more are carved out as dev"


def _of(part: int, whole: int | None) -> str:
    return f"{part:,}" if whole is None else f"{part:,} of {whole:,}"


def _distribution(labels: Mapping[str, int]) -> str:
    """The commonest and the rarest labels."""
    total = sum(labels.values())
    if not total:
        return "none"
    shown = [f"{name} {_share(number, total)}" for name, number in labels.items()]
    if len(shown) > 2 * _SHOWN:
        shown = [*shown[:_SHOWN], "…", *shown[-_SHOWN:], f"({len(labels)} occur)"]
    return ", ".join(shown).replace(", …,", " …").replace(", (", " (")


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - 2 * _SHOWN} more" if len(names) > 2 * _SHOWN else ""
    return "the label " * (len(names) == 1) + "the labels " * (len(names) > 1) + ", ".join(names[: 2 * _SHOWN]) + more


def _quoted(values: Sequence[str]) -> str:
    return " or ".join(f"'{value}'" for value in values)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "–"
