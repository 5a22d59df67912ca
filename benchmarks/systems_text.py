"""Mechanisms of text objectives and attention, measured on a finished run: a line of words and numbers, computed anew.

The tests hold the mechanisms against oracles; here they are looked at in models that were trained.

Shape letters: T tokens, N sequences, M rows, V vocabulary, U units.
"""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from benchmarks.systems_finished import STEPS, Finished, logits_of
from model.batch import IGNORED, FlatBatch, Selection
from model.heads import IS_RANDOM
from model.kinds import BOTH, KINDS, LEFT, PREFIX, RIGHT, Kinds, visible
from model.network import Network


def masking(run: Finished) -> str:
    """BERT: what became of the chosen tokens, and the share of random second halves, over the first steps."""
    mask, chosen, masked, kept, pairs, swapped = run.materials.tokenizer.mask, 0, 0, 0, 0, 0
    for batch in run.batches(run.recipe.stages[0].name, STEPS):
        lm, pair = batch.selections[:2]
        tokens_M = batch.tokens_T[lm.rows_M]
        chosen += len(tokens_M)
        masked += int((tokens_M == mask).sum())
        kept += int((tokens_M == lm.labels_M).sum())
        pairs, swapped = pairs + len(pair.labels_M), swapped + int((pair.labels_M == IS_RANDOM).sum())
    other = chosen - masked - kept
    return (
        f"of {chosen:,} chosen tokens {masked / chosen:.1%} [MASK], {other / chosen:.1%} random, "
        f"{kept / chosen:.1%} kept; {swapped / pairs:.1%} of {pairs:,} pairs random"
    )


def causality(run: Finished) -> str:
    """GPT: the largest change of a logit before the token that was changed."""
    stage = run.recipe.stages[0].name
    network = run.network(stage)
    network.active = ("mlm",)
    batch = _alone(run.batches(stage, 1)[0], "mlm")
    worst = 0.0
    before_MV = logits_of(network, _every_row(batch))[0]
    for share in (0.3, 0.6, 0.9):
        place_N = batch.offsets_N1[:-1] + (batch.lengths_N * share).long()
        tokens_T = batch.tokens_T.clone()
        tokens_T[place_N] = (tokens_T[place_N] + 7) % run.materials.tokenizer.size
        after_MV = logits_of(network, _every_row(replace(batch, tokens_T=tokens_T)))[0]
        sequence_T = torch.repeat_interleave(torch.arange(len(place_N)), batch.lengths_N)
        earlier_T = torch.arange(len(tokens_T)) < place_N[sequence_T]
        worst = max(worst, float((after_MV - before_MV)[earlier_T].abs().max()))
    loss = np.mean([line.terms[name].loss for line in run.lines(stage)[-5:] for name in line.terms])
    return f"largest change of a logit before a changed token: {worst:g}; perplexity {np.exp(loss):.0f}"


def spans(run: Finished) -> str:
    """MASS: how much of a sentence the decoder writes, and whether it is one piece at its own positions."""
    shares, whole, count = [], 0, 0
    for batch in run.batches(run.recipe.stages[0].name, STEPS):
        assert batch.targets is not None
        for j, memory in enumerate(batch.targets.memory_J.tolist()):
            positions = batch.targets.positions_U[batch.targets.offsets_J1[j] : batch.targets.offsets_J1[j + 1]]
            shares.append(len(positions) / (int(batch.lengths_N[memory]) - 2))
            whole, count = whole + bool((positions.diff() == 1).all()), count + 1
    return (
        f"{np.mean(shares):.1%} of a sentence is written by the decoder; {whole / count:.1%} of the spans are one piece"
    )


def attention_patterns(run: Finished) -> str:
    """UniLM: over the kinds of attention, tokens that saw something which their kind hides."""
    network = run.network(run.recipe.stages[0].name)
    network.active = ("mlm",)
    batch = _every_row(_alone(run.batches(run.recipe.stages[0].name, 1)[0], "mlm"))
    told = []
    for kind in (BOTH, LEFT, RIGHT, PREFIX):
        reach_N = batch.lengths_N // 2
        kinds = Kinds(torch.full_like(reach_N, kind), reach_N)
        wrong, looked = _leaks(network, replace(batch, kinds=kinds))
        told.append(f"{KINDS[kind]} {wrong} of {looked:,}")
    return "tokens that saw what their kind hides: " + ", ".join(told)


def whole_entries(run: Finished) -> str:
    """ERNIE: how many of the entries that lost a token lost all of them."""
    stage = run.recipe.stages[0].name
    (stream,) = run.mixture(stage).streams
    whole = broken = long = 0
    for step in range(STEPS):
        draws_K = np.arange(step * stream.items, (step + 1) * stream.items)
        sequences = stream.source.draw(draws_K, stream.key)
        _, rows = stream.objectives[0].apply(sequences, stream.key)
        assert sequences.continues_T is not None
        unit_T = np.cumsum(~sequences.continues_T)
        size_U, hit_U = np.bincount(unit_T), np.bincount(unit_T[rows.rows_M], minlength=unit_T.max() + 1)
        touched_U = hit_U > 0
        whole += int((hit_U == size_U)[touched_U].sum())
        broken += int((hit_U < size_U)[touched_U].sum())
        long += int((touched_U & (size_U > 1)).sum())
    return (
        f"{whole / (whole + broken):.1%} of {whole + broken:,} masked units whole, {long:,} of them of several tokens"
    )


def _alone(batch: FlatBatch, head: str) -> FlatBatch:
    """The batch with the selections of one head."""
    return replace(batch, selections=tuple(one for one in batch.selections if one.head == head))


def _every_row(batch: FlatBatch) -> FlatBatch:
    """The batch with one selection, of all rows, for the LM head."""
    rows_M = torch.arange(len(batch.tokens_T))
    return replace(batch, selections=(Selection("all", "all", "mlm", rows_M, torch.full_like(rows_M, IGNORED)),))


def _leaks(network: Network, batch: FlatBatch) -> tuple[int, int]:
    """Rows that changed although the token that was changed is hidden from them, and the rows looked at."""
    assert batch.kinds is not None
    low_T, high_T = visible(batch.kinds, batch.lengths_N)
    before_MV, wrong, looked = logits_of(network, batch)[0], 0, 0
    sequence_T = torch.repeat_interleave(torch.arange(len(batch.lengths_N)), batch.lengths_N)
    place_T = torch.arange(len(batch.tokens_T)) - batch.offsets_N1[:-1][sequence_T]
    for share in (0.0, 0.45, 0.55, 0.95):
        changed_N = (batch.lengths_N * share).long()
        tokens_T = batch.tokens_T.clone()
        rows_N = batch.offsets_N1[:-1] + changed_N
        tokens_T[rows_N] = (tokens_T[rows_N] + 7) % network.config.vocab_size
        after_MV = logits_of(network, replace(batch, tokens_T=tokens_T))[0]
        hidden_T = _hidden(place_T, low_T, high_T, changed_N[sequence_T], batch.kinds.kind_N[sequence_T])
        wrong += int(((after_MV - before_MV).abs().amax(1) > 0)[hidden_T].sum())
        looked += int(hidden_T.sum())
    return wrong, looked


def _hidden(place_T: Tensor, low_T: Tensor, high_T: Tensor, changed_T: Tensor, kind_T: Tensor) -> Tensor:
    """Which tokens cannot see the changed one, over any number of layers: these kinds hide transitively."""
    return ((changed_T < low_T) | (changed_T > high_T)) & (place_T != changed_T) & (kind_T != BOTH)
