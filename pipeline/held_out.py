"""What held-out text is asked at a stage boundary, and what it tells: of each head what it was trained on.

The LM head is asked in each way in which it was trained (`lm_ways`), a head of pairs its own question, and where
another text objective was trained, what that asks; at settings that are always the same.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

from finetune.answering.dev_batches import ANSWERING_TOKENS
from model.heads import LM, ORDER, PAIRS
from model.public import PublicModel
from pipeline.ledger import FURTHER_TITLES, TITLES
from pipeline.lineage import ancestry, known_heads, trained_heads
from pipeline.lm_ways import MASKED, WAYS, Way, brought_ways, held_out_objective, lm_ways
from pipeline.materials import Materials
from pipeline.recipe.objectives import ENTRIES, PAIRED
from pipeline.recipe.recipe import Recipe
from pretrain.blocks import BlockSource
from pretrain.held_out import HeldOut, held_out_entropy, read_held_out
from pretrain.pairs import PairSource
from tokenization.errors import DataError
from training.engine import Inference
from training.objective import Objective


@dataclass(frozen=True)
class HeldOutText:
    """What held-out text tells of a model.

    Attributes:
        lm: corpus → loss of the LM head in nats, asked in the first of its ways; empty where it is not asked.
        lm_accuracy: corpus → share of the tokens asked for that are told right.
        lm_way: how that text was asked.
        further: the other questions → corpus → loss in nats and accuracy.
        unasked: a line for each corpus whose held-out text cannot be asked one of these.
    """

    lm: Mapping[str, float]
    lm_accuracy: Mapping[str, float]
    lm_way: Way
    further: Mapping[str, Mapping[str, Mapping[str, float]]]
    unasked: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def questions_of(recipe: Recipe, stage: str, public: PublicModel | None) -> tuple[str, ...]:
    """What held-out text is asked after a stage."""
    trained = {given.name for one in ancestry(recipe, stage) for stream in one.streams for given in stream.objectives}
    heads = trained_heads(recipe, stage, public)
    ways = (lm_ways(recipe, stage, public) or (MASKED,)) if LM in heads else ()
    return (*ways, *_further(trained | (heads & {PAIRS, ORDER})))


def brought_questions(recipe: Recipe, public: PublicModel | None) -> tuple[str, ...]:
    """What the heads that a public checkpoint brings are asked before anything is trained."""
    return (*brought_ways(public), *_further(known_heads(recipe, recipe.stages[0], public)))


def _further(names: Collection[str]) -> tuple[str, ...]:
    return tuple(name for name in FURTHER_TITLES if name in names)


def read_text(materials: Materials, engine: Inference, questions: Sequence[str]) -> HeldOutText:
    """Ask held-out text of the ledger's corpora these questions; all ranks call it.

    Raises:
        DataError: the LM head is to be asked, and a corpus has no held-out text.
    """
    first = next((name for name in questions if name in WAYS), None)
    found: dict[str, dict[str, HeldOut]] = {name: {} for name in questions}
    unasked = []
    for question in questions:
        for corpus in materials.recipe.evaluation.ledger.corpora:
            try:
                found[question][corpus] = _read(materials, engine, corpus, question)
            except DataError as error:
                if question in WAYS:
                    raise
                reason = str(error).partition(". ")[0]
                unasked.append(f"{corpus}: its held-out text is not asked for {TITLES[question]}: {reason}")
    known = found.pop(first) if first else {}
    return HeldOutText(
        lm={name: told.loss for name, told in known.items()},
        lm_accuracy={name: told.accuracy for name, told in known.items()},
        lm_way=first or MASKED,
        further={name: {corpus: asdict(told) for corpus, told in of.items()} for name, of in found.items() if of},
        unasked=tuple(unasked),
    )


def _read(materials: Materials, engine: Inference, corpus: str, question: str) -> HeldOut:
    ledger = materials.recipe.evaluation.ledger
    source = _source(materials, corpus, question)
    return read_held_out(source, objective_of(question, materials), engine, ledger.tokens, ANSWERING_TOKENS)


def objective_of(question: str, materials: Materials) -> Objective:
    """What is asked, at the ledger's own rate or an objective's usual settings, whatever was trained."""
    if question in FURTHER_TITLES:
        entry = ENTRIES[question]
        return entry.build(entry.settings(), materials)
    return held_out_objective(cast(Way, question), materials.recipe.evaluation.ledger.rate, materials)


def entropies(materials: Materials, way: str) -> dict[str, float]:
    """Corpus → the unigram entropy of the tokens that the LM head is asked for, in nats."""
    ledger = materials.recipe.evaluation.ledger
    objective = held_out_objective(cast(Way, way), ledger.rate, materials)
    return {name: held_out_entropy(held_out_text(materials, name), objective, ledger.tokens) for name in ledger.corpora}


def asked_under(materials: Materials, questions: Sequence[str]) -> dict[str, Any]:
    """All that decides what `read_text` finds in the same weights: settings, and the content of what is read."""
    if not questions:
        return {}
    ledger = materials.recipe.evaluation.ledger
    corpora = {name: materials.corpus(name).fingerprint for name in ledger.corpora}
    # The usual question alone is not named: so it was before there were others.
    first = {} if questions[0] == MASKED else {"way": questions[0]}
    further = {"further": list(questions[1:])} if questions[1:] else {}
    return {"tokens": ledger.tokens, "rate": ledger.rate, "corpora": corpora, **first, **further}


def _source(materials: Materials, corpus: str, question: str) -> BlockSource | PairSource:
    """The held-out text as a question wants it: pairs, or single windows."""
    entry = ENTRIES.get(question)
    if entry is None or entry.sources != PAIRED:
        return held_out_text(materials, corpus)
    assert entry.second is not None, "an objective of pairs alone says what their second halves are"
    return PairSource(
        materials.corpus(corpus), materials.tokenizer, _length(materials), second=entry.second, held_out=True
    )


def held_out_text(materials: Materials, name: str) -> BlockSource:
    """A corpus of the ledger: its held-out documents.

    Raises:
        DataError: it has none, or its files are not there.
    """
    if not materials.corpus(name).is_held_out_D.any():
        raise DataError(
            f"corpus {name}: no document is held out, so the forgetting ledger has no text to measure on. Give it more "
            f"documents, or list other corpora in evaluation.ledger.corpora ([] measures none)."
        )
    return BlockSource(materials.corpus(name), materials.tokenizer, _length(materials), held_out=True)


def _length(materials: Materials) -> int:
    return min(128, materials.encoder.positions)
