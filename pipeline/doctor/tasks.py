"""The part of `triptych doctor` that looks at labelled tasks."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from finetune.examine import count, examine
from finetune.reading.carve import is_carved
from finetune.tasks.example import Example, Split
from finetune.tasks.spec import DEV, TRAIN, TaskSpec
from pipeline.doctor.finding import Finding
from pipeline.doctor.findings_tasks import count_line, figures, heading, reduced, warnings
from tokenization.errors import TriptychError
from tokenization.vocabulary import Tokenizer

_EXAMPLES = 2_000  # of a task, whose text a vocabulary is trained on

Read = Callable[[TaskSpec, str], Split]


@dataclass(frozen=True)
class LookedAt:
    """A task to be looked at.

    Attributes:
        length: tokens that its sequences are cut to.
        more: splits that are scored; they are looked at beside train, dev and tests.
    """

    spec: TaskSpec
    length: int
    more: tuple[str, ...] = ()

    @property
    def splits(self) -> tuple[str, ...]:
        """Each once; of a suite with several fixed draws of train and dev, those are left out that nobody named."""
        tests = (split for split in self.spec.splits if is_test(self.spec, split))
        train = (split for split in self.spec.splits if split == TRAIN)
        return tuple(dict.fromkeys((*train, *self.spec.named(DEV), *self.more, *tests)))

    def is_needed(self, split: str) -> bool:
        """Whether a run reads a split: all but the tests that it is not scored on."""
        return split in self.more or not is_test(self.spec, split)


def examined_tasks(tasks: Iterable[LookedAt], read: Read, tokenizer: Tokenizer | None) -> Iterator[Finding]:
    """Yield the findings task by task; what cannot be read or encoded is one of them.

    Args:
        tokenizer: None leaves lengths out.
    """
    for task in tasks:
        told = list(_splits(task, read, tokenizer))
        lines = [line for split in told for line in split.lines]
        problems = list(dict.fromkeys(problem for split in told for problem in split.problems))
        if lines:
            yield Finding("\n".join([heading(task.spec), *lines, *problems]), any(split.refused for split in told))
        else:  # for each split the same would be said
            yield Finding("\n".join([f"{heading(task.spec)}: CANNOT BE READ", problems[0]]), refused=True)


@dataclass(frozen=True)
class _Told:
    """What is said of a split: its figures, what is wrong with it, and whether a run would refuse it."""

    lines: list[str]
    problems: list[str]
    refused: bool = False


def _splits(task: LookedAt, read: Read, tokenizer: Tokenizer | None) -> Iterator[_Told]:
    """Read and tell split by split, train first."""
    train: Split | None = None
    for split in task.splits:
        if train is None and split == DEV and is_carved(task.spec, DEV):
            continue  # it is made of train, of which it was said
        try:
            found = read(task.spec, split)
        except TriptychError as error:
            yield _Told([], [_finding(split, error)], task.is_needed(split))
            continue
        train = found if split == TRAIN else train
        yield _split(task, split, found, train, tokenizer, read)


def is_test(spec: TaskSpec, split: str) -> bool:
    """Whether nothing but the rows of a split may be counted."""
    return split in spec.hidden or split.startswith("test")


def texts_of(tasks: Iterable[LookedAt], read: Read) -> list[str]:
    """Some training text of each task that can be read."""
    found: list[str] = []
    for task in tasks:
        if TRAIN not in task.spec.splits:
            continue
        with suppress(TriptychError):  # which is told where the task is looked at
            examples = read(task.spec, TRAIN).examples
            every = max(1, len(examples) // _EXAMPLES)
            found += [text for example in examples[::every] for text in _texts(example)]
    return found


def _texts(example: Example) -> tuple[str, ...]:
    candidates = (text for candidate in example.candidates for text in candidate)
    return (*example.texts, *candidates, *([" ".join(example.words)] if example.words else ()))


def _finding(split: str, error: TriptychError) -> str:
    return f"  ! {split}: {error}".replace("\n", "\n    ")


def _split(
    task: LookedAt, split: str, found: Split, train: Split | None, tokenizer: Tokenizer | None, read: Read
) -> _Told:
    """The figures of a split that was read. Of a test set nothing but its rows is looked at."""
    spec = task.spec
    carved = len(read(spec, DEV).examples) if split == TRAIN and is_carved(spec, DEV) else 0
    counts = count(spec, split, len(found.examples), found.dropped, carved, limited=found.limited)
    if train is None or is_test(spec, split):
        return _Told([count_line(counts)], list(reduced(spec, counts)))
    try:
        seen = examine(spec, counts, found, train, tokenizer, task.length)
    except TriptychError as error:  # rows that can be read, but not be encoded
        return _Told([count_line(counts)], [*reduced(spec, counts), _finding(split, error)], task.is_needed(split))
    return _Told(list(figures(spec, seen, task.length)), list(warnings(spec, seen, task.length)))
