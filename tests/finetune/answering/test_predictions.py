"""Answers of every kind of task. Oracles: one item at a time, brute force, and the gold itself."""

import itertools
import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from finetune.answering.answers import Partial
from finetune.answering.dev_batches import deal, dev_batch, dev_batches
from finetune.answering.one_to_one import one_to_one
from finetune.answering.predictions import in_order, predict, read_off, write_predictions
from finetune.answering.span_answers import best_span, over_windows
from finetune.encoding.encode import encode_examples
from finetune.tasks.example import Example, Span
from finetune.tasks.spec import KINDS
from model.config import EncoderConfig, HeadSpec
from model.network import Network
from tokenization.errors import RunError

WORDS = ("a", "bc", "def", "ghij")
TAGS = ("B-PER", "I-PER", "O", "B-LOC")
ROWS = 20
FIXTURE = {"classification": "single", "regression": "pair"}
READ_OFF = tuple(kind for kind in KINDS if kind != "generation")
"""Kinds that are answered by one forward pass; texts are written, tests/finetune/generation."""


def row_of(spec, number):
    text = "x" * (1 + 5 * number % 13)
    identity = f"id{number}"
    match spec.kind:
        case "classification":
            return Example(identity, (text,), (), spec.labels[number % 3 % 2])
        case "multilabel":
            return Example(identity, (text,), (), spec.labels[: number % 4])
        case "regression":
            return Example(identity, (text, "y z"), (), number % 6 * 0.9)
        case "tagging":
            most = 1 + number % 4
            return Example(identity, (), (*WORDS[:most], "z"), (*TAGS[:most], "O"))
        case "span":
            start = 3 * (number % 7)
            context = " ".join("abcdefghij"[k : k + 2] for k in range(9)) + text
            return Example(identity, ("q" * (1 + number % 3), context), (), (Span(context[start : start + 5], start),))
        case _:
            rows = tuple((text, "yz"[: k % 3] + "w") for k in range(2 + number % 3))
            return Example(identity, (), (), number % 3 % len(rows), rows, f"g{number // 4}" if number < 8 else "")


@pytest.fixture(params=READ_OFF)
def encoded(request, tokenizer):
    """Twenty rows of a task of each kind, of many lengths."""
    spec = request.getfixturevalue(FIXTURE.get(request.param, request.param))
    return encode_examples(spec, "dev", [row_of(spec, number) for number in range(ROWS)], tokenizer, 20)


def network_for(spec):
    """A small network with large random weights, so that no two answers are nearly alike."""
    torch.manual_seed(3)
    config = EncoderConfig(57, layers=2, hidden=16, heads=2, feed_forward=32, positions=32, initializer_range=0.5)
    return Network(config, [HeadSpec(spec.name, spec.kind, spec.outputs)], seed=4).eval()


def items_of(encoded):
    return len(encoded.items_I1) - 1


def assert_alike(found, known):
    """Identical answers, scores to 1e-5."""
    for one, other in zip(found, known, strict=True):
        assert one.example == other.example
        if isinstance(one.answer, float):
            assert one.answer == pytest.approx(other.answer, abs=1e-5)
        else:
            assert np.array_equal(one.answer, other.answer)
        assert (one.scores is None) == (other.scores is None)
        if one.scores is not None:
            assert np.allclose(one.scores, other.scores, rtol=0, atol=1e-5)


def gold_logits(encoded, batch):
    """Logits of whoever knows the right answers."""
    spec, rows = encoded.spec, len(batch.rows_M)
    everything = np.arange(items_of(encoded))
    taken = encoded.take(everything, everything)
    if spec.kind in ("tagging", "span"):
        labels_M = torch.from_numpy(taken.row_labels_T[batch.rows_M])
        if spec.kind == "span":
            return torch.stack([labels_M & 1, labels_M & 2], dim=1).bool() * 9.0
        return nn.functional.one_hot(labels_M, spec.outputs) * 9.0
    labels_M = torch.from_numpy(taken.labels_N[batch.sequences_S])
    if spec.kind == "classification":
        return nn.functional.one_hot(labels_M, spec.outputs) * 9.0
    return labels_M.view(rows, -1) / 5.0 if spec.kind == "regression" else labels_M.view(rows, -1) - 0.5


