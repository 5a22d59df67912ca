"""An encoder's matrices packed for few rows on a CPU, where an answer to one sentence is little but products.

oneDNN's product reads a matrix that is laid out once in the order in which its kernel wants it; a plain product lays
it out anew at each call, which few rows do not repay. Of many rows the plain one is the faster, so both are kept: the
packed layers take as much memory again.

Shape letters: R rows, I and O a layer's inputs and outputs.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

MOST_ROWS = 128
"""Above, packing gains nothing (AVX2, 768 to 3,072 wide): of 2,048 rows the plain product is a fifth faster."""
PROBED_ROWS = (1, 5)
TOLERANCE = 1e-5


class PackedLinear(nn.Linear):
    """A linear layer, under the same parameters, whose product for few rows reads a packed copy of its matrix.

    Gradients, autocast, other types than float32, no rows and many rows go the plain way.

    Args:
        plain: the layer, on a CPU in float32; its weights must not change afterwards.
    """

    def __init__(self, plain: nn.Linear) -> None:
        super().__init__(plain.in_features, plain.out_features, plain.bias is not None, device="meta")
        self.weight, self.bias = plain.weight, plain.bias
        self._packed = torch.ops.mkldnn._reorder_linear_weight(plain.weight.detach(), MOST_ROWS)

    def forward(self, input: Tensor) -> Tensor:
        """(R, I) → (R, O)."""
        fits = 0 < len(input) <= MOST_ROWS and input.dtype == torch.float32
        if not fits or torch.is_grad_enabled() or torch.is_autocast_enabled("cpu"):
            return super().forward(input)
        return torch.ops.mkldnn._linear_pointwise(input, self._packed, self.bias, "none", [], "")


def pack_encoder(encoder: nn.Module) -> bool:
    """Pack every linear layer of an encoder that only answers from now on, where that can be done.

    Returns:
        whether it was done: not on a device that is no CPU, in another type than float32, or where torch brings no
        such product or one that answers otherwise than the plain one.
    """
    layers = {name: layer for name, layer in encoder.named_modules() if type(layer) is nn.Linear}
    packed = _packed(layers)
    for name, layer in packed.items():
        parent, _, own = name.rpartition(".")
        setattr(encoder.get_submodule(parent), own, layer)
    return bool(packed)


def _packed(layers: Mapping[str, nn.Linear]) -> dict[str, PackedLinear]:
    """All of the layers, packed; none where one of them cannot be, or answers otherwise than before."""
    weights = [layer.weight for layer in layers.values()]
    if not torch.backends.mkldnn.is_available():
        return {}
    if any(weight.device.type != "cpu" or weight.dtype != torch.float32 for weight in weights):
        return {}
    one_of_each = {(layer.weight.shape, layer.bias is None): name for name, layer in layers.items()}
    try:
        found = {name: PackedLinear(layer) for name, layer in layers.items()}
        return found if all(_agree(found[name], layers[name]) for name in one_of_each.values()) else {}
    except (AttributeError, NotImplementedError, RuntimeError):  # torch's own names, which no version promises
        return {}


@torch.no_grad()
def _agree(packed: PackedLinear, plain: nn.Linear) -> bool:
    """Whether a packed layer answers a few made-up rows as before."""
    probes = [torch.linspace(-1, 1, rows * plain.in_features).view(rows, -1) for rows in PROBED_ROWS]
    return all(torch.allclose(packed(probe), plain(probe), TOLERANCE, TOLERANCE) for probe in probes)
