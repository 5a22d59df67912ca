"""The loss of each new kind, from examples to number, against the head that transformers has for it.

Same weights, no dropout; theirs runs on padded batches. Shape letters: B sequences, L longest, C classes.
"""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from transformers import BertConfig, BertForMultipleChoice, BertForQuestionAnswering, BertForSequenceClassification

from finetune.encoding.encode import encode_examples
from finetune.objectives import objective_of
from finetune.tasks.example import Example, Span
from model.batch import Selection
from model.config import EncoderConfig, HeadSpec
from model.network import Network
from model.public import read_public
from model.public_load import load_into
from training.address import key_of
from training.batching import lay_flat

KEY = key_of("any")
CONFIG = EncoderConfig(57, layers=2, hidden=24, heads=4, feed_forward=40, positions=40, dropout=0.0)


@pytest.fixture
def pair_of_networks(tmp_path):
    """A BERT of transformers with some head, and ours with its weights."""

    def make(kind, spec, **settings):
        torch.manual_seed(0)
        theirs = kind(
            BertConfig(
                vocab_size=CONFIG.vocab_size, num_hidden_layers=CONFIG.layers, hidden_size=CONFIG.hidden,
                num_attention_heads=CONFIG.heads, intermediate_size=CONFIG.feed_forward,
                max_position_embeddings=CONFIG.positions, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
                initializer_range=0.2, attn_implementation="eager", **settings,
            )
        ).eval()  # fmt: skip
        ours = Network(CONFIG, [HeadSpec(spec.name, spec.kind, spec.outputs)])
        theirs.bert.save_pretrained(tmp_path)
        load_into(ours, read_public(tmp_path))
        linear = theirs.qa_outputs if spec.kind == "span" else theirs.classifier
        ours.heads[spec.name].linear.load_state_dict(linear.state_dict())
        return theirs, ours.eval()

    return make


def our_loss(network, encoded):
    """The loss of a whole split as one micro-batch, its count, and its flat batch."""
    objective, everything = objective_of(encoded.spec), np.arange(len(encoded.items_I1) - 1)
    sequences, rows = objective.apply(encoded.take(everything, everything), KEY)
    groups = None if rows.groups_G1 is None else torch.from_numpy(rows.groups_G1)
    labels = torch.from_numpy(rows.labels_M)
    selection = Selection("s", objective.name, objective.head, torch.from_numpy(rows.rows_M), labels, groups)
    batch = lay_flat([sequences], (selection,))
    (logits,) = network(batch)
    return objective.term(logits, labels, groups), batch, sequences


def padded(batch):
    lengths_B = batch.lengths_N
    real_BL = torch.arange(int(lengths_B.max())) < lengths_B[:, None]
    tokens_BL, segments_BL = (torch.zeros_like(real_BL, dtype=torch.int64) for _ in range(2))
    tokens_BL[real_BL], segments_BL[real_BL] = batch.tokens_T, batch.segments_T
    return {"input_ids": tokens_BL, "token_type_ids": segments_BL, "attention_mask": real_BL.long()}, real_BL


@torch.no_grad()
def test_a_choice_costs_what_bert_for_multiple_choice_says(choice, tokenizer, pair_of_networks):
    examples = [
        Example(str(n), (), (), n % 3, tuple(("ab cd"[n:], "efg hij"[m : n + m + 1]) for m in range(3)))
        for n in range(4)
    ]
    encoded = encode_examples(choice, "train", examples, tokenizer, 32)
    theirs, ours = pair_of_networks(BertForMultipleChoice, choice)
    term, batch, _ = our_loss(ours, encoded)
    inputs, _ = padded(batch)
    known = theirs(
        **{name: value.view(4, 3, -1) for name, value in inputs.items()}, labels=torch.tensor(encoded.gold)
    ).loss
    assert term.count == 4
    assert float(term.sum / term.count) == pytest.approx(float(known), abs=1e-6)


@torch.no_grad()
def test_several_labels_cost_what_bert_for_sequence_classification_says(multilabel, tokenizer, pair_of_networks):
    topics = [(), ("art",), ("law", "sport"), ("art", "law", "sport")]
    examples = [Example(str(n), ("ab cd ef"[: 2 * n + 1],), (), given) for n, given in enumerate(topics)]
    encoded = encode_examples(multilabel, "train", examples, tokenizer, 32)
    theirs, ours = pair_of_networks(
        BertForSequenceClassification, multilabel, num_labels=3, problem_type="multi_label_classification"
    )
    term, batch, _ = our_loss(ours, encoded)
    labels = torch.from_numpy(np.stack(encoded.gold)).float()
    known = theirs(**padded(batch)[0], labels=labels).loss
    assert float(term.sum / term.count) == pytest.approx(float(known), abs=1e-6)


@torch.no_grad()
def test_a_span_costs_what_bert_for_question_answering_says(span, tokenizer, pair_of_networks):
    """Theirs also shares the question and both [SEP] among the candidates: those are taken out of its logits."""
    examples = [
        Example("0", ("q r", "ab cd ef"), (), (Span("cd", 3),)),
        Example("1", ("s", "gh ij kl mn op"), (), (Span("kl mn", 6),)),
    ]
    encoded = encode_examples(span, "train", examples, tokenizer, 32)
    theirs, ours = pair_of_networks(BertForQuestionAnswering, span)
    term, batch, sequences = our_loss(ours, encoded)
    inputs, real_BL = padded(batch)
    starts_B, ends_B = torch.from_numpy(encoded.windows.answers_N2).T
    plain = theirs(**inputs, start_positions=starts_B, end_positions=ends_B)
    read_BL = torch.zeros_like(real_BL)
    read_BL[real_BL] = torch.from_numpy(sequences.row_labels_T != -100)
    losses = [
        F.cross_entropy(logits_BL.masked_fill(~read_BL, -torch.inf), right_B)
        for logits_BL, right_B in ((plain.start_logits, starts_B), (plain.end_logits, ends_B))
    ]
    assert float(term.sum / term.count) == pytest.approx(float(sum(losses)) / 2, abs=1e-6)
    assert float(plain.loss) > float(term.sum / term.count)
