"""Mechanisms of transfer and of tasks together, measured on a finished run: a line of words and numbers, computed anew.

Shape letters: M rows, C classes.
"""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from benchmarks.systems_finished import STEPS, Finished, logits_of
from model.network import Network
from pipeline.answer import open_model
from pipeline.layer_rates import layer_rates_of
from pipeline.rank import Ranker


def layers_read(run: Finished) -> str:
    """ELMo: the shares of the layers, the embeddings first, that each task has learned to read."""
    found = run.manifest(run.recipe.stages[-1].name)["layer_shares"]
    parts = [
        f"{task} at {place} {' '.join(f'{share:.2f}' for share in mixed['shares_K'])}"
        for task, places in found.items()
        for place, mixed in places.items()
    ]
    return "; ".join([*parts, _moved(run, run.recipe.stages[0].name, run.recipe.stages[-1].name)])


def rates(run: Finished) -> str:
    """ULMFiT: the rates of the layers, and how many of them stand still at the first step and in the middle."""
    stage = run.recipe.stages[-1]
    groups = run.network(stage.name).groups(by_layer=True)
    found = layer_rates_of(run.materials, stage, groups)
    assert found is not None, "the stage has rates by layer"
    still = [
        sum(not factor for factor in found.factors(step).values()) for step in (0, stage.steps // 4, stage.steps - 1)
    ]
    return (
        f"rates from 1 (head) to {min(found.scales.values()):.4f} (embeddings); of {len(groups)} groups {still[0]} "
        f"stand still at first, {still[1]} after a quarter, {still[2]} at the end"
    )


def auxiliary_weight(run: Finished) -> str:
    """SiATL: γ at the first and the last step, and the held-out LM loss before and after."""
    lines = run.lines(run.recipe.stages[-1].name)
    name = next(term for line in lines for term in line.terms if term.startswith("aux/"))
    first, last = (
        next(line.terms[name].weight for line in found if name in line.terms) for found in (lines, lines[::-1])
    )
    losses = [
        next(iter(run.manifest(stage.name)["boundary"]["lm"].values()), float("nan")) for stage in run.recipe.stages
    ]
    return f"γ {first:.3f} → {last:.3f}; held-out LM loss {losses[0]:.3f} → {losses[-1]:.3f}"


def carried_over(run: Finished) -> str:
    """CoVe: how far the encoder moved after it was handed over."""
    return _moved(run, run.recipe.stages[0].name, run.recipe.stages[-1].name)


def teacher_gradient(run: Finished) -> str:
    """CVT: the gradient that the views' loss sends into the task's own head."""
    stage = run.recipe.stages[-1].name
    network, mixture = run.network(stage), run.mixture(stage)
    place = next(i for i, question in enumerate(mixture.questions) if question.objective.guide)
    objective = mixture.questions[place].objective
    network.active = (objective.head, objective.guide)
    batch = run.batches(stage, 1)[0]
    logits = network(replace(batch, selections=(batch.selections[place],)))[0]
    selection = batch.selections[place]
    objective.term(logits, selection.labels_M, selection.groups_G1).sum.backward()
    own, views = (_gradient(network, head) for head in (objective.guide, objective.head))
    return f"gradient of the views' loss on the teacher's head {own:g}, on the views' heads {views:.3g}"


def shuffled_batches(run: Finished) -> str:
    """MT-DNN: how often each task was drawn against its share of the examples."""
    stage = run.recipe.stages[1]
    state, mixture = run.manifest(stage.name)["state"], run.mixture(stage.name)
    rounds = [-(-stream.source.size // stream.items) for stream in mixture.streams]
    expected = [stage.steps * turns / sum(rounds) for turns in rounds]
    parts = [
        f"{stream.name} {state['items'][stream.name] // stream.items} ({wanted:.0f})"
        for stream, wanted in zip(mixture.streams, expected, strict=True)
    ]
    return "batches drawn (proportional): " + ", ".join(parts)


def heads(run: Finished) -> str:
    """The contest with heads: what each task adds."""
    network = run.network(run.recipe.stages[-1].name)
    own = [(spec.name, sum(p.numel() for p in network.heads[spec.name].parameters())) for spec in network.specs]
    return "parameters of each head: " + ", ".join(
        f"{name} {count:,}" for name, count in own if name in run.recipe.tasks
    )


def verbalisers(run: Finished) -> str:
    """PET: the pieces of the tasks' words; no head is added."""
    tokenizer = run.materials.tokenizer
    told = []
    for name in run.recipe.tasks:
        cloze = run.materials.task(name).cloze
        assert cloze is not None, "every task is a cloze"
        lengths = sorted({len(tokenizer.encode_flat([word])[0]) for word in cloze.words.values()})
        told.append(f"{name} words of {'/'.join(map(str, lengths))} pieces")
    return "; ".join([*told, "0 parameters added"])


def offsets(run: Finished) -> str:
    """Conditional LayerNorm: the difference to the plain encoder at the start, and the offsets' size at the end."""
    first, last = run.recipe.stages[0].name, run.recipe.stages[-1].name
    trained, batch = run.network(last), run.batches(last, 1)[0]
    assert trained.conditional is not None
    start = Network(trained.config, trained.specs, conditions=trained.conditions).eval()
    start.load_state_dict(
        {**start.state_dict(), **{k: v for k, v in run.weights(first).items() if k.startswith("encoder")}}
    )
    start.active = [question.objective.head for question in run.mixture(last).questions]
    with_MC, without_MC = (
        torch.cat([x.flatten() for x in logits_of(start, b)]) for b in (batch, replace(batch, conditions_N=None))
    )
    largest = max(
        float(p.detach().abs().max()) for name, p in trained.conditional.named_parameters() if "embedding" not in name
    )
    return (
        f"largest difference to the plain encoder at the start {float((with_MC - without_MC).abs().max()):g}; largest "
        f"offset weight at the end {largest:.3f}"
    )


def lineage(run: Finished) -> str:
    """An intermediate stage: from which stages the task's weights come, as the manifests have it."""
    chain, here = [run.recipe.stages[-1].name], run.manifest(run.recipe.stages[-1].name)["parent"]
    while here is not None:
        chain.append(here)
        here = run.manifest(here)["parent"]
    return " ← ".join(chain)


def stored_vectors(run: Finished) -> str:
    """Siamese: the largest difference between scores from stored vectors and those computed live."""
    ranker = Ranker(open_model(run.folder.root), "stsb")
    texts = [example.texts[1] for example in run.materials.examples("stsb", "dev")[:100]]
    query = run.materials.examples("stsb", "dev")[0].texts[0]
    stored, _ = ranker.vectors(texts, run.folder.root / "vectors")
    live, _ = ranker.vectors(texts)
    worst = np.abs(ranker.scores(query, stored) - ranker.scores(query, live)).max()
    return f"largest difference between stored and live scores of 100 candidates: {worst:g}"


def features(run: Finished) -> str:
    """Feature extraction: what a stage on stored vectors takes beside one that tunes everything."""
    stored, tuned = (run.manifest(stage)["clock"]["seconds"] for stage in ("features", "tuned"))
    return f"{_moved(run, 'general', 'features')}; {stored:.0f} s on stored vectors, {tuned:.0f} s tuning all"


def mixed_batches(run: Finished) -> str:
    """Two kinds of task in one batch."""
    batches = run.batches(run.recipe.stages[-1].name, STEPS)
    both = sum(all(selection.count for selection in batch.selections) for batch in batches)
    return f"{both} of {len(batches)} micro-batches hold rows of both tasks"


def counters(run: Finished) -> str:
    """Labelled tasks beside the text: what each stream gave."""
    state = run.manifest(run.recipe.stages[0].name)["state"]
    targets = [f"{name} {count:,}" for name, count in state["labels"].items()]
    return "targets: " + ", ".join(targets)


def _moved(run: Finished, first: str, last: str) -> str:
    before, after = run.weights(first), run.weights(last)
    worst = max(float((after[name] - before[name]).abs().max()) for name in after if name.startswith("encoder."))
    return f"largest change of an encoder weight after {first}: {worst:g}"


def _gradient(network: Network, head: str) -> float:
    gradients: list[Tensor] = [p.grad for p in network.heads[head].parameters() if p.grad is not None]
    return float(torch.sqrt(sum((g.square().sum() for g in gradients), torch.zeros(()))))
