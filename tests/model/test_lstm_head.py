"""The LSTM over runs of rows, against torch's LSTM on each run alone."""

from dataclasses import replace

import pytest
import torch

from model.batch import Selection
from model.config import HeadSpec
from model.design import HeadDesign
from model.lstm_head import LstmHead
from model.network import Network
from model.reading import Reading, side_by_side

LENGTHS = (4, 1, 3)
DESIGNS = [
    HeadDesign(pool="lstm", width=5),
    HeadDesign(pool="lstm", width=5, layers="beside_words"),
    *(HeadDesign(pool="lstm", width=5, layers="mix", mix_at=at) for at in ("input", "output", "both")),
]


def reading(config, lengths=LENGTHS) -> Reading:
    luck = torch.Generator().manual_seed(1)
    layers_KMD = torch.randn(config.layers + 1, sum(lengths), config.hidden, generator=luck)
    words_MD = torch.randn(sum(lengths), config.hidden, generator=luck)
    runs_P1 = torch.tensor([0, *lengths]).cumsum(0)
    return Reading(layers_KMD[-1], runs_P1, torch.zeros(sum(lengths), dtype=torch.int64), layers_KMD, words_MD)


def twice(config) -> tuple[Reading, Reading]:
    """Runs that hold their rows twice, of two directions, and by hand the same with each row beside its twin."""
    forward, backward = reading(config), reading(config)
    assert forward.layers_KMD is not None
    backward = replace(backward, rows_MD=-forward.rows_MD.flip(1), layers_KMD=forward.layers_KMD.flip(2) + 1.0)
    ends = torch.tensor(LENGTHS).cumsum(0).tolist()
    starts_and_ends = list(zip([0, *ends], ends, strict=False))
    order = [(side, row) for start, end in starts_and_ends for side in (0, 1) for row in range(start, end)]
    pick = torch.tensor([side * sum(LENGTHS) + row for side, row in order])
    halves = Reading(
        torch.cat([forward.rows_MD, backward.rows_MD])[pick],
        forward.runs_P1 * 2,
        torch.tensor([side for side, _ in order]),
        torch.cat([forward.layers_KMD, backward.layers_KMD], 1)[:, pick],
        torch.cat([forward.words_MD, forward.words_MD])[pick],
    )
    joined = replace(
        forward,
        rows_MD=torch.cat([forward.rows_MD, backward.rows_MD], 1),
        layers_KMD=torch.cat([forward.layers_KMD, backward.layers_KMD], 2),
    )
    return halves, joined


def head_of(config, design: HeadDesign, kind: str, apart: bool = False) -> LstmHead:
    """With weights large enough that every part shows."""
    net = Network(config, [HeadSpec("task", kind, 3, design, apart)], seed=1)
    head = net.heads["task"].eval()
    assert isinstance(head, LstmHead)
    for place, mix in enumerate(head.mixes.values(), start=1):
        torch.nn.init.normal_(mix.scores, std=place, generator=torch.Generator().manual_seed(place))
        torch.nn.init.constant_(mix.gamma, 1.0 + place)
    return head


def entering(head: LstmHead, design: HeadDesign, read: Reading) -> torch.Tensor:
    if design.layers == "last":
        return read.rows_MD
    if design.layers == "beside_words":
        return torch.cat([read.words_MD, read.rows_MD], 1)
    return mean(head, "input", read) if design.mix_at != "output" else read.layers_KMD[0]


def mean(head: LstmHead, place: str, read: Reading) -> torch.Tensor:
    mix = head.mixes[place]
    return mix.gamma * sum(s * h for s, h in zip(mix.scores.softmax(0), read.layers_KMD, strict=True))


@pytest.mark.parametrize("kind", ["tagging", "classification"])
@pytest.mark.parametrize("design", DESIGNS, ids=str)
def test_each_run_is_read_as_the_lstm_reads_it_alone(config, design, kind) -> None:
    head, read = head_of(config, design, kind), reading(config)
    assert torch.allclose(head(read), alone(head, design, kind, read), atol=1e-6)


@pytest.mark.parametrize("kind", ["tagging", "classification"])
@pytest.mark.parametrize("design", DESIGNS, ids=str)
def test_of_two_directions_each_layer_is_both_side_by_side_under_one_share(config, design, kind) -> None:
    head, (halves, joined) = head_of(config, design, kind, apart=True), twice(config)
    assert torch.allclose(head(halves), alone(head, design, kind, joined), atol=1e-6)
    assert all(mix.scores.shape == (config.layers + 1,) for mix in head.mixes.values())


