"""Attention kinds: what each lets a token see, on every path, in batches that mix them.

Oracles: the table of kinds written out token by token; softmax over what a token sees, one sequence at a time; for the
flat path torch's own `create_block_mask`, and its mask evaluated on all pairs of rows.

Shape letters: T tokens, D width, H heads, C head width, Q and K rows of a batch, or places of a sequence.
"""

import logging
import math
import shutil
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch._dynamo.utils import counters
from torch.nn.attention.flex_attention import create_block_mask, flex_attention

from model.attention import ProductsAttention, SdpaAttention, choose_attention
from model.config import HeadSpec
from model.flat_attention import (
    BLOCK,
    FEWEST_ROWS,
    FlatAttention,
    FlexLayout,
    flex_attend,
    flex_layout,
    interval_mask,
    to_the_left,
)
from model.kinds import BOTH, KINDS, LEFT, PREFIX, RIGHT, WINDOW, Kinds, seen_rows
from model.layout import FlatLayout, padded_layout
from model.network import Network

CPU = torch.device("cpu")
HEADS, WIDTH = 3, 12
PADDED = (ProductsAttention(), SdpaAttention())
ALL_FIVE = [(9, BOTH, 0), (12, LEFT, 0), (11, RIGHT, 0), (12, PREFIX, 5), (10, WINDOW, 2), (1, LEFT, 0), (30, RIGHT, 0)]

sequences = st.lists(st.tuples(st.integers(0, 40), st.sampled_from(range(len(KINDS))), st.integers(0, 45)), max_size=8)


def kinds_of(given):
    columns = torch.tensor(given, dtype=torch.int64).view(-1, 3)
    return torch.cat([torch.zeros(1, dtype=torch.int64), columns[:, 0].cumsum(0)]), Kinds(columns[:, 1], columns[:, 2])


def sees(kind, reach, query, key):
    """The table of kinds, for one pair of places of a sequence."""
    return {
        BOTH: True,
        LEFT: key <= query,
        RIGHT: key >= query,
        PREFIX: key < reach or key <= query,
        WINDOW: abs(query - key) <= reach,
    }[kind]


def pattern(length, kind, reach):
    places = range(length)
    return torch.tensor([[sees(kind, reach, query, key) for key in places] for query in places], dtype=torch.bool)


def softmax_over(mask_QK, qkv_Q3D):
    """softmax(q·kᵀ/√d)·v over the keys that each query sees, head by head."""
    width = qkv_Q3D.shape[1] // 3 // HEADS
    q_HQC, k_HKC, v_HKC = qkv_Q3D.view(len(qkv_Q3D), 3, HEADS, width).permute(1, 2, 0, 3)
    scores_HQK = torch.einsum("hqc,hkc->hqk", q_HQC, k_HKC) / math.sqrt(width)
    shares_HQK = scores_HQK.masked_fill(~mask_QK, -math.inf).softmax(-1)
    return torch.einsum("hqk,hkc->qhc", shares_HQK, v_HKC).flatten(1)


def one_at_a_time(given, qkv_T3D):
    parts, start = [qkv_T3D[:0, :WIDTH]], 0
    for length, kind, reach in given:
        if length:
            parts.append(softmax_over(pattern(length, kind, reach), qkv_T3D[start : start + length]))
        start += length
    return torch.cat(parts)


def dense_flat(layout, qkv_T3D):
    """What FlexAttention is told, evaluated on every pair of rows."""
    row_T = torch.arange(len(qkv_T3D))
    mask_TT = layout.blocks.mask_mod(None, None, row_T[:, None], row_T[None])
    return softmax_over(mask_TT, qkv_T3D)


def output_and_gradient(attend, qkv_T3D, probe_TD):
    leaf = qkv_T3D.clone().requires_grad_()
    output = attend(leaf)
    output.backward(probe_TD)
    return output.detach(), leaf.grad


