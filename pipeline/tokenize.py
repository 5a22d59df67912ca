"""`triptych tokenize`: the text side of a recipe alone."""

import click

from pipeline.materials import Materials
from pipeline.recipe import Recipe
from pipeline.run_folder import RunFolder


def tokenize_all(recipe: Recipe, folder: RunFolder) -> str:
    """Make the tokenizer and tokenise every corpus; says what each holds and where it lies."""
    materials = Materials(recipe, folder.store, click.echo)
    lines = [f"tokenizer: {materials.tokenizer.size:,} pieces"]
    for name in recipe.corpora:
        corpus = materials.corpus(name)
        counts = corpus.manifest.counts
        lines.append(
            f"{name}: {counts.documents:,} documents ({counts.held_out_documents:,} held out), "
            f"{counts.sentences:,} sentences, {counts.tokens:,} tokens, {counts.unknown_share:.2%} unknown: "
            f"{corpus.folder}"
        )
        lines += [f"  {note}" for note in corpus.manifest.notes]
    return "\n".join(lines) + "\n"