def test_one_item_at_a_time_64_of_them_and_any_order_give_the_same_answers(encoded):
    network = network_for(encoded.spec)
    everything = np.arange(items_of(encoded))
    known = in_order(
        predict(network, encoded, [dev_batch(encoded, everything[i : i + 1]) for i in everything]), encoded
    )
    mixed = np.random.default_rng(5).permutation(everything)
    for size in (3, 64):
        batches = [dev_batch(encoded, mixed[start : start + size]) for start in range(0, len(mixed), size)]
        assert_alike(in_order(predict(network, encoded, batches), encoded), known)
    assert_alike(in_order(predict(network, encoded, dev_batches(encoded, 100)), encoded), known)
    assert len({str((np.asarray(one.answer).tolist(), one.scores)) for one in known}) > 1


def test_the_right_answers_are_read_off_their_own_logits(encoded):
    for batch in dev_batches(encoded, 200):
        partials = read_off(encoded, batch, gold_logits(encoded, batch))
        assert len(partials) == len(
            np.unique(batch.sequences_S if encoded.windows else encoded.example_N[batch.sequences_S])
        )
    answers = in_order(
        (part for batch in dev_batches(encoded, 200) for part in read_off(encoded, batch, gold_logits(encoded, batch))),
        encoded,
    )
    for one, right in zip(answers, encoded.gold, strict=True):
        if encoded.spec.kind == "span":
            assert one.answer in right
        elif encoded.rivals_E[one.example] == -1:
            assert np.allclose(one.answer, right)


def test_every_item_is_in_one_batch_within_the_budget_whole_and_nothing_is_labelled(encoded):
    budget = 80
    batches = dev_batches(encoded, budget)
    assert sorted(np.concatenate([part.sequences_S for part in batches]).tolist()) == list(
        range(len(encoded.lengths_N))
    )
    for part in batches:
        (selection,) = part.batch.selections
        assert len(part.batch.tokens_T) <= budget
        assert selection.count == 0
        assert (selection.head, selection.stream) == (encoded.spec.name,) * 2
        assert np.array_equal(part.batch.tokens_T[selection.rows_M].numpy(), encoded.tokens_T[part.rows_M])
        examples = encoded.example_N[part.sequences_S]
        if encoded.windows is None:
            wanted = np.bincount(encoded.example_N)[np.unique(examples)]
            assert np.array_equal(np.bincount(examples)[np.unique(examples)], wanted)


def test_ranks_run_equally_many_batches_and_together_answer_everything_once(encoded):
    network = network_for(encoded.spec)
    batches = dev_batches(encoded, 80)
    known = in_order(predict(network, encoded, batches), encoded)
    for world in (2, 3, 4, len(batches) + 1):
        shares = [deal(batches, rank, world) for rank in range(world)]
        assert len({len(share) for share in shares}) == 1
        gathered = [partial for share in reversed(shares) for partial in predict(network, encoded, share)]
        assert len(gathered) >= items_of(encoded)
        assert_alike(in_order(gathered, encoded), known)


def test_a_missing_answer_is_noticed(encoded):
    partials = predict(network_for(encoded.spec), encoded, dev_batches(encoded, 10**4))
    with pytest.raises(ValueError, match=f"{len(partials) - 1} of {len(partials)} items were answered"):
        in_order([*partials[1:], partials[1]], encoded)


def test_probabilities_stand_beside_classes_and_candidates(encoded):
    answers = in_order(predict(network_for(encoded.spec), encoded, dev_batches(encoded, 10**4)), encoded)
    kind = encoded.spec.kind
    for one in answers:
        if kind in ("regression", "tagging"):
            assert one.scores is None
        elif kind == "span":
            assert one.scores.shape == (1,)
        elif kind == "multilabel":
            assert np.array_equal(one.answer, one.scores > 0.5)
        else:
            assert one.scores.sum() == pytest.approx(1.0)
            assert encoded.rivals_E[one.example] != -1 or one.answer == one.scores.argmax()