def drawn(tokens, width=WIDTH, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(tokens, 3 * width, generator=generator), torch.randn(tokens, width, generator=generator)


@torch.no_grad()
def difference(mine, theirs):
    return max((float((x - y).abs().max()) for x, y in zip(mine, theirs, strict=True) if x.numel()), default=0.0)


@given(sequences)
def test_each_kind_sees_what_its_line_of_the_table_says(given):
    offsets_N1, kinds = kinds_of(given)
    low_T, high_T = seen_rows(kinds, offsets_N1)
    row_T = torch.arange(int(offsets_N1[-1]))
    mask_TT = interval_mask(low_T, high_T)(None, None, row_T[:, None], row_T[None])
    expected_TT = torch.block_diag(*(pattern(*one) for one in given if one[0])).bool() if len(row_T) else mask_TT
    assert torch.equal(mask_TT, expected_TT)


@pytest.mark.parametrize("attention", PADDED, ids=lambda a: a.name)
@pytest.mark.parametrize("kind", range(len(KINDS)), ids=KINDS)
def test_padded_attention_of_one_kind_equals_the_formula_forward_and_backward(attention, kind):
    given = [(length, kind, reach) for length, reach in ((7, 3), (1, 2), (20, 0), (19, 25), (12, 1))]
    offsets_N1, kinds = kinds_of(given)
    qkv_T3D, probe_TD = drawn(59)
    layout = attention.lay_out(offsets_N1, CPU, kinds)
    ours = output_and_gradient(lambda x: attention.attend(x, layout, HEADS, 0.0), qkv_T3D, probe_TD)
    assert difference(ours, output_and_gradient(lambda x: one_at_a_time(given, x), qkv_T3D, probe_TD)) <= 1e-5


@settings(max_examples=30)
@given(sequences)
def test_flat_maths_and_both_padded_twins_agree_in_mixed_batches_forward_and_backward(given):
    offsets_N1, kinds = kinds_of(given)
    qkv_T3D, probe_TD = drawn(int(offsets_N1[-1]))
    layout = flex_layout(offsets_N1, CPU, kinds)
    flat = output_and_gradient(lambda x: dense_flat(layout, x), qkv_T3D, probe_TD)
    found = [output_and_gradient(lambda x: one_at_a_time(given, x), qkv_T3D, probe_TD)]
    for attention in PADDED:
        laid = attention.lay_out(offsets_N1, CPU, kinds)
        found.append(output_and_gradient(lambda x, a=attention, w=laid: a.attend(x, w, HEADS, 0.0), qkv_T3D, probe_TD))
    assert max(difference(flat, other) for other in found) <= 1e-5


@pytest.mark.parametrize("attention", PADDED, ids=lambda a: a.name)
@given(st.lists(st.integers(0, 40), max_size=8))
def test_a_batch_that_is_all_both_is_computed_bit_for_bit_as_without_kinds(attention, lengths):
    offsets_N1, kinds = kinds_of([(length, BOTH, 7) for length in lengths])
    qkv_T3D, probe_TD = drawn(sum(lengths))
    results = []
    for told in (None, kinds):
        layout = attention.lay_out(offsets_N1, CPU, told)
        results.append(output_and_gradient(lambda x, w=layout: attention.attend(x, w, HEADS, 0.0), qkv_T3D, probe_TD))
        assert all(group.mask_B1QL is None or group.mask_B1QL.shape[2] == 1 for group in layout.groups)
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(*results, strict=True))


def test_flat_takes_the_lightest_kernel_that_serves():
    flat = FlatAttention()
    offsets_N1, mixed = kinds_of(ALL_FIVE)
    count = len(mixed.kind_N)
    for kinds in (None, Kinds(torch.zeros(count, dtype=torch.int64), mixed.reach_N)):
        layout = flat.lay_out(offsets_N1, CPU, kinds)
        assert isinstance(layout, FlatLayout)
        assert not layout.to_the_left
    left = flat.lay_out(offsets_N1, CPU, Kinds(torch.full((count,), LEFT), mixed.reach_N))
    assert isinstance(left, FlatLayout)
    assert left.to_the_left
    for kinds in (mixed, Kinds(torch.full((count,), RIGHT), mixed.reach_N)):
        assert isinstance(flat.lay_out(offsets_N1, CPU, kinds), FlexLayout)


def test_the_flat_path_is_logged_with_both_its_kernels(caplog):
    with caplog.at_level(logging.INFO, "triptych"):
        chosen = choose_attention("auto", torch.device("cuda"), torch.bfloat16, 0.0, 64)
    assert isinstance(chosen, FlatAttention)
    assert "torch.nn.attention.varlen; FlexAttention" in caplog.text


def test_the_variable_length_kernel_is_called_as_its_batch_asks(monkeypatch):
    calls = []
    flat = FlatAttention()
    monkeypatch.setattr(flat, "kernel", lambda q, k, v, *_, **more: calls.append(more) or v)
    offsets_N1, _ = kinds_of(ALL_FIVE)
    qkv_T3D, _ = drawn(int(offsets_N1[-1]))
    for kind in (BOTH, LEFT):
        kinds = Kinds(torch.full((len(ALL_FIVE),), kind), torch.zeros(len(ALL_FIVE), dtype=torch.int64))
        flat.attend(qkv_T3D, flat.lay_out(offsets_N1, CPU, kinds), HEADS, 0.0)
    assert calls == [{}, to_the_left(FlatAttention().kernel)]


