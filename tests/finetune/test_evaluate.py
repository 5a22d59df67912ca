import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from finetune.answering.dev_batches import dev_batches
from finetune.answering.predictions import Prediction, in_order, predict, write_predictions
from finetune.encoding.encode import encode_examples
from finetune.evaluate import TaskScores, evaluate_task, joint, score_task
from finetune.tasks.example import Example
from finetune.tasks.spec import TaskSpec
from tokenization.errors import DataError

WORDS = ("a", "bc", "def", "ghij")


class Oracle:
    """Logits that depend on the selected row and the length of its sequence alone, as a right encoder's would."""

    def __init__(self, outputs):
        self.outputs = outputs
        self.weights = torch.randn(64, outputs, generator=torch.Generator().manual_seed(1))

    def __call__(self, batch):
        (selection,) = batch.selections
        lengths = torch.repeat_interleave(batch.lengths_N, batch.lengths_N)
        rows = selection.rows_M
        return (self.weights[(batch.tokens_T[rows] * 7 + lengths[rows] + batch.positions_T[rows]) % 64],)


TAGS = ("B-PER", "I-PER", "O", "B-LOC")


@pytest.fixture(params=["single", "pair", "tagging"])
def encoded(request, tokenizer):
    """Twenty rows of a task of each kind, of many lengths."""
    spec = request.getfixturevalue(request.param)
    examples = [row_of(spec, number) for number in range(20)]
    return encode_examples(spec, "dev", examples, tokenizer, 32)


def row_of(spec, number):
    text = "x" * (1 + 5 * number % 13)
    if spec.kind == "classification":
        return Example(f"id{number}", (text,), (), spec.labels[number % 3 % 2])
    if spec.kind == "regression":
        return Example(f"id{number}", (text, "y z"), (), number % 6 * 0.9)
    most = 1 + number % 4
    return Example(f"id{number}", (), (*WORDS[:most], "z"), (*TAGS[:most], "O"))


def plain(predictions):
    return [(np.asarray(one.answer).tolist(), np.asarray(one.scores).tolist()) for one in predictions]


def told(predictions):
    return [one.answer for one in predictions]


def saying(answers, scores=None):
    """Predictions of these answers."""
    pairs = zip(answers, scores or [None] * len(answers), strict=True)
    return [Prediction(number, *pair) for number, pair in enumerate(pairs)]


def perfect(encoded):
    """A forward pass that knows the gold."""

    def forward(batch):
        whole = next(part for part in dev_batches(encoded, 10**6) if torch.equal(part.batch.tokens_T, batch.tokens_T))
        examples = np.repeat(encoded.example_N[whole.sequences_S], np.diff(whole.rows_S1)).tolist()
        words = [0] * len(examples) if encoded.word_T is None else encoded.word_T[whole.rows_M].tolist()
        values = [np.atleast_1d(encoded.gold[example])[word] for example, word in zip(examples, words, strict=True)]
        if encoded.spec.kind == "regression":
            return (torch.tensor(values)[:, None] / 5.0,)
        return (nn.functional.one_hot(torch.tensor(values), encoded.spec.outputs).float(),)

    return forward


def test_answers_and_scores_do_not_depend_on_the_token_budget(encoded):
    forward = Oracle(encoded.spec.outputs)
    longest = int(encoded.lengths_N.max())
    known, predictions = evaluate_task(forward, encoded, encoded.gold, longest)
    for budget in (longest + 1, 3 * longest, 10**6):
        scores, others = evaluate_task(forward, encoded, encoded.gold, budget)
        assert plain(others) == plain(predictions)
        assert scores == known


def test_the_right_answers_score_one_in_every_metric(encoded):
    scores, predictions = evaluate_task(perfect(encoded), encoded, encoded.gold, 10**6)
    answers, gold = (np.concatenate(list(map(np.atleast_1d, side))) for side in (told(predictions), encoded.gold))
    assert np.allclose(answers, gold)
    assert scores.metrics == pytest.approx(
        {name: 0.0 if name == "rmse" else 1.0 for name in encoded.spec.metrics}, abs=1e-6
    )
    assert scores.value > scores.majority


def test_a_head_that_starts_below_the_range_scores_nothing_and_predicts_its_low_end(pair, tokenizer, tmp_path):
    def below(batch):
        return (-torch.rand(len(batch.selections[0].rows_M), 1),)

    labelled = [Example(str(n), ("a", "b"), (), float(n)) for n in range(3)]
    encoded = encode_examples(pair, "dev", labelled, tokenizer, 16)
    assert evaluate_task(below, encoded, encoded.gold, 100)[0].metrics == {"pearson": 0.0, "rmse": (5 / 3) ** 0.5}

    hidden = encode_examples(pair, "test", [replace(row, label=None) for row in labelled], tokenizer, 16)
    predictions = in_order(predict(below, hidden, dev_batches(hidden, 100)), hidden)
    write_predictions(tmp_path / "test.jsonl", hidden, predictions)
    written = [json.loads(line)["label"] for line in (tmp_path / "test.jsonl").read_text().splitlines()]
    assert written == [0.0, 0.0, 0.0]


