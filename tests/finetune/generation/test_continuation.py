"""Texts with which a language model goes on. Oracles: sequences written by hand; the network asked anew for each token.

Shape letters: T tokens, M rows, V vocabulary.
"""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from finetune.answering.dev_batches import dev_batches
from finetune.answering.predictions import in_order
from finetune.cloze.given import Prompt
from finetune.encoding.encode import encode_examples
from finetune.evaluate import score_task
from finetune.generation.writing import write_texts
from finetune.objectives import objective_of
from finetune.source import TextOfTasks
from finetune.tasks.example import Example
from model.batch import FlatBatch, Selection
from model.config import EncoderConfig, HeadSpec
from model.kinds import LEFT, Kinds
from model.network import Network
from pretrain.causal import CausalLM
from tokenization.errors import RecipeError
from tokenization.vocabularies.training import train_tokenizer
from training.address import key_of
from training.batching import lay_flat, selection_of

KEY = key_of(1, "continuation")
TEXTS = (("ab", "cde"), ("f", ""), ("ghi", "jk"))
ROWS = [Example(str(place), (one,), (), two) for place, (one, two) in enumerate(TEXTS)]
RULE = {"a": "xy", "b": "z", "c": "k", "d": "xz"}


@pytest.fixture
def bare(generation):
    return replace(generation, written_by="left", attention="left")


@pytest.fixture
def prompted(bare):
    return replace(bare, prompt=Prompt("so {text} is "))


def network_of(seed=3):
    config = EncoderConfig(57, layers=1, hidden=32, heads=2, feed_forward=64, positions=32, initializer_range=0.2)
    return Network(config, [HeadSpec("mlm", "mlm", 57)], seed=seed).eval()


def written(encoded, tokenizer):
    """Each sequence, pieces without their marks, apart by spaces."""
    pieces = [tokenizer.piece(int(token)).removeprefix("##") for token in encoded.tokens_T]
    return [" ".join(pieces[a:b]) for a, b in itertools.pairwise(encoded.offsets_N1.tolist())]


def test_a_source_has_no_end_and_stands_in_its_prompt(bare, prompted, tokenizer):
    asked = encode_examples(prompted, "train", ROWS, tokenizer, 12)
    assert written(asked, tokenizer) == ["[CLS] s o a b i s", "[CLS] s o f i s", "[CLS] s o g h i i s"]
    assert written(encode_examples(bare, "train", ROWS, tokenizer, 12), tokenizer)[0] == "[CLS] a b"
    both = replace(bare, fields=("one", "two"))
    pair = encode_examples(both, "train", [Example("0", ("ab", "c"), (), "d")], tokenizer, 12)
    assert written(pair, tokenizer) == ["[CLS] a b [SEP] c"]
    assert not pair.segments_T.any()


def test_a_text_is_cut_until_it_fits_and_never_the_prompt(prompted, tokenizer):
    cut = encode_examples(prompted, "train", ROWS, tokenizer, 6)
    assert written(cut, tokenizer) == ["[CLS] s o a i s", "[CLS] s o f i s", "[CLS] s o g i s"]
    assert cut.truncated == 2
    with pytest.raises(RecipeError, match=r"tasks.writes.length: 5 tokens given; the words around the texts take 5"):
        encode_examples(prompted, "train", ROWS, tokenizer, 5)


def test_the_text_follows_and_nothing_is_asked_of_its_source(prompted, tokenizer):
    whole = encode_examples(prompted, "train", ROWS, tokenizer, 12).take(np.arange(3), np.arange(3))
    objective = objective_of(prompted, tokenizer=tokenizer)
    given, rows = objective.apply(whole, KEY)
    assert objective.head == prompted.head_name == "mlm"
    assert written(given, tokenizer) == [
        "[CLS] s o a b i s c d e [SEP]",
        "[CLS] s o f i s [SEP]",
        "[CLS] s o g h i i s j k [SEP]",
    ]
    asked = [tokenizer.piece(int(label)).removeprefix("##") for label in rows.labels_M]
    assert asked == ["c", "d", "e", "[SEP]", "[SEP]", "j", "k", "[SEP]"]
    assert np.array_equal(given.tokens_T[rows.rows_M + 1], rows.labels_M)
    assert not given.segments_T.any()
    assert list(given.kinds_N) == [LEFT] * 3


def next_chances(network, tokens):
    """(V,) in float64, what follows some ids that are read from left to right."""
    tokens_T, nothing = torch.tensor(tokens), torch.zeros(0, dtype=torch.int64)
    batch = FlatBatch(
        tokens_T,
        torch.zeros_like(tokens_T),
        torch.arange(len(tokens)),
        torch.tensor([0, len(tokens)]),
        (Selection("s", "o", "mlm", torch.tensor([len(tokens) - 1]), nothing),),
        kinds=Kinds(torch.tensor([LEFT]), torch.tensor([0])),
    )
    with torch.no_grad():
        return torch.softmax(network(batch)[0][0].double(), dim=0)


