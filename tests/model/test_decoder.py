"""The decoder: equal to torch's, blind to what comes after, and reading no sequence but its own.

Shape letters: T, U tokens, X rows read, M rows asked for, J targets, D width, V vocabulary.
"""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from model.attention import ProductsAttention, SdpaAttention
from model.batch import Targets
from model.config import EncoderConfig, HeadSpec
from model.decoder import Decoder
from model.design import HeadDesign
from model.memory import memory_of
from model.network import Network
from model.public import of_network, read_public, write_public
from model.public_extend import with_new_rows
from model.public_load import load_into

HEADS = (HeadSpec("mlm", "mlm", 61), HeadSpec("decoder", "decoder", 61, HeadDesign(depth=3)))
LENGTHS = (7, 4, 9, 5)


@pytest.fixture
def network(config):
    """With matrices large enough that every part of a logit shows in the fifth decimal."""
    return Network(replace(config, initializer_range=0.2), HEADS, "padded", seed=3)


def targets_of(lengths, memory, seed=0):
    generator = torch.Generator().manual_seed(seed)
    tokens_U = torch.randint(1, 61, (sum(lengths),), generator=generator)
    positions = [torch.arange(length) for length in lengths]
    offsets_J1 = torch.tensor([0, *lengths]).cumsum(0)
    return Targets(tokens_U, torch.cat([tokens_U[:0], *positions]), offsets_J1, torch.tensor(memory, dtype=torch.int64))


@pytest.fixture
def batch(ragged, select):
    """Four sources; targets of the third, the first, and again the third; the second and last stand alone."""
    flat = ragged(LENGTHS, [select("mlm", [1, 8]), select("decoder", range(11))])
    return replace(flat, targets=targets_of([5, 2, 4], [2, 0, 2]))


def torch_decoder(network):
    """torch's own decoder with the weights of ours."""
    config, ours = network.config, network.heads["decoder"]
    layer = nn.TransformerDecoderLayer(
        config.hidden, config.heads, config.feed_forward, 0.0, "gelu", config.layer_norm_eps, batch_first=True
    )
    theirs = nn.TransformerDecoder(layer, len(ours.blocks))
    for block, other in zip(ours.blocks, theirs.layers, strict=True):
        for name, value in weights_of(block).items():
            other.get_parameter(name).data.copy_(value)
    return theirs


def weights_of(block, part=lambda parameter: parameter):
    """A block of ours by torch's names: its weights, or what `part` gives of them."""
    pairs = {
        "self_attn.in_proj_": [block.attention.qkv],
        "self_attn.out_proj.": [block.attention.out],
        "multihead_attn.in_proj_": [block.cross.query, block.cross.memory],
        "multihead_attn.out_proj.": [block.cross.out],
        "linear1.": [block.feed_forward.up],
        "linear2.": [block.feed_forward.down],
        "norm1.": [block.attention_norm],
        "norm2.": [block.cross_norm],
        "norm3.": [block.feed_forward_norm],
    }
    return {
        name + kind: torch.cat([part(module.get_parameter(kind)) for module in modules])
        for name, modules in pairs.items()
        for kind in ("weight", "bias")
    }


def reference(network, theirs, batch):
    """The logits of all target tokens, one target after the other, by torch's decoder."""
    ours, targets = network.heads["decoder"], batch.targets
    hidden_TD = network.encoder(batch, ProductsAttention())
    found = []
    for j, memory in enumerate(targets.memory_J.tolist()):
        here = slice(*targets.offsets_J1[j : j + 2].tolist())
        memory_SD = hidden_TD[slice(*batch.offsets_N1[memory : memory + 2].tolist())]
        words_QD = F.embedding(targets.tokens_U[here], network.encoder.embeddings.word.weight)
        input_QD = ours.norm(words_QD + ours.position(targets.positions_U[here]))
        mask_QQ = nn.Transformer.generate_square_subsequent_mask(len(input_QD))
        found.append(theirs(input_QD[None], memory_SD[None], tgt_mask=mask_QQ)[0])
    return torch.cat(found) @ network.encoder.embeddings.word.weight.T


