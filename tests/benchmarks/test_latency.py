"""The latency arms do the same work on the same ids; their numbers are the stated quantiles."""

import json
import sys
from contextlib import contextmanager
from unittest.mock import patch

import pytest

from benchmarks import latency
from benchmarks.latency import _few, summary, timed
from benchmarks.latency_arms import ONE, OurRanking, OurSentence, PeerSentence, model_of
from finetune.tasks.table import TASKS
from model.config import EncoderConfig
from model.encoder import Encoder
from tokenization.errors import DataError
from tokenization.tokenizer_files import SPECIALS, bert_tokenizer
from tokenization.vocabulary import Tokenizer

WORDS = "天地玄黄宇宙洪荒日月盈昃辰宿列张"
TEXTS = ["天地玄黄", "宇宙洪荒", "日月盈昃辰宿列张"]


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer(bert_tokenizer({token: i for i, token in enumerate([*SPECIALS, *WORDS])}, lowercase=True))


@pytest.fixture
def config(tokenizer):
    return EncoderConfig(tokenizer.size, layers=2, hidden=16, heads=2, feed_forward=32, positions=128)


@contextmanager
def encoded_batches():
    """The batches that go through the encoder."""
    read, forward = [], Encoder.forward

    def noting(self, batch, *more, **named):
        read.append(batch)
        return forward(self, batch, *more, **named)

    with patch.object(Encoder, "forward", noting):
        yield read


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_ours_and_the_peer_read_the_same_ids_and_answer_one_of_the_tasks_classes(config, tokenizer):
    ours, peer = OurSentence(model_of(config, tokenizer, few_rows=True)), PeerSentence(config, tokenizer, "eager")
    with encoded_batches() as read:
        for text in TEXTS:
            assert ours.answer(text) in TASKS[ONE].labels
            assert peer.answer(text) in TASKS[ONE].labels
    assert [batch.tokens_T.tolist() for batch in read] == [peer.tokenizer(text)["input_ids"] for text in TEXTS]


def test_arms_are_named_by_how_they_open_the_model_unpacked_without_a_word_as_predict_does(config, tokenizer):
    packed, plain = (model_of(config, tokenizer, few_rows) for few_rows in (True, False))
    assert OurSentence(plain).name == "ours, one sentence"
    assert OurSentence(packed).name == "ours, one sentence, packed" or not packed.packed


def test_a_query_is_encoded_alone_and_its_candidates_never_again(config, tokenizer):
    arm = OurRanking(model_of(config, tokenizer, few_rows=True), TEXTS)
    with encoded_batches() as read:
        ranked = arm.answer("天地")
    assert [batch.tokens_T.tolist() for batch in read] == [
        [tokenizer.cls, len(SPECIALS), len(SPECIALS) + 1, tokenizer.sep]
    ]
    assert sorted(one.candidate for one in ranked) == [0, 1, 2]


def test_median_and_90th_percentile_by_hand():
    calls = [(float(ms), float(ms) / 2) for ms in (50, 10, 30, 20, 40, 60, 80, 70, 90, 100, 110)]
    assert summary(calls) == {"median": 60.0, "p90": 100.0, "processor_median": 30.0}


def test_every_arm_answers_every_text_in_turn():
    diary = []

    class Noting:
        def __init__(self, name):
            self.name = name

        def answer(self, text):
            diary.append((text, self.name))

    times = timed([Noting("a"), Noting("b")], ["x", "y"])
    assert diary == [("x", "a"), ("x", "b"), ("y", "a"), ("y", "b")]
    assert {name: len(calls) for name, calls in times.items()} == {"a": 2, "b": 2}
    assert all(clock >= 0 and processor >= 0 for calls in times.values() for clock, processor in calls)


def test_more_sentences_than_there_are_is_told_with_how_many_there_are():
    texts = dict.fromkeys(["天" * length for length in range(18, 33)])
    assert [len(text) for text in _few(texts, 11)] == list(range(20, 31))
    with pytest.raises(DataError, match=r"has 11 different sentences of 20 to 30 characters.* need 12: ask for fewer"):
        _few(texts, 12)


@pytest.mark.data
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_command_writes_every_arm_with_its_goal_and_the_sentences_lengths(tmp_path, data_folder, monkeypatch):
    out = tmp_path / "latency.json"
    words = ["--blocks", "2", "--layers", "1", "--hidden", "64", "--candidates", "3", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["latency", *words, "--data", str(data_folder), "--note", "a small one"])
    monkeypatch.setattr(latency.os, "sched_setaffinity", lambda *_: None)  # it would hold for the tests that follow
    monkeypatch.setattr(latency.torch, "set_num_threads", lambda *_: None)
    latency.main()
    found = json.loads(out.read_text(encoding="utf-8"))
    assert len(found["arms"]) == 5
    assert found["best_peer"] in found["arms"]
    assert found["goal"] == 100
    assert found["note"] == "a small one"
    assert 20 <= found["characters"][0] <= found["characters"][1] <= 30
