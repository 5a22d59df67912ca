"""A split written. Oracles: one source at a time; the network asked anew for each token; what may be written."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from finetune.answering.dev_batches import dev_batch, dev_batches
from finetune.answering.predictions import in_order, write_predictions
from finetune.answering.split_answers import answer_batches
from finetune.encoding.encode import encode_examples
from finetune.generation.spacing import text_of
from finetune.generation.writing import write_texts
from finetune.tasks.example import Example
from model.batch import FlatBatch, Selection, Targets
from model.config import EncoderConfig, HeadSpec
from model.kinds import LEFT, PREFIX, Kinds
from model.network import Network
from training.distributed import World
from training.engine import PlainEngine, Reader
from training.optimizer import AdamW

WRITERS = ("decoder", "prefix", "left")
ALONE = World(0, 1, torch.device("cpu"))
ROWS = 7
LONGEST = 6


@pytest.fixture(params=WRITERS)
def encoded(request, generation, tokenizer):
    """A few sources of many lengths; texts are cut at six tokens."""
    spec = replace(generation, written_by=request.param, longest=LONGEST)
    rows = [Example(f"id{k}", ("abcdefghij"[: 1 + 4 * k % 9],), (), "x") for k in range(ROWS)]
    return encode_examples(spec, "dev", rows, tokenizer, 16)


@pytest.fixture
def network():
    """Both heads that write, and an embedding with rows that no token has."""
    config = EncoderConfig(60, layers=2, hidden=16, heads=2, feed_forward=32, positions=32, initializer_range=0.2)
    found = Network(config, [HeadSpec("mlm", "mlm", 60), HeadSpec("decoder", "decoder", 60)], seed=4).eval()
    with torch.no_grad():
        for block in found.heads["decoder"].blocks:
            block.cross.out.weight.mul_(20)  # what is written hangs on the source, before anything was learnt
    return found


def texts(network, encoded, batches, tokenizer, **how):
    return [one.answer for one in in_order(write_texts(network, encoded, batches, tokenizer, **how), encoded)]


def test_one_source_at_a_time_all_of_them_and_any_order_give_the_same_texts(network, encoded, tokenizer):
    known = texts(network, encoded, [dev_batch(encoded, np.array([k])) for k in range(ROWS)], tokenizer)
    assert len(set(known)) >= 3
    for budget in (12, 10**4):
        assert texts(network, encoded, dev_batches(encoded, budget), tokenizer) == known
    mixed = np.random.default_rng(3).permutation(ROWS)
    assert texts(network, encoded, [dev_batch(encoded, mixed[:3]), dev_batch(encoded, mixed[3:])], tokenizer) == known


def test_a_draft_is_the_likeliest_token_each_time(network, encoded, tokenizer):
    """Oracle: the whole network run anew for each token, without a cache."""
    network.active = [encoded.spec.head_name]
    written = texts(network, encoded, dev_batches(encoded, 10**4), tokenizer, draft=True)
    for number in range(ROWS):
        source = encoded.unanswered.take(np.array([number]), np.array([0])).tokens_T.tolist()
        found: list[int] = []
        while len(found) < LONGEST:
            logits_V = next_logits(network, encoded.spec, tokenizer, source, found)
            allowed = [*tokenizer.ordinary_ids.tolist(), tokenizer.sep]
            token = max(allowed, key=lambda one: float(logits_V[one]))
            if token == tokenizer.sep:
                break
            found.append(token)
        assert written[number] == text_of(tokenizer, found)


def next_logits(network, spec, tokenizer, source, found):
    """Logits of what follows `found`."""
    nothing = torch.zeros(0, dtype=torch.int64)
    behind = {"decoder": [], "prefix": [*found, tokenizer.mask], "left": found}[spec.written_by]
    tokens_T = torch.tensor(source + behind)
    segments_T = torch.tensor([0] * len(source) + [int(spec.written_by == "prefix")] * len(behind))
    offsets_N1, kinds, targets, row = torch.tensor([0, len(tokens_T)]), None, None, len(tokens_T) - 1
    if spec.written_by == "prefix":
        kinds = Kinds(torch.tensor([PREFIX]), torch.tensor([len(source)]))
    elif spec.written_by == "left":
        kinds = Kinds(torch.tensor([LEFT]), torch.tensor([0]))
    else:
        given = torch.tensor([tokenizer.cls, *found])
        targets = Targets(given, torch.arange(len(given)), torch.tensor([0, len(given)]), torch.tensor([0]))
        row = len(given) - 1
    selection = Selection("s", "o", spec.head_name, torch.tensor([row]), nothing)
    batch = FlatBatch(
        tokens_T, segments_T, torch.arange(len(tokens_T)), offsets_N1, (selection,), kinds=kinds, targets=targets
    )
    with torch.no_grad():
        return network(batch)[0][0]


def test_a_beam_is_asked_for_by_the_task_and_left_out_of_drafts(network, encoded, tokenizer):
    wide = replace(encoded, spec=replace(encoded.spec, beam=4))
    batches = dev_batches(encoded, 10**4)
    greedy = texts(network, encoded, batches, tokenizer)
    assert texts(network, wide, batches, tokenizer, draft=True) == greedy
    assert texts(network, wide, batches, tokenizer) != greedy


def test_nothing_but_ordinary_tokens_is_written_and_no_more_than_the_longest(network, encoded, tokenizer):
    """The rows that mean nothing have by far the largest embeddings."""
    with torch.no_grad():
        network.encoder.embeddings.word.weight[[tokenizer.pad, tokenizer.mask, tokenizer.unk, 57, 58, 59]] *= 100
    found = texts(network, encoded, dev_batches(encoded, 10**4), tokenizer)
    assert any(found)
    for text in found:
        assert "[" not in text
        assert len(text.replace("##", "").replace(" ", "")) <= LONGEST


def test_an_engine_answers_in_eval_mode_and_goes_on_training_as_before(network, encoded, tokenizer, tmp_path):
    batches = dev_batches(encoded, 10**4)
    known = in_order(write_texts(network, encoded, batches, tokenizer), encoded)
    engine = PlainEngine(network, network.groups(), [], AdamW(1e-3), ALONE, bf16=False)
    network.train()
    assert in_order(answer_batches(engine, encoded, batches, tokenizer), encoded) == known
    assert in_order(answer_batches(Reader(network, ALONE, bf16=False), encoded, batches, tokenizer), encoded) == known
    with engine.whole() as module:
        assert module is network
        assert not module.training
        assert not torch.is_grad_enabled()
    write_predictions(tmp_path / "p.jsonl", encoded, known)
    lines = (tmp_path / "p.jsonl").read_text(encoding="utf-8").splitlines()
    assert [f'"id": "id{k}"' in line for k, line in enumerate(lines)] == [True] * ROWS
