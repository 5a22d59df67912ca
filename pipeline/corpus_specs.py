"""A recipe's corpora as the text side wants them described."""

from pathlib import Path

from pipeline.recipe.recipe import Recipe
from pipeline.recipe.text import Clean
from tokenization.cleaning.spec import CleanSpec, Decontamination, NearDuplicates
from tokenization.errors import DataError
from tokenization.spec import CorpusSpec


def corpus_spec(recipe: Recipe, name: str) -> CorpusSpec:
    """A corpus of the recipe, its files in the data folder.

    Raises:
        DataError: the data folder is not there.
    """
    given, data = recipe.corpora[name], recipe.data_folder
    plain = given.model_dump(exclude={"files", "clean", "lexicon"})
    return CorpusSpec(
        name=name,
        files=tuple(_place(file.path, data, given.format) for file in given.files),
        weights=tuple(file.weight for file in given.files),
        clean=_clean_spec(given.clean),
        lexicon=tuple(data / file for file in given.lexicon),
        **plain,
    )


def _clean_spec(given: Clean) -> CleanSpec:
    plain = given.model_dump(exclude={"near", "decontaminate"})
    near = NearDuplicates(**given.near.model_dump()) if given.near else None
    kept_out = Decontamination(**given.decontaminate.model_dump()) if given.decontaminate else None
    return CleanSpec(**plain, near=near, decontaminate=kept_out)


def _place(file: str, data: Path, kind: str) -> Path | str:
    """A corpus's file under the data folder; a URL and the name of a public dataset stay as they are."""
    if "://" in file:
        return file
    path = data / Path(file).expanduser()
    if kind == "dataset" and not path.exists():
        return Path(file)
    if not path.is_absolute():
        path = path.absolute()
    if not data.exists():
        raise DataError(f"the data folder {data} does not exist: give `data:` in the recipe or set TRIPTYCH_DATA")
    return path
