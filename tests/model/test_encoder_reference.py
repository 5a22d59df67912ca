"""The encoder and its heads against transformers' BertForPreTraining: same weights, ragged batch, no dropout.

Shape letters: T tokens, B sequences, L longest, M rows.
"""

import pytest
import torch
import torch.nn.functional as F
from transformers import BertConfig, BertForPreTraining

from model.config import HeadSpec
from model.network import Network
from model.public import read_public
from model.public_load import load_into
from model.public_names import PublicHeads, join, table

LENGTHS = (7, 1, 32, 19, 20)
MASKED = (1, 3, 8, 20, 39, 40, 70)
FIRST = (0, 7, 8, 40, 59)


@pytest.fixture
def reference(config):
    torch.manual_seed(0)
    theirs = BertForPreTraining(
        BertConfig(
            vocab_size=config.vocab_size, num_hidden_layers=config.layers, hidden_size=config.hidden,
            num_attention_heads=config.heads, intermediate_size=config.feed_forward,
            max_position_embeddings=config.positions, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
            attn_implementation="eager",
        )
    )  # fmt: skip
    with torch.no_grad():  # biases and LayerNorms away from 0 and 1, so that none of them can be mixed up
        for parameter in theirs.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return theirs


@pytest.fixture
def network(reference, config, tmp_path):
    reference.save_pretrained(tmp_path)
    ours = Network(config, [HeadSpec("mlm", "mlm", config.vocab_size), HeadSpec("pair", "pair", 2)])
    report = load_into(ours, read_public(tmp_path))
    assert not report.new
    assert not report.dropped
    return ours


def padded(batch):
    """The flat batch as transformers wants it, and the place of each token in it."""
    lengths_B = batch.lengths_N
    real_BL = torch.arange(int(lengths_B.max())) < lengths_B[:, None]
    tokens_BL, segments_BL = torch.zeros_like(real_BL, dtype=torch.int64), torch.zeros_like(real_BL, dtype=torch.int64)
    tokens_BL[real_BL], segments_BL[real_BL] = batch.tokens_T, batch.segments_T
    inputs = {"input_ids": tokens_BL, "token_type_ids": segments_BL, "attention_mask": real_BL.long()}
    return inputs, real_BL


def test_hidden_states_and_both_heads_logits_equal_transformers_to_1e_5(reference, network, ragged, select):
    batch = ragged(LENGTHS, (select("mlm", MASKED), select("pair", FIRST)))
    inputs, real_BL = padded(batch)
    theirs = reference.eval()(**inputs, output_hidden_states=True)
    network.eval()
    mlm, pair = network(batch)
    hidden_TD = network.encoder(batch, network._implementation(torch.device("cpu")))
    assert (hidden_TD - theirs.hidden_states[-1][real_BL]).abs().max() <= 1e-5
    assert (mlm - theirs.prediction_logits[real_BL][list(MASKED)]).abs().max() <= 1e-5
    assert (pair - theirs.seq_relationship_logits).abs().max() <= 1e-5


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
def test_gradients_equal_transformers_relative_to_the_global_norm(reference, network, ragged, select, dtype, tolerance):
    batch = ragged(LENGTHS, (select("mlm", MASKED), select("pair", FIRST)))
    inputs, real_BL = padded(batch)
    labels_M = torch.arange(len(MASKED)) * 5
    pairs_B = torch.tensor([0, 1, 1, 0, 1])
    reference.to(dtype).train()
    network.to(dtype).train()

    answer = reference(**inputs)
    theirs = F.cross_entropy(answer.prediction_logits[real_BL][list(MASKED)], labels_M)
    (theirs + F.cross_entropy(answer.seq_relationship_logits, pairs_B)).backward()
    mlm, pair = network(batch)
    (F.cross_entropy(mlm, labels_M) + F.cross_entropy(pair, pairs_B)).backward()

    wanted = {name.removeprefix("bert."): p.grad for name, p in reference.named_parameters()}
    found = {name: p.grad for name, p in network.named_parameters()}
    rows = [(found[ours], join([wanted[name] for name in public], ours))
            for ours, public in table(network.config.layers, PublicHeads("mlm", "pair"))]  # fmt: skip
    assert len(rows) == len(found)
    difference = torch.stack([(mine - other).norm() for mine, other in rows]).norm()
    assert difference <= tolerance * torch.stack([other.norm() for _, other in rows]).norm()