def test_the_argument_for_seeing_to_the_left_is_found_in_either_spelling_of_the_kernel():
    assert to_the_left(lambda q, k, *, window_size=(-1, -1): None) == {"window_size": (-1, 0)}
    assert to_the_left(lambda q, k, is_causal=False: None) == {"is_causal": True}
    assert to_the_left(lambda q, k: None) == {}
    assert to_the_left(FlatAttention().kernel) in ({"window_size": (-1, 0)}, {"is_causal": True})


def test_blocks_are_those_that_torch_finds_in_the_whole_mask():
    given = [(300, LEFT, 0), (700, PREFIX, 200), (256, BOTH, 0), (90, WINDOW, 3), (500, RIGHT, 0), (40, LEFT, 0)]
    offsets_N1, kinds = kinds_of(given)
    layout = flex_layout(offsets_N1, CPU, kinds)
    assert layout.rows == 2048
    theirs = create_block_mask(layout.blocks.mask_mod, None, None, layout.rows, layout.rows, device="cpu")
    assert bool(theirs.full_kv_num_blocks.any()), "the case must hold blocks that are seen whole"
    assert (theirs.kv_num_blocks + theirs.full_kv_num_blocks < layout.rows // BLOCK).any(), (
        "and blocks that are skipped"
    )
    for part in ("kv", "full_kv", "q", "full_q"):
        counts, ours = getattr(theirs, f"{part}_num_blocks"), getattr(layout.blocks, f"{part}_indices")
        assert torch.equal(getattr(layout.blocks, f"{part}_num_blocks"), counts)
        listed = torch.arange(counts.shape[-1]) < counts[..., None]
        assert torch.equal(ours[listed], getattr(theirs, f"{part}_indices")[listed])


@given(st.lists(st.integers(0, 900), max_size=5))
@settings(max_examples=20)
def test_few_sizes_are_compiled_and_rows_to_spare_see_themselves_alone(lengths):
    offsets_N1, kinds = kinds_of([(length, LEFT, 0) for length in lengths])
    tokens = sum(lengths)
    layout = flex_layout(offsets_N1, CPU, kinds)
    assert layout.rows >= tokens
    assert layout.rows in (FEWEST_ROWS, 2048, 4096, 8192)
    assert layout.rows == FEWEST_ROWS or layout.rows < 2 * tokens
    spare, row_Q = torch.arange(tokens, layout.rows), torch.arange(layout.rows)
    mask = layout.blocks.mask_mod(None, None, spare[:, None], row_Q[None])
    assert torch.equal(mask, spare[:, None] == row_Q[None])


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize("width", [12, 48, 60])
def test_flex_attention_itself_equals_the_formula(width):
    """Forward only, uncompiled: torch's CPU build has no more. Heads of 4, filled up to 16; of 16; and of 20."""
    offsets_N1, kinds = kinds_of(ALL_FIVE)
    qkv_T3D, _ = drawn(int(offsets_N1[-1]), width)
    mixed_TD = flex_attend(flex_attention, qkv_T3D, flex_layout(offsets_N1, CPU, kinds), HEADS)
    padded = ProductsAttention()
    expected_TD = padded.attend(qkv_T3D, padded.lay_out(offsets_N1, CPU, kinds), HEADS, 0.0)
    assert float((mixed_TD - expected_TD).abs().max()) <= 1e-5


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the compiler's own
def test_the_compiled_flat_path_equals_the_padded_one_and_is_compiled_at_most_twice():
    """Forward on the CPU, where torch compiles no more. One graph serves all sizes and masks but the first."""
    if shutil.which("g++") is None:
        pytest.skip("torch compiles for the CPU with g++, which is not here")
    flat, padded = FlatAttention(), ProductsAttention()
    counters.clear()
    for times in (1, 40, 20, 70):
        offsets_N1, kinds = kinds_of([(times * length, kind, reach) for length, kind, reach in ALL_FIVE])
        qkv_T3D, _ = drawn(int(offsets_N1[-1]), 48)
        with torch.no_grad():
            mixed_TD = flat.attend(qkv_T3D, flat.lay_out(offsets_N1, CPU, kinds), HEADS, 0.0)
        expected_TD = padded.attend(qkv_T3D, padded.lay_out(offsets_N1, CPU, kinds), HEADS, 0.0)
        assert difference((mixed_TD,), (expected_TD,)) <= 1e-5
    assert counters["stats"]["unique_graphs"] <= 2


def test_a_padded_group_of_mixed_kinds_keeps_padding_out_of_sight():
    """A row's interval ends within its sequence, so no key beyond it is ever seen."""
    offsets_N1, kinds = kinds_of([(12, LEFT, 0), (10, PREFIX, 30), (9, WINDOW, 30), (10, BOTH, 0)])
    (group,) = padded_layout(offsets_N1, CPU, kinds).groups
    assert group.mask_B1QL.shape == (4, 1, 12, 12)
    for place, length in enumerate((12, 10, 10, 9)):
        assert not group.mask_B1QL[place, :, :, length:].any()