def test_rows_of_two_directions_come_together_by_their_place(config) -> None:
    halves, joined = twice(config)
    found = side_by_side(halves)
    for name in ("rows_MD", "layers_KMD", "words_MD", "runs_P1"):
        assert torch.equal(getattr(found, name), getattr(joined, name)), name


def alone(head: LstmHead, design: HeadDesign, kind: str, read: Reading) -> torch.Tensor:
    """Each run by itself through torch's LSTM."""
    expected, rows_ME = [], entering(head, design, read)
    beside = [mean(head, "output", read)] if design.layers == "mix" and design.mix_at != "input" else []
    for start, stop in zip(read.runs_P1[:-1].tolist(), read.runs_P1[1:].tolist(), strict=True):
        states_LS = torch.cat([head.lstm(rows_ME[start:stop])[0], *(rows[start:stop] for rows in beside)], 1)
        pooled_1S = torch.cat([states_LS.amax(0), states_LS.mean(0)])[None]
        expected.append(head.linear(states_LS if kind == "tagging" else pooled_1S))
    return torch.cat(expected)


def test_the_mixes_at_input_and_output_are_two(config) -> None:
    head = head_of(config, DESIGNS[-1], "tagging")
    before = head(reading(config))
    for place in ("input", "output"):
        kept = head.mixes[place].scores.detach().clone()
        torch.nn.init.zeros_(head.mixes[place].scores)
        assert not torch.allclose(head(reading(config)), before)
        head.mixes[place].scores.data = kept
    assert torch.equal(head(reading(config)), before)


def test_a_sentence_without_words_leaves_the_others_tags_as_they_are(config) -> None:
    head, read = head_of(config, DESIGNS[0], "tagging"), reading(config)
    gapped = replace(read, runs_P1=torch.tensor([0, 0, 4, 5, 5, 8, 8]))
    assert torch.equal(head(gapped), head(read))


@pytest.mark.parametrize("kind", ["tagging", "classification"])
@pytest.mark.parametrize("design", DESIGNS, ids=str)
@pytest.mark.parametrize("apart", [False, True], ids=["together", "apart"])
def test_no_runs_keep_every_parameter_of_the_head_in_the_graph(config, design, kind, apart) -> None:
    head = head_of(config, design, kind, apart)
    logits_AC = head(reading(config, ()))
    assert logits_AC.shape == (0, 3)
    logits_AC.sum().backward()
    assert all(parameter.grad is not None for parameter in head.parameters())


def test_the_recurrent_weights_have_the_deviation_of_torch_s_own(config) -> None:
    head = head_of(config, HeadDesign(pool="lstm", width=64), "tagging")
    for name, weights in head.lstm.named_parameters():
        expected = (3 * 64) ** -0.5 if weights.ndim > 1 else 0.0
        assert weights.std().item() == pytest.approx(expected, rel=0.1, abs=1e-9), name


def test_bf16_autocast_runs_the_lstm_in_float32(config) -> None:
    head, read = head_of(config, DESIGNS[0], "tagging"), reading(config)
    whole = head(read)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = head(read)  # the last matrix alone is rounded
    assert torch.allclose(rounded.float(), whole, atol=1e-3)


def test_words_of_a_network_s_batch_come_back_in_their_order(config, ragged) -> None:
    """One batch of three sentences, and each sentence alone."""
    net = Network(config, [HeadSpec("task", "tagging", 3, DESIGNS[-1])], seed=1).eval()
    rows_M, runs_P1 = torch.tensor([1, 2, 5, 6, 7, 9]), torch.tensor([0, 2, 5, 6])
    labels_M = torch.zeros(6, dtype=torch.int64)
    selection = Selection("s", "tagging", "task", rows_M, labels_M, runs_P1=runs_P1)
    batch = ragged((4, 4, 3), [selection])
    (together,) = net(batch)
    for run, start in enumerate((0, 4, 8)):
        mine = slice(int(runs_P1[run]), int(runs_P1[run + 1]))
        stop = int(batch.offsets_N1[run + 1])
        alone = replace(
            batch,
            tokens_T=batch.tokens_T[start:stop],
            segments_T=batch.segments_T[start:stop],
            positions_T=batch.positions_T[start:stop],
            offsets_N1=torch.tensor([0, stop - start]),
            selections=(
                replace(
                    selection,
                    rows_M=rows_M[mine] - start,
                    labels_M=labels_M[mine],
                    runs_P1=torch.tensor([0, len(rows_M[mine])]),
                ),
            ),
        )
        assert torch.allclose(net(alone)[0], together[mine], atol=1e-6)
