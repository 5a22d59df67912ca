"""The address of stored vectors. Oracle: equal where every number would be, another where one might differ."""

from dataclasses import replace

import pytest
import torch

from model.config import EncoderConfig, HeadSpec
from model.network import Network
from pipeline.vector_address import encoder_content, vector_address

CONFIG = EncoderConfig(11, layers=1, hidden=8, heads=2, feed_forward=8, positions=8, dropout=0.0)


def test_an_encoder_is_known_by_its_weights_and_sizes_not_by_dropout_or_heads() -> None:
    known = encoder_content(Network(CONFIG, (), seed=1))
    assert encoder_content(Network(replace(CONFIG, dropout=0.5), (), seed=1)) == known
    assert encoder_content(Network(CONFIG, (HeadSpec("topic", "classification", 2),), seed=1)) == known
    assert encoder_content(Network(replace(CONFIG, heads=1), (), seed=1)) != known  # the same weights, read otherwise
    moved = Network(CONFIG, (), seed=1)
    with torch.no_grad():
        moved.encoder.embeddings.word.weight[3, 2] += 1e-6
    assert encoder_content(moved) != known


def test_vectors_are_told_apart_by_weights_device_way_and_version_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = (("a", "cpu", {"pool": "mean"}), ("b", "cpu", {"pool": "mean"}), ("a", "cuda", {"pool": "mean"}))
    found = [vector_address(*one) for one in (*asked, ("a", "cpu", {"pool": "max"}))]
    assert len(set(found)) == 4
    assert vector_address(*asked[0]) == found[0]
    monkeypatch.setattr(torch, "__version__", "0.1")
    assert vector_address(*asked[0]) not in found