# The network: what a changed token changes.

CHANGED = 6


@pytest.fixture
def words(config):
    """Large weights, so that what passes three layers is not lost in rounding."""
    return Network(replace(config, initializer_range=0.3), [HeadSpec("words", "mlm", 61)], seed=1).eval()


def changes(network, ragged, select, kind, reach):
    """Whether a token's logits differ once token `CHANGED` of its sequence, of 16, is another; its neighbours too."""
    batch = ragged([5, 16, 7], [select("words", range(28))])
    batch = replace(batch, kinds=Kinds(torch.tensor([BOTH, kind, RIGHT]), torch.tensor([0, reach, 0])))
    other_T = batch.tokens_T.clone()
    other_T[5 + CHANGED] = other_T[5 + CHANGED] % 60 + 1
    with torch.no_grad():
        (before,), (after,) = network(batch), network(replace(batch, tokens_T=other_T))
    moved_T = (before != after).any(1)
    assert not moved_T[:5].any()
    assert not moved_T[21:].any()
    return torch.nonzero(moved_T[5:21])[:, 0].tolist()


def test_left_a_changed_token_changes_no_logit_before_it(words, ragged, select):
    assert changes(words, ragged, select, LEFT, 0) == list(range(CHANGED, 16))


def test_right_a_changed_token_changes_no_logit_behind_it(words, ragged, select):
    assert changes(words, ragged, select, RIGHT, 0) == list(range(CHANGED + 1))


def test_both_a_changed_token_changes_every_logit(words, ragged, select):
    assert changes(words, ragged, select, BOTH, 0) == list(range(16))


@pytest.mark.parametrize("prefix", [0, 3, 6])
def test_prefix_a_token_behind_it_changes_nothing_before_itself(words, ragged, select, prefix):
    assert changes(words, ragged, select, PREFIX, prefix) == list(range(CHANGED, 16))


def test_prefix_a_token_of_it_changes_every_logit(words, ragged, select):
    assert changes(words, ragged, select, PREFIX, CHANGED + 1) == list(range(16))


@pytest.mark.parametrize("reach", [0, 1, 2])
def test_window_a_changed_token_is_felt_within_its_reach_times_the_layers(words, ragged, select, config, reach):
    far = reach * config.layers
    assert changes(words, ragged, select, WINDOW, reach) == list(
        range(max(0, CHANGED - far), min(16, CHANGED + far + 1))
    )


def test_each_sequence_of_a_mixed_batch_is_what_it_is_alone(words, ragged, select):
    lengths = [length for length, _, _ in ALL_FIVE]
    batch = ragged(lengths, [select("words", range(sum(lengths)))])
    offsets_N1, kinds = kinds_of(ALL_FIVE)
    (together,) = words(replace(batch, kinds=kinds))
    for i, length in enumerate(lengths):
        here = slice(int(offsets_N1[i]), int(offsets_N1[i + 1]))
        alone = replace(
            batch,
            tokens_T=batch.tokens_T[here],
            segments_T=batch.segments_T[here],
            positions_T=batch.positions_T[here],
            offsets_N1=torch.tensor([0, length]),
            kinds=Kinds(kinds.kind_N[i : i + 1], kinds.reach_N[i : i + 1]),
            selections=(select("words", range(length)),),
        )
        assert difference(words(alone), (together[here],)) <= 1e-5


@pytest.mark.gpu
@pytest.mark.parametrize("given", [ALL_FIVE, [(300, LEFT, 0), (4, LEFT, 0), (90, LEFT, 0)]], ids=["mixed", "left"])
def test_flat_equals_padded_for_every_kind_on_a_gpu_forward_and_backward(given):
    """Both in bf16 on the same device: they differ by the order of sums only, some 2^-8 of the size."""
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    device, width, heads = torch.device("cuda"), 256, 4
    offsets_N1, kinds = kinds_of([(20 * length, kind, 20 * reach) for length, kind, reach in given])
    qkv_T3D, probe_TD = (x.to(device, torch.bfloat16) for x in drawn(int(offsets_N1[-1]), width))
    results = []
    for attention in (FlatAttention(), SdpaAttention(), ProductsAttention()):
        layout = attention.lay_out(offsets_N1, device, kinds)
        results.append(
            output_and_gradient(lambda x, a=attention, w=layout: a.attend(x, w, heads, 0.0), qkv_T3D, probe_TD)
        )
    for other in results[1:]:
        for mine, theirs in zip(results[0], other, strict=True):
            assert (mine.float() - theirs.float()).norm() <= 1e-2 * theirs.float().norm()
