"""What `run` or `tokenize` would do with the tokenizer and the corpora. Works on what is there and changes nothing."""

from collections.abc import Iterator

from pipeline.materials import Materials
from pipeline.store import NotMade
from tokenization.store import Outlook, corpus_outlook
from tokenization.vocabulary import Tokenizer


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
    tokenizer = _known(materials)
    if tokenizer is None:
        return Outlook("start", "not trained yet")
    how = "given" if materials.recipe.tokenizer.train is None else "trained"
    return Outlook("skip", f"{how}, {tokenizer.size:,} pieces")


def _corpora(materials: Materials) -> Iterator[tuple[str, Outlook]]:
    for name in materials.recipe.corpora:
        spec, kept_out = materials.corpus_spec(name), materials.kept_out(name)
        yield f"corpus {name}", corpus_outlook(spec, _known(materials), materials.store, kept_out)


def _known(materials: Materials) -> Tokenizer | None:
    """The tokenizer, if it is there already."""
    try:
        return materials.tokenizer
    except NotMade:
        return None
