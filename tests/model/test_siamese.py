"""The Siamese head. Oracles: its closed form, and a text by itself."""

import torch

from model.initialise import initialise
from model.reading import Reading
from model.siamese import SiameseHead, vectors


def test_the_answer_is_a_linear_layer_on_both_means_their_distance_and_their_product():
    head = SiameseHead(2, 8, rate=0.0)
    with torch.no_grad():
        head.linear.weight.copy_(torch.eye(8))
        head.linear.bias.zero_()
    rows = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, -6.0]])
    logits = head(Reading(rows, torch.tensor([0, 3]), torch.tensor([0, 0, 1])))
    assert logits.tolist() == [[2, 3, 5, -6, 3, 9, 10, -18]]


def test_a_vector_is_that_of_its_text_alone_whatever_it_is_paired_with():
    generator = torch.Generator().manual_seed(0)
    texts = [torch.randn(length, 5, generator=generator) for length in (3, 4, 2)]
    alone = [vectors(Reading(text, torch.tensor([0, len(text)]), torch.zeros(len(text)).long())) for text in texts]
    for one, other in ((0, 1), (2, 1), (0, 2)):
        lengths = [len(texts[one]), len(texts[other])]
        sides = torch.tensor([0, 1]).repeat_interleave(torch.tensor(lengths))
        both = Reading(torch.cat([texts[one], texts[other]]), torch.tensor([0, sum(lengths)]), sides)
        assert torch.equal(vectors(both, 0), alone[one])
        assert torch.equal(vectors(both, 1), alone[other])


def test_answers_to_vectors_equal_answers_to_rows():
    head = SiameseHead(4, 3, rate=0.0)
    initialise(head, 1, deviation=0.5)
    reading = Reading(torch.randn(9, 4), torch.tensor([0, 4, 9]), torch.tensor([0, 0, 1, 1, 0, 1, 1, 1, 1]))
    assert torch.equal(head(reading), head.answer(vectors(reading, 0), vectors(reading, 1)))
