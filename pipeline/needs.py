"""What a recipe names and is not there or cannot be read, all of it at once, before any work is done."""

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path

from finetune.encoding.gold import refuse_unanswerable
from finetune.tasks.spec import TRAIN
from pipeline.lineage import own_heads, own_tasks
from pipeline.materials import Materials
from pipeline.measure import measured_splits, measured_tasks
from pipeline.recipe.stage import Stage
from pipeline.recipe.stream import TextOf
from tokenization.errors import DataError, RecipeError
from tokenization.reading.files import resolve_files
from tokenization.word_lists import file_of
from tokenization.words.segmenters import require_installed

TaskSplit = tuple[str, str]


def refuse_missing(materials: Materials, corpora: Collection[str], splits: Iterable[TaskSplit] = ()) -> None:
    """Refuse to begin where something is missing or, of a task, cannot be read.

    Args:
        corpora: those that are to be read.
        splits: the tasks' splits that are to be read, as (task, split).

    Raises:
        DataError: all that is missing or cannot be read.
    """
    found = missing(materials, corpora, splits)
    if found:
        raise DataError("\n".join(found))


def splits_of(materials: Materials, stages: Iterable[Stage]) -> tuple[TaskSplit, ...]:
    """The tasks' splits that stages read: what they train on, and what they are scored on, each once."""
    found: list[TaskSplit] = []
    for stage in stages:
        texts = [stream.source for stream in stage.streams if isinstance(stream.source, TextOf)]
        own = own_tasks(materials.recipe, stage)
        found += [(name, TRAIN) for name in materials.recipe.tasks if name in own]
        found += [(name, text.split) for text in texts for name in text.text_of]
        measured = measured_tasks(materials, own_heads(materials.recipe, stage))
        found += [(name, TRAIN) for name in measured if materials.task(name).head_name not in own]
        found += [(name, split) for name in measured for split in measured_splits(materials, name)]
    return tuple(dict.fromkeys(found))


def missing(materials: Materials, corpora: Collection[str], splits: Iterable[TaskSplit] = ()) -> list[str]:
    """A message for each source, word list, suite, package and split that is not there. Makes nothing."""
    found: list[str] = []
    reads = (partial(_read_split, materials, task, split) for task, split in splits)
    looks: Iterator[Callable[[], object]] = chain(_looks(materials, corpora), reads)
    for look in looks:
        try:
            look()
        except (DataError, RecipeError) as error:
            found.append(str(error))
    return list(dict.fromkeys(found))


def _looks(materials: Materials, corpora: Collection[str]) -> Iterator[Callable[[], object]]:
    recipe = materials.recipe
    extension = recipe.tokenizer.extend.files if recipe.tokenizer.extend else ()
    for file in extension:
        yield partial(_require_file, "tokenizer.extend.files", file_of(recipe.data_folder / file))
    for name in corpora:
        given = recipe.corpora[name]
        yield partial(_require_sources, materials, name)
        for file in given.lexicon:
            yield partial(_require_file, f"corpora.{name}.lexicon", file_of(recipe.data_folder / file))
        if given.segmenter is not None:
            yield partial(require_installed, given.segmenter)
        yield partial(materials.kept_out, name)


def _read_split(materials: Materials, task: str, split: str) -> None:
    refuse_unanswerable(materials.task(task), split, materials.examples(task, split))


def _require_sources(materials: Materials, name: str) -> None:
    resolve_files(materials.corpus_spec(name))


def _require_file(setting: str, file: Path) -> None:
    if not file.is_file():
        raise DataError(f"{setting}: there is no file {file}. Name a text file, one entry a line.")