def test_logits_are_those_of_torch_s_decoder_with_the_same_weights(network, batch):
    ours_UV = network(batch)[1]
    theirs_UV = reference(network, torch_decoder(network), batch)
    assert ours_UV.std() > 0.3
    torch.testing.assert_close(ours_UV, theirs_UV, atol=1e-5, rtol=1e-5)


def test_gradients_are_those_of_torch_s_decoder_also_in_the_encoder_and_the_shared_embedding(network, batch):
    theirs = torch_decoder(network)
    labels_U = torch.arange(11)
    shared = [network.encoder.embeddings.word.weight, network.encoder.blocks[0].attention.qkv.weight]
    F.cross_entropy(network(batch)[1], labels_U).backward()
    ours = [parameter.grad.clone() for parameter in shared]
    blocks = [weights_of(block, lambda parameter: parameter.grad.clone()) for block in network.heads["decoder"].blocks]
    network.zero_grad()
    F.cross_entropy(reference(network, theirs, batch), labels_U).backward()
    torch.testing.assert_close(ours, [parameter.grad for parameter in shared], atol=1e-5, rtol=1e-4)
    for block, other in zip(blocks, theirs.layers, strict=True):
        for name, grad in block.items():
            torch.testing.assert_close(grad, other.get_parameter(name).grad, atol=1e-5, rtol=1e-4, msg=name)


def test_no_logit_before_a_target_token_changes_with_it_and_those_from_it_on_do(network, batch):
    before_UV = network(batch)[1]
    tokens_U = batch.targets.tokens_U.clone()
    tokens_U[3] = tokens_U[3] % 60 + 1
    after_UV = network(replace(batch, targets=replace(batch.targets, tokens_U=tokens_U)))[1]
    changed_U = (before_UV != after_UV).any(dim=1)
    assert changed_U.tolist() == [False] * 3 + [True] * 2 + [False] * 6


def test_a_target_reads_the_whole_of_its_own_source_and_nothing_of_another(network, batch):
    before_UV = network(batch)[1]
    for source, readers in ((0, [1]), (1, []), (2, [0, 2]), (3, [])):
        tokens_T = batch.tokens_T.clone()
        tokens_T[batch.offsets_N1[source + 1] - 1] = 60
        after_UV = network(replace(batch, tokens_T=tokens_T))[1]
        changed_U = (before_UV != after_UV).any(dim=1)
        parts = changed_U.split([5, 2, 4])
        assert [bool(part.all()) for part in parts] == [j in readers for j in range(3)], source
        assert [bool(part.any()) for part in parts] == [j in readers for j in range(3)], source


def test_the_order_of_the_targets_is_the_order_of_their_logits_and_nothing_else(network, batch):
    first_UV = network(batch)[1].split([5, 2, 4])
    tokens = batch.targets.tokens_U.split([5, 2, 4])
    turned = targets_of([4, 5, 2], [2, 2, 0])
    turned = replace(turned, tokens_U=torch.cat([tokens[2], tokens[0], tokens[1]]))
    again_UV = network(replace(batch, targets=turned))[1]
    torch.testing.assert_close(again_UV, torch.cat([first_UV[2], first_UV[0], first_UV[1]]), atol=2e-6, rtol=1e-5)


def test_only_the_rows_that_are_asked_for_are_answered(network, batch, select):
    whole_UV = network(batch)[1]
    asked = replace(batch, selections=(select("mlm", [1]), select("decoder", [10, 2])))
    torch.testing.assert_close(network(asked)[1], whole_UV[[10, 2]])