def test_of_equal_scores_the_lowest_index_is_the_answer(encoded):
    (batch,) = dev_batches(encoded, 10**4)
    answers = in_order(read_off(encoded, batch, torch.zeros(len(batch.rows_M), encoded.spec.outputs)), encoded)
    free = [one.answer for one in answers if encoded.rivals_E[one.example] == -1]
    if encoded.spec.kind == "span":
        assert set(free) == {"a"}
    else:
        assert not np.concatenate([np.atleast_1d(answer) for answer in free]).any()


def test_candidates_of_one_text_tie_whatever_the_rounding(choice, tokenizer):
    rows = (("a", "y"), ("a", "x"), ("a", "x"))
    encoded = encode_examples(choice, "dev", [Example("0", (), (), 1, rows)], tokenizer, 16)
    (batch,) = dev_batches(encoded, 100)
    for more in (-1e-7, 0.0, 1e-7):
        assert read_off(encoded, batch, torch.tensor([[0.0], [1.0], [1.0 + more]]))[0].answer == 1


def test_a_score_cannot_leave_the_task_s_range(pair, tokenizer):
    encoded = encode_examples(pair, "dev", [Example(str(n), ("a", "b"), (), 1.0) for n in range(3)], tokenizer, 16)
    (part,) = dev_batches(encoded, 100)
    answers = in_order(read_off(encoded, part, torch.tensor([[-0.2], [0.5], [1.3]])), encoded)
    assert [one.answer for one in answers] == [0.0, 2.5, 5.0]


def test_words_that_were_cut_off_are_answered_as_outside(tagging, tokenizer):
    examples = [Example("0", (), ("a", "bcd", "e"), ("B-PER", "B-LOC", "B-PER"))]
    encoded = encode_examples(tagging, "dev", examples, tokenizer, 5)
    (part,) = dev_batches(encoded, 100)
    (one,) = in_order(read_off(encoded, part, gold_logits(encoded, part)), encoded)
    assert one.answer.tolist() == [1, 3, 0]


@pytest.mark.parametrize("tokens", [1, 2, 5, 12])
@pytest.mark.parametrize("longest", [1, 3, 30])
def test_the_best_span_is_that_of_brute_force(tokens, longest):
    generator = np.random.default_rng(tokens)
    for _ in range(20):
        starts, ends = generator.integers(0, 4, (2, tokens)).astype(np.float64)  # with many ties
        spans = [(i, j) for i in range(tokens) for j in range(i, min(tokens, i + longest))]
        known = max(spans, key=lambda span: (starts[span[0]] + ends[span[1]], -span[0], -span[1]))
        assert best_span(starts, ends, longest) == (*known, starts[known[0]] + ends[known[1]])


def test_a_question_is_answered_by_its_best_window_against_the_lowest_score_of_no_answer():
    scores_W2 = np.array([[3.0, 9.0], [5.0, 8.0], [5.0, 7.0]])
    texts = ("one", "two", "three")
    assert over_windows(texts, scores_W2, unanswerable=True) == ("", 5.0 - 7.0)
    assert over_windows(texts, scores_W2, unanswerable=False) == ("two", 5.0 - 7.0)
    assert over_windows(texts, scores_W2 - [0, 2], unanswerable=True) == ("two", 0.0)


def test_the_margin_of_a_text_without_tokens_is_a_number():
    margin = over_windows(("",), np.array([[float(np.finfo(np.float32).min), 4.0]]), unanswerable=False)[1]
    assert math.isfinite(margin)


def test_each_idiom_goes_into_one_blank_so_that_the_whole_is_likeliest():
    generator = np.random.default_rng(7)
    for _ in range(20):
        scores = generator.dirichlet(np.ones(5), size=4)
        known = max(itertools.permutations(range(5), 4), key=lambda row: math.prod(scores[range(4), row]))
        assert one_to_one(scores).tolist() == list(known)