def test_hidden_labels_can_be_predicted_but_not_scored(single, tokenizer):
    hidden = encode_examples(single, "test", [Example("0", ("a",), (), None)], tokenizer, 16)
    predictions = in_order(predict(Oracle(2), hidden, dev_batches(hidden, 100)), hidden)
    with pytest.raises(DataError, match="'test' hides its labels"):
        score_task(hidden, predictions, (0, 1))


def test_a_limited_split_is_marked_as_reduced(single, tokenizer):
    examples = [Example("0", ("a",), (), "sad"), Example("1", ("a",), (), "glad")]
    for limited in (False, True):
        encoded = encode_examples(replace(single, limit={"dev": 2}), "dev", examples, tokenizer, 16, limited=limited)
        assert evaluate_task(Oracle(2), encoded, encoded.gold, 100)[0].reduced is limited


def test_a_split_with_fewer_rows_than_the_published_one_is_marked_as_reduced_but_not_for_rows_without_a_label(
    single, tokenizer
):
    examples = [Example("0", ("a",), (), "sad")]
    for official, dropped, reduced in ((2, 0, True), (2, 1, False), (1, 0, False)):
        spec = replace(single, rows={"dev": official})
        encoded = encode_examples(spec, "dev", examples, tokenizer, 16, dropped)
        assert evaluate_task(Oracle(2), encoded, encoded.gold, 100)[0].reduced is reduced


@pytest.fixture
def moods(single, tokenizer):
    """Three sad rows and a glad one."""
    spec = replace(single, metrics=("accuracy", "auc"))
    labels = ("sad", "sad", "sad", "glad")
    return encode_examples(spec, "dev", [Example(str(n), ("a",), (), labels[n]) for n in range(4)], tokenizer, 16)


SURE = [np.array(scores) for scores in ([0.9, 0.1], [0.4, 0.6], [0.8, 0.2], [0.7, 0.3])]


def test_the_score_without_leaked_rows_is_that_of_the_others_alone(moods):
    """Right are the first and the third. Without those two nothing is, and the positive one is scored the lower."""
    leaked = np.array([True, False, True, False])
    scores = score_task(moods, saying([0, 1, 0, 0], SURE), moods.gold, leaked)
    assert (scores.rows, scores.leaked) == (4, 2)
    assert scores.metrics == {"accuracy": 0.5, "auc": pytest.approx(2 / 3)}
    assert scores.without_leaks == {"accuracy": 0.0, "auc": 0.0}


@pytest.mark.parametrize("leaked", [None, np.zeros(4, dtype=np.bool_), np.ones(4, dtype=np.bool_)])
def test_where_no_row_or_every_row_is_leaked_there_is_no_score_without_them(moods, leaked):
    scores = score_task(moods, saying([0, 1, 0, 0], SURE), moods.gold, leaked)
    assert scores.leaked == (0 if leaked is None else leaked.sum())
    assert scores.without_leaks is None
    assert scores.metrics["accuracy"] == 0.5


def test_swapped_labels_are_told_with_the_scores(moods):
    assert score_task(moods, saying([0, 0, 0, 1], SURE), moods.gold).alarms == ()
    (alarm,) = score_task(moods, saying([1, 1, 1, 0], SURE), moods.gold).alarms
    assert "'sad' and 'glad'" in alarm


def test_the_baseline_of_a_ranking_ranks_as_many_candidates_as_each_example_has(tokenizer):
    """In train the second is right more often, so it comes first of two; a lone candidate does too."""
    spec = TaskSpec("where", "ranking", ("q", "s"), "right", {}, metrics=("mrr",), primary="mrr")
    texts = (("a", "b"), ("a", "c"))
    rows = [Example("0", (), (), 0, candidates=texts), Example("1", (), (), 0, candidates=texts[:1])]
    encoded = encode_examples(spec, "dev", rows, tokenizer, 16)
    scores = score_task(encoded, saying([0, 0], [np.array([0.6, 0.4]), np.array([1.0])]), (1, 1, 0))
    assert (scores.metrics, scores.majority) == ({"mrr": 1.0}, (1 / 2 + 1) / 2)


def test_the_joint_metric_is_the_mean_of_the_primaries():
    scores = [
        TaskScores("a", "classification", "dev", {"f1": 0.1, "accuracy": 0.5}, "accuracy", 0.4, 9, False),
        TaskScores("b", "regression", "dev", {"pearson": 0.7}, "pearson", 0.0, 9, False),
    ]
    assert joint(scores) == pytest.approx(0.6)
