"""The loader's arms do the same work: the same real tokens, masked at the same rate, with every way to keep a pair."""

import numpy as np
import pytest

from benchmarks.loader_arms import CANDIDATES, OurArm, PeerArm, PeerFlags
from pretrain.masked_lm import MaskedLM
from pretrain.next_sentence import NextSentence
from pretrain.pairs import PairSource
from tokenization.spec import CorpusSpec
from tokenization.store import open_or_build_corpus
from tokenization.tokenizer_files import SPECIALS, bert_tokenizer
from tokenization.vocabulary import Tokenizer
from training.address import key_of
from training.mixture import Mixture, Stream

KEY = key_of("loader")
LENGTH = 24


@pytest.fixture(scope="module")
def tokenizer():
    tokens = [*SPECIALS, *(f"w{number}" for number in range(50))]
    return Tokenizer(bert_tokenizer({token: number for number, token in enumerate(tokens)}, lowercase=True))


@pytest.fixture(scope="module")
def mixture(tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("loader")
    luck = np.random.default_rng(0)
    lines = [[" ".join(f"w{n}" for n in luck.integers(0, 50, 9)) for _ in range(4)] for _ in range(60)]
    (folder / "c.txt").write_text("\n\n".join("\n".join(document) for document in lines), encoding="utf-8")
    corpus = open_or_build_corpus(CorpusSpec("c", (folder / "c.txt",)), tokenizer, folder)
    objectives = (MaskedLM(tokenizer.mask, tokenizer.ordinary_ids), NextSentence())
    stream = Stream("pairs", PairSource(corpus, tokenizer, LENGTH), objectives, 16, None, False, KEY)
    return Mixture((stream,), "every", KEY)


def test_our_arm_counts_the_tokens_of_its_steps_and_masks_its_rate(mixture):
    arm = OurArm("ours", mixture, budget=256, steps=5)
    stream = mixture.streams[0]
    for block in range(2):
        draws = np.arange(80) + 80 * block
        assert arm.run_block() == stream.source.lengths(draws, KEY).sum()
        assert arm.masked == pytest.approx(0.15 * 21 / 24, abs=0.02)


@pytest.mark.parametrize(("rows", "padding"), sorted({(flags.rows, flags.padding) for flags in CANDIDATES}))
def test_the_peers_arm_counts_real_tokens_only_and_masks_its_rate(mixture, tokenizer, tmp_path, rows, padding):
    tokenizer.save(tmp_path)
    pairs = mixture.streams[0].source.draw(np.arange(100), KEY)
    epoch = int(pairs.lengths_N.sum())
    arm = PeerArm(PeerFlags(rows, padding, 32), pairs, LENGTH, tmp_path, tokens=3 * epoch)
    assert arm.run_block() == 3 * epoch
    ordinary = pairs.maskable_T.sum() / epoch
    assert abs(arm.masked - 0.15 * ordinary) < 5 * np.sqrt(0.15 * 0.85 / (3 * epoch))
