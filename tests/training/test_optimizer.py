"""AdamW: decay on matrices only, idle heads stand still, and one step as the formula says."""

from dataclasses import dataclass

import pytest
import torch
from torch import nn

from training.optimizer import AdamW, build_adamw, set_rates


@dataclass(frozen=True)
class Part:
    name: str
    heads: frozenset[str] | None
    parameters: tuple[tuple[str, nn.Parameter], ...]


def part(name, heads=None, frozen=False):
    shapes = {"weight": (3, 2), "bias": (3,)}
    parameters = [(key, nn.Parameter(torch.ones(shape), requires_grad=not frozen)) for key, shape in shapes.items()]
    return Part(name, heads, tuple(parameters))


def step(parts, settings, rate, active, gradient=0.0):
    optimizer = build_adamw(parts, settings)
    for group in parts:
        for _, parameter in group.parameters:
            if parameter.requires_grad:
                parameter.grad = torch.full_like(parameter, gradient)
    set_rates(optimizer, parts, rate, frozenset(active))
    optimizer.step()
    return {f"{group.name}.{key}": p.detach() for group in parts for key, p in group.parameters}


def test_decay_falls_on_matrices_and_not_on_biases_or_norms():
    """Without a gradient AdamW multiplies by 1 - rate · decay and does nothing else."""
    after = step([part("encoder")], AdamW(0.1, weight_decay=0.5), 0.1, {})
    assert torch.allclose(after["encoder.weight"], torch.full((3, 2), 0.95))
    assert torch.equal(after["encoder.bias"], torch.ones(3))


def test_the_first_step_is_the_rate_against_the_gradients_sign():
    """Bias-corrected moments of a first step are g and g²: the step is rate · g / (|g| + epsilon)."""
    after = step([part("encoder")], AdamW(0.1, weight_decay=0.0, epsilon=0.5), 0.01, {}, gradient=1.0)
    assert torch.allclose(after["encoder.weight"], torch.full((3, 2), 1 - 0.01 / 1.5))


@pytest.mark.parametrize("gradient", [0.0, 3.0])
def test_an_idle_head_does_not_move_by_a_bit_with_decay_on(gradient):
    heads = [part("encoder"), part("head:a", frozenset({"a"})), part("head:b", frozenset({"b"}))]
    after = step(heads, AdamW(0.1, weight_decay=0.5), 0.1, {"a"}, gradient)
    assert torch.equal(after["head:b.weight"], torch.ones(3, 2))
    assert torch.equal(after["head:b.bias"], torch.ones(3))
    assert not torch.equal(after["head:a.weight"], torch.ones(3, 2))
    assert not torch.equal(after["encoder.weight"], torch.ones(3, 2))


@pytest.mark.parametrize(("active", "moves"), [({"a"}, True), ({"b"}, True), ({"mlm"}, False)])
def test_parameters_of_several_heads_move_when_any_of_them_does(active, moves):
    pooler = part("pooler", frozenset({"a", "b"}))
    after = step([pooler], AdamW(0.1, weight_decay=0.5), 0.1, active)
    assert torch.equal(after["pooler.weight"], torch.ones(3, 2)) == (not moves)


def test_frozen_parameters_are_left_to_themselves():
    after = step([part("encoder", frozen=True), part("pooler")], AdamW(0.1, weight_decay=0.5), 0.1, {}, 1.0)
    assert torch.equal(after["encoder.weight"], torch.ones(3, 2))
