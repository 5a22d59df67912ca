"""What `run` or `tokenize` would do with the tokenizer and the corpora. Works on what is there and changes nothing."""

from collections.abc import Iterator

from pipeline.materials import Materials, NotMade
from tokenization.reading.files import resolve_files
from tokenization.store import Outlook, corpus_outlook


def text_plan(materials: Materials) -> str:
    """A line on the tokenizer and one on each corpus, as `triptych plan` prints them.

    Args:
        materials: that make nothing.

    Raises:
        DataError: a source is missing.
    """
    found = [("tokenizer", _tokenizer(materials)), *_corpora(materials)]
    return "".join(f"{name}: {outlook.action.upper()}, {outlook.why}\n" for name, outlook in found)


def _tokenizer(materials: Materials) -> Outlook:
    try:
        size = materials.tokenizer.size
    except NotMade:
        return Outlook("start", "not trained yet")
    how = "given" if materials.recipe.tokenizer.train is None else "trained"
    return Outlook("skip", f"{how}, {size:,} pieces")


def _corpora(materials: Materials) -> Iterator[tuple[str, Outlook]]:
    for name in materials.recipe.corpora:
        spec = materials.corpus_spec(name)
        try:
            outlook = corpus_outlook(spec, materials.tokenizer, materials.store, materials.kept_out(name))
        except NotMade:
            resolve_files(spec)
            outlook = Outlook("start", "after the tokenizer")
        yield f"corpus {name}", outlook
