"""The part of `triptych doctor` that looks at labelled tasks."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from finetune.reading.carve import is_carved
from finetune.reading.examine import count, examine
from finetune.tasks.example import Example, Split
from finetune.tasks.spec import DEV, TRAIN, TaskSpec
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
        more: further splits to be looked at, beside train, dev and tests.
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


def examined_tasks(tasks: Iterable[LookedAt], read: Read, tokenizer: Tokenizer | None) -> Iterator[str]:
    """Yield the findings task by task; what cannot be read or encoded is one of them.

    Args:
        tokenizer: None leaves lengths out.
    """
    for task in tasks:
        lines, problems = list[str](), list[str]()
        train = _read(read, task.spec, TRAIN, problems) if TRAIN in task.spec.splits else None
        for split in task.splits:
            if train is None and split == DEV and is_carved(task.spec, DEV):
                continue  # it is made of train, of which it was said
            found = train if split == TRAIN else _read(read, task.spec, split, problems)
            if found is not None:
                told, wrong = _split(task, split, found, train, tokenizer, read)
                lines += told
                problems += wrong
        if lines:
            yield "\n".join([heading(task.spec), *lines, *dict.fromkeys(problems)])
        else:  # for each split the same would be said
            yield "\n".join([f"{heading(task.spec)}: CANNOT BE READ", problems[0]])


def is_test(spec: TaskSpec, split: str) -> bool:
    """Whether nothing but the rows of a split may be counted."""
    return split in spec.hidden or split.startswith("test")


def texts_of(tasks: Iterable[LookedAt], read: Read) -> list[str]:
    """Some training text of each task that can be read."""
    found: list[str] = []
    for task in tasks:
        train = _read(read, task.spec, TRAIN, []) if TRAIN in task.spec.splits else None
        examples = train.examples[:: max(1, len(train.examples) // _EXAMPLES)] if train else ()
        found += [text for example in examples for text in _texts(example)]
    return found


def _texts(example: Example) -> tuple[str, ...]:
    candidates = (text for candidate in example.candidates for text in candidate)
    return (*example.texts, *candidates, *([" ".join(example.words)] if example.words else ()))


def _read(read: Read, spec: TaskSpec, split: str, problems: list[str]) -> Split | None:
    try:
        return read(spec, split)
    except TriptychError as error:
        problems.append(_finding(split, error))
        return None


def _finding(split: str, error: TriptychError) -> str:
    return f"  ! {split}: {error}".replace("\n", "\n    ")


def _split(
    task: LookedAt, split: str, found: Split, train: Split | None, tokenizer: Tokenizer | None, read: Read
) -> tuple[list[str], list[str]]:
    """The lines on a split, and what is wrong with it. Of a test set nothing but its rows is looked at."""
    spec = task.spec
    carved = len(read(spec, DEV).examples) if split == TRAIN and is_carved(spec, DEV) else 0
    counts = count(spec, split, len(found.examples), found.dropped, carved, limited=found.limited)
    if train is None or is_test(spec, split):
        return [count_line(counts)], list(reduced(spec, counts))
    try:
        seen = examine(spec, counts, found, train, tokenizer, task.length)
    except TriptychError as error:  # rows that can be read, but not be encoded
        return [count_line(counts)], [*reduced(spec, counts), _finding(split, error)]
    return list(figures(spec, seen, task.length)), list(warnings(spec, seen, task.length))
