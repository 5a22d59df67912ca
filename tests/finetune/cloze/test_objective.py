"""Tasks in words under a network: trained and answered. Oracle: each gap and each piece of an answer by itself."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from finetune.answering.dev_batches import dev_batches
from finetune.answering.predictions import in_order, predict
from finetune.cloze.given import Cloze
from finetune.encoding.encode import encode_examples
from finetune.evaluate import evaluate_task
from finetune.objectives import objective_of
from finetune.source import TaskSource
from finetune.tasks.example import Example
from model.batch import FlatBatch, Selection
from model.config import EncoderConfig, HeadSpec
from model.kinds import BOTH, LEFT, Kinds
from model.network import Network
from tokenization.vocabulary import Tokenizer
from training.address import key_of
from training.batching import draw_step, empty_selection, flat_batch
from training.distributed import World
from training.engine import MicroBatch, PlainEngine
from training.mixture import Mixture, Stream
from training.optimizer import AdamW

ALONE = World(0, 1, torch.device("cpu"))
WORDS = ("ab", "c", "def", "g", "hi", "j")
WAYS = ("cloze", "prompt")


@pytest.fixture(params=WAYS)
def encoded(request, tokenizer):
    spec = request.getfixturevalue(request.param)
    examples = [Example(str(number), (word,), (), spec.labels[number % 2]) for number, word in enumerate(WORDS)]
    return encode_examples(spec, "train", examples, tokenizer, 24)


@pytest.fixture
def network(tokenizer):
    config = EncoderConfig(tokenizer.size, layers=2, hidden=32, heads=2, feed_forward=64, positions=24, dropout=0.0)
    return Network(config, [HeadSpec("mlm", "mlm", tokenizer.size)], seed=2)


def objective(encoded):
    return objective_of(encoded.spec, encoded.wordings)


def mixture_of(encoded):
    stream = Stream("mood", TaskSource(encoded), (objective(encoded),), 6, None, True, key_of(1, "stage", "mood"))
    return Mixture([stream], "every", key_of(1, "stage"))


def log_p(network, ids, kind, row):
    """The log probabilities of the vocabulary at one row of a sequence that stands alone."""
    tokens_T, size = torch.tensor(ids), torch.tensor([0, len(ids)])
    selection = Selection("", "", "mlm", torch.tensor([row]), torch.tensor([0]))
    kinds = Kinds(torch.tensor([kind]), torch.tensor([0]))
    batch = FlatBatch(tokens_T, torch.zeros_like(tokens_T), torch.arange(len(ids)), size, (selection,), kinds)
    return network(batch)[0][0].log_softmax(0)


def scores_by_hand(network, tokenizer, word, way):
    """The two classes' scores of one example, by a sequence of its own for each piece."""
    found = []
    for answer in ("bad", "ok"):
        (text,), (pieces,) = tokenizer.encode([word]), tokenizer.encode([answer])
        before, behind = ("so", "is") if way == "prompt" else ("", "was")
        ids = [tokenizer.cls, *tokenizer.encode([before])[0], *text, *tokenizer.encode([behind])[0]]
        if way == "cloze":
            whole = [*ids, *[tokenizer.mask] * len(pieces), *tokenizer.encode(["z"])[0], tokenizer.sep]
            at = [log_p(network, whole, BOTH, len(ids) + place)[piece] for place, piece in enumerate(pieces)]
            found.append(float(sum(at)) / len(pieces))
        else:
            at = [
                log_p(network, [*ids, *pieces[:place]], LEFT, len(ids) + place - 1)[piece]
                for place, piece in enumerate(pieces)
            ]
            found.append(float(sum(at)))
    return found


def test_training_and_answering_take_the_scores_of_each_piece_by_itself(encoded, network, tokenizer):
    way = "cloze" if encoded.spec.cloze else "prompt"
    with torch.no_grad():
        by_hand = torch.tensor([scores_by_hand(network, tokenizer, word, way) for word in WORDS])
        shares = by_hand.softmax(1)
        mixture = mixture_of(encoded)
        (part,) = draw_step(mixture, 0, 1000).parts
        batch = flat_batch(mixture, part)
        term = objective(encoded).term(network(batch)[0], batch.selections[0].labels_M, batch.selections[0].groups_G1)
        network.eval()
        _, predictions = evaluate_task(network, encoded, encoded.gold, 64)
    known = -sum(math.log(shares[number, number % 2]) for number in range(6))
    assert float(term.sum) == pytest.approx(known, abs=1e-4)
    assert term.count == batch.selections[0].count == 6
    assert np.stack([one.scores for one in predictions]) == pytest.approx(shares.numpy(), abs=1e-5)
    assert [one.answer for one in predictions] == shares.argmax(1).tolist()


def test_the_head_of_the_language_model_learns_the_classes(encoded, network):
    mixture = mixture_of(encoded)
    engine = PlainEngine(network, network.groups(), [objective(encoded)], AdamW(3e-3), ALONE, bf16=False)
    for step in range(40):
        batches = [flat_batch(mixture, part) for part in draw_step(mixture, step, 300).parts]
        engine.accumulate([MicroBatch(batch, 0) for batch in batches], [1 / 6])
        engine.step(3e-3, frozenset({"mlm"}))
    network.eval()
    scores, _ = evaluate_task(network, encoded, encoded.gold, 100)
    assert scores.metrics["accuracy"] == 1.0


def test_an_idle_selection_costs_nothing_and_keeps_the_graph_alive(encoded, network):
    one = objective(encoded)
    idle = replace(empty_selection("mood", one), stream="mood")
    token = torch.zeros(1, dtype=torch.int64)
    (logits,) = network(FlatBatch(token, token, token, torch.tensor([0, 1]), (idle,)))
    term = one.term(logits, idle.labels_M, idle.groups_G1)
    term.sum.backward()
    assert (float(term.sum.detach()), term.count, idle.count) == (0.0, 0, 0)
    assert network.heads["mlm"].bias.grad is not None


def test_rows_without_labels_are_answered_alike(encoded, network, tokenizer):
    given = [Example(str(number), (word,), (), None) for number, word in enumerate(WORDS)]
    hidden = encode_examples(encoded.spec, "test", given, tokenizer, 24)
    network.eval()
    scores = [
        np.stack([one.scores for one in in_order(predict(network, rows, dev_batches(rows, 64)), rows)])
        for rows in (hidden, encoded)
    ]
    assert hidden.gold is None
    assert (scores[0] == scores[1]).all()


def test_chinese_words_of_one_and_two_characters(single, tmp_path):
    path = tmp_path / "vocab.txt"
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"这是经济新闻球股票。"]
    path.write_text("\n".join(pieces), encoding="utf-8")
    tokenizer = Tokenizer.load(path, lowercase=True)
    spec = replace(single, cloze=Cloze("这是{mask}新闻。{text}", {"sad": "球", "glad": "经济"}))
    encoded = encode_examples(spec, "train", [Example("0", ("股票",), (), "glad")], tokenizer, 24)
    bounds = itertools.pairwise(encoded.offsets_N1.tolist())
    assert [tokenizer.decode(encoded.tokens_T[a:b]).replace(" ", "") for a, b in bounds] == [
        "[CLS]这是[MASK]新闻。股票[SEP]",
        "[CLS]这是[MASK][MASK]新闻。股票[SEP]",
    ]