def test_a_position_is_what_the_target_says_and_not_its_place(network, batch):
    moved = replace(batch.targets, positions_U=batch.targets.positions_U + 6)
    assert not torch.allclose(network(replace(batch, targets=moved))[1], network(batch)[1], atol=1e-2)


def test_both_spellings_of_the_padded_attention_agree_under_it(network, batch):
    decoder, memory_rows = network.heads["decoder"], network.encoder(batch, ProductsAttention())
    memory = memory_of(batch)
    logits = [
        decoder(batch.targets, memory_rows[memory.rows_X], memory, torch.arange(11), attention)
        for attention in (ProductsAttention(), SdpaAttention())
    ]
    torch.testing.assert_close(*logits, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("targets", [None, ([], []), ([0, 0], [1, 2])], ids=["none", "no sequence", "no token"])
def test_without_a_target_every_parameter_still_has_a_gradient_of_zero(network, ragged, select, targets):
    """ZeRO waits for each of them."""
    flat = ragged(LENGTHS, [select("mlm", []), select("decoder", [])])
    flat = replace(flat, targets=None if targets is None else targets_of(*targets))
    mlm_MV, decoder_MV = network.train()(flat)
    assert decoder_MV.shape == (0, 61)
    (mlm_MV.sum() + decoder_MV.sum()).backward()
    for name, parameter in network.heads["decoder"].named_parameters():
        assert parameter.grad is not None, name
        assert not parameter.grad.any(), name


def test_a_target_without_tokens_beside_others_changes_none_of_their_logits(network, batch):
    one = replace(batch, targets=replace(targets_of([5, 0, 2, 4], [2, 1, 0, 2]), tokens_U=batch.targets.tokens_U))
    torch.testing.assert_close(network(one)[1], network(batch)[1], atol=1e-6, rtol=1e-6)


def test_the_embedding_is_one_parameter_of_encoder_masked_lm_and_decoder(network):
    word = network.encoder.embeddings.word.weight
    assert network.heads["decoder"].word is word
    assert network.heads["mlm"].decoder is word
    names = [name for group in network.groups() for name, _ in group.parameters]
    assert len(names) == len(set(names))
    assert "heads.decoder.word" not in names


def test_depth_is_the_number_of_its_blocks(config):
    word = nn.Parameter(torch.zeros(61, 24))
    assert [len(Decoder(config, depth, word).blocks) for depth in (1, 4)] == [1, 4]


def test_under_pre_norm_it_sees_no_later_token_and_ends_in_a_layer_norm(batch):
    config = EncoderConfig(61, 2, 24, 4, 40, 32, dropout=0.0, norm="pre", initializer_range=0.2)
    network = Network(config, HEADS, "padded", seed=3)
    before_UV = network(batch)[1]
    tokens_U = batch.targets.tokens_U.clone()
    tokens_U[3] = tokens_U[3] % 60 + 1
    after_UV = network(replace(batch, targets=replace(batch.targets, tokens_U=tokens_U)))[1]
    assert (before_UV != after_UV).any(dim=1).tolist() == [False] * 3 + [True] * 2 + [False] * 6
    assert network.heads["decoder"].final_norm is not None


def test_it_is_written_beside_the_public_model_and_read_again_bit_for_bit(network, batch, tmp_path):
    write_public(of_network(network), tmp_path)
    stored = read_public(tmp_path)
    assert stored.heads == HEADS
    again = Network(network.config, HEADS, "padded", seed=9)
    report = load_into(again, stored)
    assert (report.new, report.dropped) == ((), ())
    assert torch.equal(again(batch)[1], network(batch)[1])


def test_new_entries_of_the_vocabulary_are_entries_of_the_decoder_too(network, tmp_path):
    write_public(of_network(network), tmp_path)
    grown = with_new_rows(read_public(tmp_path), [[5, 6]])
    again = Network(grown.config, grown.heads, "padded")
    assert load_into(again, grown).new == ()
    assert again.heads["decoder"].word.shape == (62, 24)
