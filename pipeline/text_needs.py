"""What a recipe's text side names and is not there, all of it at once, before any work is done."""

from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path

from pipeline.materials import Materials
from tokenization.errors import DataError, RecipeError
from tokenization.reading.files import resolve_files
from tokenization.words.segmenters import require_installed


def refuse_missing(materials: Materials, corpora: Collection[str]) -> None:
    """Refuse to begin where something is missing.

    Args:
        corpora: those that are to be read.

    Raises:
        DataError: all that is missing.
    """
    found = missing(materials, corpora)
    if found:
        raise DataError("\n".join(found))


def missing(materials: Materials, corpora: Collection[str]) -> list[str]:
    """A message for each source, word list, suite and package that is not there. Makes nothing."""
    found: list[str] = []
    for look in _looks(materials, corpora):
        try:
            look()
        except (DataError, RecipeError) as error:
            found.append(str(error))
    return list(dict.fromkeys(found))


def _looks(materials: Materials, corpora: Collection[str]) -> Iterator[Callable[[], object]]:
    recipe = materials.recipe
    extension = recipe.tokenizer.extend.files if recipe.tokenizer.extend else ()
    for file in extension:
        yield partial(_require_file, "tokenizer.extend.files", recipe.data_folder / file)
    for name in corpora:
        given = recipe.corpora[name]
        yield partial(_require_sources, materials, name)
        for file in given.lexicon:
            yield partial(_require_file, f"corpora.{name}.lexicon", recipe.data_folder / file)
        if given.segmenter is not None:
            yield partial(require_installed, given.segmenter)
        yield partial(materials.kept_out, name)


def _require_sources(materials: Materials, name: str) -> None:
    resolve_files(materials.corpus_spec(name))


def _require_file(setting: str, file: Path) -> None:
    if not file.is_file():
        raise DataError(f"{setting}: there is no file {file}. Name a text file, one entry a line.")