def test_the_sum_is_that_of_each_text_s_negative_log_probability(prompted, tokenizer):
    """Oracle: a forward pass for each token of each text, over what stands before it alone."""
    network, objective = network_of(), objective_of(prompted, tokenizer=tokenizer)
    encoded = encode_examples(prompted, "train", ROWS, tokenizer, 12)
    given, rows = objective.apply(encoded.take(np.arange(3), np.arange(3)), KEY)
    with torch.no_grad():
        (logits_MV,) = network(lay_flat([given], (selection_of("s", objective, rows, 0),)))
    term = objective.term(logits_MV, torch.from_numpy(rows.labels_M))
    known, count = 0.0, 0
    for source, text in TEXTS:
        tokens = [tokenizer.cls, *tokenizer.encode([f"so {source} is"])[0].tolist()]
        for piece in [*tokenizer.encode([text])[0].tolist(), tokenizer.sep]:
            known -= float(next_chances(network, tokens)[piece].log())
            tokens.append(piece)
            count += 1
    assert term.sum.item() == pytest.approx(known, rel=1e-5)
    assert term.count == count


def train(network, sequences, objective, steps=90):
    """All sequences in each step."""
    given, rows = objective.apply(sequences, KEY)
    batch, labels_M = lay_flat([given], (selection_of("s", objective, rows, 0),)), torch.from_numpy(rows.labels_M)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(steps):
        term = objective.term(network(batch)[0], labels_M)
        optimizer.zero_grad()
        (term.sum / term.count).backward()
        optimizer.step()


def exact_match(network, encoded, tokenizer):
    answers = in_order(write_texts(network, encoded, dev_batches(encoded, 100), tokenizer), encoded)
    return score_task(encoded, answers, encoded.gold).value


@pytest.mark.parametrize("taught", ["by the task", "by text alone"])
def test_a_rule_that_was_learned_is_written(prompted, single, tokenizer, taught):
    """Of text alone the task is never trained: its prompt makes of each source the beginning of such a text."""
    rows = [Example(one, (one,), (), two) for one, two in RULE.items()]
    encoded = encode_examples(prompted, "dev", rows, tokenizer, 12)
    every, network = np.arange(len(rows)), network_of()
    assert exact_match(network, encoded, tokenizer) == 0.0
    if taught == "by the task":
        train(network, encoded.take(every, every), objective_of(prompted, tokenizer=tokenizer))
    else:
        sentences = [Example(one, (f"so {one} is {two}",), (), "sad") for one, two in RULE.items()]
        text = TextOfTasks([encode_examples(single, "train", sentences, tokenizer, 12)])
        train(network, text.draw(every, KEY), CausalLM("left"))
    assert exact_match(network, encoded, tokenizer) == 1.0


SENTENCES = [
    f"{who} sees the {what} . it was great , so : bad !" for who in ("anna", "boris") for what in ("sea", "hill")
]


@pytest.fixture(scope="module", params=["wordpiece", "bpe", "unigram"])
def trained(request):
    return train_tokenizer(SENTENCES * 5, request.param, 300, True)


@pytest.mark.parametrize(
    ("opening", "text"),
    [("{text} it was", "bad"), ("it was: {text}", "great , bad"), ("{text} so : ", " bad"), (None, "was great")],
)
def test_a_text_is_cut_as_it_would_be_behind_its_source(bare, trained, opening, text):
    spec = replace(bare, prompt=Prompt(opening) if opening else None)
    encoded = encode_examples(spec, "train", [Example("0", ("anna sees",), (), text)], trained, 64)
    taken = encoded.take(np.arange(1), np.arange(1))
    before = (opening or "{text}").format(text="anna sees").strip()
    whole = trained.encode([f"{before} {text.strip()}"])[0]
    assert taken.tokens_T.tolist() == [trained.cls, *whole.tolist(), trained.sep]


def test_a_chinese_text_follows_without_a_blank(bare):
    tokenizer = train_tokenizer(["这句话很好。", "这句话很坏。"] * 5, "bpe", 300, False)
    spec = replace(bare, prompt=Prompt("{text}这句话"))
    taken = encode_examples(spec, "train", [Example("0", ("好",), (), "很坏")], tokenizer, 64).take(
        np.arange(1), np.arange(1)
    )
    assert tokenizer.decode(taken.tokens_T[1:-1].tolist()).strip() == "好这句话很坏"


def test_the_text_of_the_task_alone_is_as_that_of_any_other(prompted, generation, tokenizer):
    assert not prompted.is_plain
    plain = encode_examples(prompted.plain, "train", ROWS, tokenizer, 12)
    assert written(plain, tokenizer) == written(encode_examples(generation, "train", ROWS, tokenizer, 12), tokenizer)