def test_more_blanks_than_idioms_keep_each_its_own_best():
    scores = np.array([[0.4, 0.6], [0.1, 0.9], [1.0, 0.0]])
    assert one_to_one(scores).tolist() == [1, 1, 0]


def test_an_idiom_that_is_surely_wrong_can_still_be_left_over():
    assert one_to_one(np.array([[1.0, 0.0], [1.0, 0.0]])).tolist() in ([0, 1], [1, 0])


def test_rivals_take_different_candidates_and_strangers_need_not(choice, tokenizer):
    def blank(text, group):
        return Example(text, (), (), 0, (("x", text), ("y", text)), group)

    encoded = encode_examples(
        choice, "dev", [blank("a", "p"), blank("b", "p"), blank("c", ""), blank("d", "q")], tokenizer, 16
    )
    scores = [(0.9, 0.1), (0.6, 0.4), (0.6, 0.4), (0.7, 0.3)]
    partials = [Partial(2 * n, int(np.argmax(pair)), np.array(pair)) for n, pair in enumerate(scores)]
    assert [one.answer for one in in_order(partials, encoded)] == [0, 1, 0, 0]


def test_predictions_are_written_by_name_in_the_order_of_the_file(encoded, tmp_path):
    path = tmp_path / "predictions.jsonl"
    answers = in_order(predict(network_for(encoded.spec), encoded, dev_batches(encoded, 100)), encoded)
    write_predictions(path, encoded, answers)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["id"] for row in rows] == [f"id{number}" for number in range(ROWS)]
    for row, one in zip(rows, answers, strict=True):
        labels = encoded.spec.labels
        match encoded.spec.kind:
            case "classification":
                assert labels.index(row["label"]) == one.answer
            case "multilabel":
                assert row["label"] == [labels[c] for c in np.flatnonzero(one.answer)]
            case "tagging":
                assert [labels.index(tag) for tag in row["label"]] == one.answer.tolist()
            case _:
                assert row["label"] == one.answer
        assert ("scores" in row) == (one.scores is not None)
        if one.scores is not None:
            assert row["scores"] == pytest.approx(one.scores, abs=1e-6)


def test_hidden_labels_change_no_answer(encoded, tokenizer):
    spec = encoded.spec
    hidden = [replace(row_of(spec, number), label=None) for number in range(ROWS)]
    test = encode_examples(spec, "test", hidden, tokenizer, 20)
    assert test.gold is None
    known, found = (
        in_order(predict(network_for(spec), split, dev_batches(split, 100)), split) for split in (encoded, test)
    )
    assert_alike(found, known)


def test_no_gradient_is_kept_and_training_mode_is_refused(encoded):
    class Module(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network_for(encoded.spec)

        def forward(self, batch):
            assert not torch.is_grad_enabled()
            return self.network(batch)

    batches = dev_batches(encoded, 100)
    with pytest.raises(ValueError, match="eval mode"):
        predict(Module(), encoded, batches)
    assert len(predict(Module().eval(), encoded, batches)) == items_of(encoded)


def test_answers_that_are_no_numbers_stop_the_evaluation(encoded):
    with pytest.raises(RunError, match="not finite"):
        predict(lambda batch: (torch.full((1, 1), torch.nan),), encoded, dev_batches(encoded, 100))


def test_an_item_larger_than_the_budget_is_answered_in_a_batch_of_its_own(encoded):
    budget = int(encoded.lengths_I.max()) - 1
    batches = dev_batches(encoded, budget)
    sizes = [len(part.batch.tokens_T) for part in batches]
    assert sorted(size for size in sizes if size > budget) == sorted(encoded.lengths_I[encoded.lengths_I > budget])
    network = network_for(encoded.spec)
    known = in_order(predict(network, encoded, dev_batches(encoded, 10**4)), encoded)
    assert_alike(in_order(predict(network, encoded, batches), encoded), known)
