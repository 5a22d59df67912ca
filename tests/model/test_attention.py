"""Attention on a flat batch: every implementation against softmax(q·kᵀ/√d)·v, one sequence at a time.

Shape letters: T tokens, D width, H heads, C head width.
"""

import logging
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.attention import (
    ProductsAttention,
    SdpaAttention,
    attention_words,
    choose_attention,
    flat_obstacles,
    padded_attention,
)
from model.flat_attention import FlatAttention
from model.layout import SHORTEST_SHARE, SLACK, padded_layout
from tokenization.errors import RecipeError

CPU = torch.device("cpu")
HEADS, WIDTH = 3, 12
LENGTHS = (5, 1, 17, 30, 30, 12, 2)
SPELLINGS = (ProductsAttention(), SdpaAttention())


def dense(qkv_T3D, offsets_N1):
    """The formula, sequence by sequence and head by head, in the precision of its input."""
    outputs = []
    for start, stop in zip(offsets_N1[:-1].tolist(), offsets_N1[1:].tolist(), strict=True):
        q, k, v = qkv_T3D[start:stop].view(stop - start, 3, HEADS, WIDTH // HEADS).permute(1, 2, 0, 3)
        scores = torch.einsum("hqc,hkc->hqk", q, k) / math.sqrt(WIDTH // HEADS)
        outputs.append(torch.einsum("hqk,hkc->qhc", scores.softmax(-1), v).reshape(stop - start, WIDTH))
    return torch.cat(outputs)


def offsets_of(lengths):
    return torch.tensor([0, *lengths]).cumsum(0)


def output_and_gradient(attend, qkv_T3D, probe_TD):
    leaf = qkv_T3D.clone().requires_grad_()
    output = attend(leaf)
    output.backward(probe_TD.to(output.dtype))
    return output.detach(), leaf.grad


@pytest.mark.parametrize("heads", [1, HEADS, WIDTH])
@pytest.mark.parametrize("length", [1, 7, 30])
def test_one_sequence_alone_is_attended_without_copies_to_the_same_bit(length, heads, monkeypatch):
    layout = padded_layout(offsets_of([length]), CPU)
    qkv_T3D = torch.randn(length, 3 * WIDTH, generator=torch.Generator().manual_seed(length))
    copied = ProductsAttention().attend(qkv_T3D, layout, heads, 0.0)
    monkeypatch.setattr("model.attention._ToBlocks", None)
    with torch.no_grad():
        assert torch.equal(ProductsAttention().attend(qkv_T3D, layout, heads, 0.0), copied)


@pytest.mark.parametrize("attention", SPELLINGS, ids=lambda a: a.name)
@pytest.mark.parametrize(
    # bf16 keeps 8 bits: products of a dozen terms of size one are off by some 2^-8 each.
    ("dtype", "tolerance"),
    [(torch.float64, 1e-12), (torch.float32, 2e-6), (torch.bfloat16, 3e-2)],
)
def test_padded_spellings_equal_the_dense_formula_forward_and_backward(attention, dtype, tolerance):
    offsets_N1 = offsets_of(LENGTHS)
    torch.manual_seed(0)
    qkv_T3D = torch.randn(sum(LENGTHS), 3 * WIDTH, dtype=torch.float64).to(dtype)
    probe_TD = torch.randn(sum(LENGTHS), WIDTH, dtype=torch.float64).to(dtype)
    layout = attention.lay_out(offsets_N1, CPU)
    ours = output_and_gradient(lambda x: attention.attend(x, layout, HEADS, 0.0), qkv_T3D, probe_TD)
    reference = output_and_gradient(lambda x: dense(x, offsets_N1), qkv_T3D.double(), probe_TD.double())
    for mine, theirs in zip(ours, reference, strict=True):
        assert mine.dtype == dtype
        assert (mine.double() - theirs).abs().max() <= tolerance


def test_hand_written_backward_is_the_derivative_once_and_twice():
    attention, offsets_N1 = ProductsAttention(), offsets_of((3, 1, 2))
    layout = attention.lay_out(offsets_N1, CPU)
    torch.manual_seed(0)
    qkv_T3D = torch.randn(6, 3 * WIDTH, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: attention.attend(x, layout, HEADS, 0.0), (qkv_T3D,))
    assert torch.autograd.gradgradcheck(lambda x: attention.attend(x, layout, HEADS, 0.0), (qkv_T3D,))


@given(st.lists(st.integers(0, 60), max_size=30))
def test_every_token_has_its_own_slot_and_the_slot_holds_its_row(lengths):
    layout = padded_layout(offsets_of(lengths), CPU)
    assert layout.rows_P[layout.slots_T].tolist() == list(range(sum(lengths)))
    assert layout.slots == len(layout.rows_P) == sum(group.slots for group in layout.groups)
    real = sum(group.slots if group.mask_B1QL is None else int(group.mask_B1QL.sum()) for group in layout.groups)
    assert real == sum(lengths)


@given(st.lists(st.integers(1, 500), min_size=1, max_size=50))
def test_no_sequence_is_padded_past_the_bound(lengths):
    layout = padded_layout(offsets_of(lengths), CPU)
    for group in layout.groups:
        shortest = group.length if group.mask_B1QL is None else int(group.mask_B1QL.sum(-1).min())
        assert shortest >= min(group.length * SHORTEST_SHARE, group.length - SLACK)


@pytest.mark.parametrize("attention", SPELLINGS, ids=lambda a: a.name)
def test_an_empty_batch_gives_no_rows_and_a_live_graph(attention):
    qkv_T3D = torch.zeros(0, 3 * WIDTH, requires_grad=True)
    output = attention.attend(qkv_T3D, attention.lay_out(offsets_of(()), CPU), HEADS, 0.0)
    assert output.shape == (0, WIDTH)
    output.sum().backward()
    assert qkv_T3D.grad.shape == (0, 3 * WIDTH)


@pytest.mark.parametrize("attention", SPELLINGS, ids=lambda a: a.name)
def test_dropout_thins_the_probabilities_and_keeps_their_mean(attention):
    """With all values one, an undisturbed output is 1; a dropped probability takes its share out of the sum.

    Uniform scores over L keys: the output is the mean of L Bernoulli(1 - p) / (1 - p), variance p / (L (1 - p)).
    """
    length, rate = 50, 0.2
    qkv_T3D = torch.cat([torch.zeros(400 * length, 2 * WIDTH), torch.ones(400 * length, WIDTH)], dim=1)
    layout = attention.lay_out(offsets_of([length] * 400), CPU)
    torch.manual_seed(0)
    sums = attention.attend(qkv_T3D, layout, HEADS, rate).view(-1, HEADS, WIDTH // HEADS)[..., 0]
    expected = rate / (length * (1 - rate))
    assert abs(float(sums.mean()) - 1) < 5 * math.sqrt(expected / sums.numel())
    assert float(sums.var()) == pytest.approx(expected, rel=0.05)
    torch.manual_seed(0)
    again = attention.attend(qkv_T3D, layout, HEADS, rate).view(-1, HEADS, WIDTH // HEADS)[..., 0]
    assert torch.equal(sums, again)


def test_auto_on_a_cpu_is_the_padded_twin_and_is_logged(caplog):
    with caplog.at_level(logging.INFO, "triptych"):
        chosen = choose_attention("auto", CPU, torch.float32, 0.0, 64)
    assert isinstance(chosen, ProductsAttention)
    assert "padded (batched products)" in caplog.text
    assert "CUDA" in caplog.text


@pytest.mark.parametrize(
    ("device", "dtype", "dropout", "width", "reason"),
    [
        ("cpu", torch.bfloat16, 0.0, 64, "CUDA device"),
        ("cuda", torch.float32, 0.0, 64, "bf16 or fp16, this is float32"),
        ("cuda", torch.bfloat16, 0.1, 64, "no dropout"),
        ("cuda", torch.bfloat16, 0.0, 20, "multiple of 8"),
    ],
)
def test_flat_is_refused_with_the_reason_where_it_cannot_run(device, dtype, dropout, width, reason):
    with pytest.raises(RecipeError, match=reason):
        choose_attention("flat", torch.device(device), dtype, dropout, width)
    assert isinstance(
        choose_attention("auto", torch.device(device), dtype, dropout, width),
        type(padded_attention(torch.device(device))),
    )


@pytest.mark.parametrize(
    ("dtype", "dropout", "width", "remedy"),
    [
        (torch.bfloat16, 0.1, 64, "encoder.dropout: 0"),
        (torch.float32, 0.0, 64, "precision: bf16"),
        (torch.float32, 0.1, 64, "precision: bf16 and encoder.dropout: 0"),
        (torch.float32, 0.1, 20, None),
    ],
)
def test_the_settings_that_let_flat_run_are_told_where_they_are_all_it_takes(dtype, dropout, width, remedy):
    asked = torch.device("cuda"), dtype, dropout, width
    told = attention_words("auto", *asked)
    with pytest.raises(RecipeError) as refused:
        choose_attention("flat", *asked)
    if remedy is None:
        assert "it can with" not in told
        assert str(refused.value).endswith("these are 20 wide. Set encoder.attention to 'padded' or 'auto'.")
    else:
        assert told.endswith(f"; it can with {remedy}")
        assert str(refused.value).endswith(f". Set {remedy}, or 'padded' or 'auto'.")


def test_what_is_told_is_what_is_chosen():
    for name in ("auto", "padded"):
        chosen = choose_attention(name, CPU, torch.float32, 0.1, 64)
        assert attention_words(name, CPU, torch.float32, 0.1, 64).startswith(f"{chosen.name}; ")


def test_flat_has_no_obstacle_on_cuda_in_bf16_without_dropout():
    assert flat_obstacles(torch.device("cuda"), torch.bfloat16, 0.0, 64) == ()


def test_an_unknown_attention_is_refused_with_the_nearest_name():
    with pytest.raises(RecipeError, match="Did you mean 'padded'"):
        choose_attention("paded", CPU, torch.float32, 0.0, 64)


def test_this_torch_has_the_variable_length_kernel():
    assert callable(FlatAttention().kernel)


@pytest.mark.gpu
def test_flat_equals_padded_on_a_gpu_forward_and_backward():
    """Both in bf16 on the same device: they differ by the order of sums only, some 2^-8 of the size."""
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    device, width, heads = torch.device("cuda"), 256, 4
    offsets_N1 = offsets_of((5, 1, 170, 300, 300, 12, 2))
    torch.manual_seed(0)
    qkv_T3D = torch.randn(790, 3 * width, device=device, dtype=torch.bfloat16)
    probe_TD = torch.randn(790, width, device=device, dtype=torch.bfloat16)
    results = []
    for attention in (FlatAttention(), SdpaAttention(), ProductsAttention()):
        layout = attention.lay_out(offsets_N1, device)
        results.append(
            output_and_gradient(lambda x, a=attention, w=layout: a.attend(x, w, heads, 0.0), qkv_T3D, probe_TD)
        )
    for other in results[1:]:
        for mine, theirs in zip(results[0], other, strict=True):
            assert (mine.float() - theirs.float()).norm() <= 1e-2 * theirs.float().norm()
