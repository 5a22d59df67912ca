"""Packed products against the plain ones; what packing leaves as it was."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from model import packed
from model.config import EncoderConfig, HeadSpec
from model.network import Network
from model.packed import MOST_ROWS, PackedLinear, pack_encoder

NO_PACKING = not hasattr(torch.ops.mkldnn, "_reorder_linear_weight")
needs_packing = pytest.mark.skipif(NO_PACKING, reason="this torch packs no matrices")


def network() -> Network:
    heads = [HeadSpec("topic", "classification", 3)]
    return Network(EncoderConfig(61, 2, 32, 2, 64, positions=200), heads, seed=1).eval()


def asked(rows: int) -> Tensor:
    return torch.randn(rows, 32, generator=torch.Generator().manual_seed(rows))


@needs_packing
@torch.no_grad()
@pytest.mark.parametrize("rows", [0, 1, 2, 25, MOST_ROWS, MOST_ROWS + 1])
def test_a_packed_layer_answers_as_the_plain_one(rows: int) -> None:
    plain = network().encoder.blocks[0].feed_forward.up
    assert torch.allclose(PackedLinear(plain)(asked(rows)), plain(asked(rows)), atol=1e-5)


@needs_packing
@torch.no_grad()
def test_few_rows_go_through_the_packed_matrix_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = PackedLinear(network().encoder.blocks[0].feed_forward.up)
    plain: list[int] = []
    monkeypatch.setattr(nn.Linear, "forward", lambda self, rows: plain.append(len(rows)))
    for rows in (0, 1, 25, MOST_ROWS, MOST_ROWS + 1):
        layer(asked(rows))
    with torch.enable_grad():
        layer(asked(2))
    with torch.autocast("cpu", torch.bfloat16):
        layer(asked(3))
    assert plain == [0, MOST_ROWS + 1, 2, 3]


@needs_packing
def test_packing_reaches_every_matrix_of_the_blocks_and_leaves_names_and_parameters_as_they_were() -> None:
    ours = network()
    before = dict(ours.named_parameters())
    assert pack_encoder(ours.encoder)
    assert sum(isinstance(layer, PackedLinear) for layer in ours.encoder.modules()) == 4 * 2
    after = dict(ours.named_parameters())
    assert list(after) == list(before)
    assert all(after[name] is parameter for name, parameter in before.items())


def test_where_torch_cannot_pack_or_packs_wrongly_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    class Missing(PackedLinear):
        def __init__(self, plain: nn.Linear) -> None:
            raise AttributeError("no such operator")

    class Wrong(PackedLinear):
        def forward(self, input: Tensor) -> Tensor:
            return super().forward(input) + 1.0

    def refused(ours: Network) -> bool:
        return not pack_encoder(ours.encoder) and not any(isinstance(m, PackedLinear) for m in ours.modules())

    class MissingOfOneShape(PackedLinear):
        def __init__(self, plain: nn.Linear) -> None:
            if plain.in_features > plain.out_features:
                raise RuntimeError("no such product")
            super().__init__(plain)

    class WrongOfOneShape(PackedLinear):
        def forward(self, input: Tensor) -> Tensor:
            return super().forward(input) + float(self.in_features > self.out_features)

    for other in (Missing, Wrong, MissingOfOneShape, WrongOfOneShape):
        monkeypatch.setattr(packed, "PackedLinear", other)
        assert refused(network())
    monkeypatch.undo()
    assert refused(network().to(torch.bfloat16))
    assert refused(network().to("meta"))


@needs_packing
@torch.no_grad()
@pytest.mark.parametrize("lengths", [(1,), (7,), (3, 9, 2), (60, 90)])
def test_a_packed_encoder_gives_the_plain_one_s_rows(lengths: tuple[int, ...], ragged: Any) -> None:
    ours = network()
    batch = ragged(lengths)
    every = torch.arange(sum(lengths))
    plain = ours.rows(batch, every)
    assert pack_encoder(ours.encoder)
    assert torch.allclose(ours.rows(batch, every), plain, atol=1e-5)
