"""Writing: token by token equal to reading all from the start, and the search equal to looking at every text.

Shape letters: T tokens, R texts, V vocabulary.
"""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.batch import FlatBatch, Selection, Targets
from model.beam import highest, length_penalty
from model.conditional import Condition
from model.config import EncoderConfig, HeadSpec
from model.generate import GenerationSettings, SpecialIds, generate
from model.kinds import LEFT, PREFIX, Kinds
from model.network import Network
from model.writers import DecoderWriter, EncoderWriter
from tokenization.errors import RecipeError

START, END, MASK = 2, 1, 3
WAYS = ("decoder", "prefix", "left")
ORDINARY = (4, 5, 6, 7)
IDS = SpecialIds(START, END, MASK, never=(0, START, MASK))
SOURCES = ([2, 5, 6, 7, 4, 1], [2, 7, 1], [2, 4, 4, 6, 5, 5, 7, 1], [2, 6, 1])


@pytest.fixture(scope="module")
def network():
    """Of so small a vocabulary that every short text can be looked at; sure enough of itself that texts differ."""
    config = EncoderConfig(8, 2, 16, 4, 24, 32, dropout=0.1, initializer_range=0.5)
    heads = (HeadSpec("mlm", "mlm", 8), HeadSpec("decoder", "decoder", 8))
    return Network(config, heads, "padded", seed=5).eval()


def flat(sequences, segments=None, **more):
    lengths = [len(sequence) for sequence in sequences]
    tokens_T = torch.tensor([token for sequence in sequences for token in sequence], dtype=torch.int64)
    positions_T = torch.tensor([place for length in lengths for place in range(length)], dtype=torch.int64)
    segments_T = (
        torch.zeros_like(tokens_T) if segments is None else torch.tensor([side for row in segments for side in row])
    )
    return FlatBatch(tokens_T, segments_T, positions_T, torch.tensor([0, *lengths]).cumsum(0), **more)


def asked(head, rows):
    rows_M = torch.tensor(rows)
    return (Selection("stream", head, head, rows_M, torch.zeros_like(rows_M)),)


def from_the_start(network, by, source, texts, condition=None):
    """Log probabilities (R, V) of what follows each text, by the network's ordinary forward pass of whole sequences."""
    if by == "decoder":
        given = [[START, *text] for text in texts]
        laid = flat(given)
        targets = Targets(laid.tokens_T, laid.positions_T, laid.offsets_N1, torch.zeros(len(texts), dtype=torch.int64))
        batch = flat([source], targets=targets, selections=asked("decoder", (laid.offsets_N1[1:] - 1).tolist()))
        sequences = 1
    else:
        more = [MASK] if by == "prefix" else []
        whole = [[*source, *text, *more] for text in texts]
        ahead = 1 if by == "prefix" else 0
        segments = [[0] * len(source) + [ahead] * (len(one) - len(source)) for one in whole]
        kind_N = torch.full((len(texts),), PREFIX if by == "prefix" else LEFT)
        last = np.cumsum([len(one) for one in whole]) - 1
        kinds = Kinds(kind_N, torch.full_like(kind_N, len(source)))
        batch = flat(whole, segments, kinds=kinds, selections=asked("mlm", last.tolist()))
        sequences = len(texts)
    if condition is not None:
        batch = replace(batch, conditions_N=torch.full((sequences,), condition))
    with torch.no_grad():
        return network(batch)[0].log_softmax(dim=1)


def greedy(network, by, source, longest):
    text = []
    while len(text) < longest:
        chances_V = from_the_start(network, by, source, [text])[0]
        token = max((END, *ORDINARY), key=lambda token: float(chances_V[token]))
        if token == END:
            break
        text.append(token)
    return text


def best_of_all(network, by, source, settings):
    """The best of all texts of at most `longest` ordinary tokens, each scored from the start; ends are forced."""
    scores = {(): 0.0}
    for length in range(settings.longest):
        texts = [text for text in scores if len(text) == length]
        chances = from_the_start(network, by, source, texts).tolist()
        for text, chances_V in zip(texts, chances, strict=True):
            scores |= {(*text, token): scores[text] + chances_V[token] for token in ORDINARY}
    ends = from_the_start(network, by, source, list(scores))[:, END].tolist()
    whole = {
        text: (score + end) / ((5 + len(text) + 1) / 6) ** settings.length_penalty
        for (text, score), end in zip(scores.items(), ends, strict=True)
        if len(text) >= settings.shortest
    }
    return list(max(whole, key=lambda text: whole[text]))


def plain_beam(network, by, source, settings):
    """Beam search as the docstring of `model.beam` has it, from the start at each step."""
    going, finished = [(0.0, [])], []
    for length in range(settings.longest + 1):
        chances = from_the_start(network, by, source, [text for _, text in going]).tolist()
        steps = [
            (score + chances_V[token], [*text, token])
            for (score, text), chances_V in zip(going, chances, strict=True)
            for token in (END, *ORDINARY)
            if (token == END or length < settings.longest) and (token != END or length >= settings.shortest)
        ]
        steps = sorted(steps, key=lambda step: -step[0])[: 2 * settings.beam]
        finished += [step for step in steps[: settings.beam] if step[1][-1] == END]
        going = [step for step in steps if step[1][-1] != END][: settings.beam]
        if len(finished) >= settings.beam or not going:
            break
    best = max(finished, key=lambda step: step[0] / ((5 + len(step[1])) / 6) ** settings.length_penalty)
    return best[1][:-1]


@pytest.mark.parametrize("by", WAYS)
def test_each_step_gives_the_logits_of_the_whole_text_read_from_the_start(network, by):
    """With hypotheses that are exchanged, dropped and doubled, and a source that is done."""
    walk(network, by, None)


@pytest.mark.parametrize("by", WAYS)
def test_so_it_does_under_norms_of_the_task_s_own(network, by):
    head = "decoder" if by == "decoder" else "mlm"
    shifted = Network(network.config, network.specs, "padded", seed=5, conditions=(Condition("task", head, 1),)).eval()
    torch.nn.init.normal_(shifted.conditional.offsets.weight, std=0.5)
    plain, moved = (from_the_start(one, by, SOURCES[0], [[]], 1) for one in (network, shifted))
    assert not torch.allclose(plain, moved, atol=0.1)
    walk(shifted, by, 1)


def walk(network, by, condition):
    """Some steps of a writer against reading everything from the start."""
    beam = 3
    batch = flat(SOURCES, conditions_N=None if condition is None else torch.full((4,), condition))
    with torch.no_grad():
        if by == "decoder":
            writer = DecoderWriter(network, batch, beam, START)
        else:
            writer = EncoderWriter(network, batch, beam, MASK if by == "prefix" else None)
        sources, texts = list(range(4)), [[] for _ in range(4 * beam)]
        logits_RV = writer.begin()
        generator = np.random.default_rng(1)
        for step in range(5):
            for place, source in enumerate(sources):
                here = slice(place * beam, (place + 1) * beam)
                expected = from_the_start(network, by, SOURCES[source], texts[here], condition)
                torch.testing.assert_close(logits_RV[here].log_softmax(dim=1), expected, atol=1e-5, rtol=1e-5)
            left = [place for place in range(len(sources)) if step != 2 or place != 1]
            parents = [place * beam + int(generator.integers(beam)) for place in left for _ in range(beam)]
            tokens = generator.choice(ORDINARY, len(parents)).tolist()
            texts = [[*texts[parent], token] for parent, token in zip(parents, tokens, strict=True)]
            sources = [sources[place] for place in left]
            left_N = None if step != 2 else torch.tensor(left)
            logits_RV = writer.go_on(torch.tensor(parents), torch.tensor(tokens), left_N)


@pytest.mark.parametrize("by", WAYS)
def test_one_hypothesis_is_greedy(network, by):
    found = generate(network, flat(SOURCES), GenerationSettings(longest=9), IDS, by)
    assert found == [greedy(network, by, source, 9) for source in SOURCES]
    assert len(set(map(tuple, found))) > 1


@pytest.mark.parametrize("by", WAYS)
@pytest.mark.parametrize(("shortest", "alpha"), [(0, 0.0), (0, 1.0), (2, 0.0), (0, 3.0)])
def test_enough_hypotheses_find_the_best_of_all_texts(network, by, shortest, alpha):
    settings = GenerationSettings(longest=3, shortest=shortest, beam=5**3, length_penalty=alpha)
    found = generate(network, flat(SOURCES), settings, IDS, by)
    assert found == [best_of_all(network, by, source, settings) for source in SOURCES]


def test_the_length_penalty_and_the_least_length_decide_between_texts_of_the_network_at_hand(network):
    """Or the test above would say nothing of them."""
    wide = GenerationSettings(longest=3, beam=5**3)
    found = {
        tuple(map(tuple, generate(network, flat(SOURCES), settings, IDS, by)))
        for by in WAYS
        for settings in (wide, replace(wide, length_penalty=3.0), replace(wide, shortest=2))
    }
    assert len(found) > 6


@pytest.mark.parametrize("by", WAYS)
@pytest.mark.parametrize(("beam", "alpha"), [(2, 0.0), (3, 0.8)])
def test_a_few_hypotheses_are_those_of_the_plain_search(network, by, beam, alpha):
    settings = GenerationSettings(longest=6, beam=beam, length_penalty=alpha)
    found = generate(network, flat(SOURCES), settings, IDS, by)
    assert found == [plain_beam(network, by, source, settings) for source in SOURCES]


@pytest.mark.parametrize("by", WAYS)
@pytest.mark.parametrize("beam", [1, 4])
def test_a_source_is_answered_the_same_in_any_company(network, by, beam):
    settings = GenerationSettings(longest=8, beam=beam, length_penalty=0.6)
    together = generate(network, flat(SOURCES), settings, IDS, by)
    assert together == [generate(network, flat([source]), settings, IDS, by)[0] for source in SOURCES]
    assert generate(network, flat(SOURCES[::-1]), settings, IDS, by) == together[::-1]


@pytest.mark.parametrize("by", WAYS)
def test_no_text_is_longer_or_shorter_than_it_may_be_or_holds_what_it_must_not(network, by):
    for shortest, longest in ((0, 1), (5, 5), (3, 7)):
        settings = GenerationSettings(longest, shortest, beam=3)
        never = replace(IDS, never=(*IDS.never, 4))
        for text in generate(network, flat(SOURCES), settings, never, by):
            assert shortest <= len(text) <= longest
            assert set(text) <= {5, 6, 7}


def test_the_length_penalty_is_that_of_the_paper():
    assert [length_penalty(1, alpha) for alpha in (0.0, 0.6, 1.0)] == [1.0, 1.0, 1.0]
    assert (length_penalty(7, 1.0), length_penalty(19, 0.5), length_penalty(9, 0.0)) == (2.0, 2.0, 1.0)
    assert length_penalty(4, 0.2) == pytest.approx((5 + 4) ** 0.2 / (5 + 1) ** 0.2)


@given(rows=st.lists(st.lists(st.integers(0, 3), min_size=8, max_size=8), min_size=1, max_size=4))
def test_of_equal_scores_the_first_are_taken(rows):
    scores_NC = torch.tensor(rows, dtype=torch.float32)
    scores_NC[scores_NC == 0] = -math.inf
    for count in (1, 3, 8):
        expected = [sorted(range(8), key=lambda c, row=row: (-row[c], c))[:count] for row in scores_NC.tolist()]
        assert highest(scores_NC, count).tolist() == expected


def test_where_all_is_equal_the_lowest_id_is_written(network):
    """A network whose matrices are zero finds every token as likely as any other."""
    even = Network(network.config, network.specs, "padded", seed=None)
    for parameter in even.parameters():
        torch.nn.init.zeros_(parameter)
    later_end = SpecialIds(START, 7, MASK, never=(0, START, MASK))
    for by, beam in itertools.product(WAYS, (1, 2)):
        settings = GenerationSettings(longest=3, beam=beam, length_penalty=0.0)
        assert generate(even, flat(SOURCES[:1]), settings, IDS, by) == [[]]
        found = generate(even, flat(SOURCES[:1]), replace(settings, shortest=3), later_end, by)
        assert found == [[1, 1, 1]]


def test_dropout_is_off_while_writing_and_the_mode_is_as_before_after_it(network):
    settings = GenerationSettings(longest=5, beam=2)
    still = generate(network, flat(SOURCES), settings, IDS)
    network.train()
    try:
        assert generate(network, flat(SOURCES), settings, IDS) == still
        assert network.training
        assert network.heads["decoder"].training
    finally:
        network.eval()


def test_of_no_sources_nothing_is_written(network):
    assert generate(network, flat([]), GenerationSettings(longest=3), IDS) == []


def test_a_text_that_fits_no_positions_and_a_head_that_is_not_there_are_refused(network):
    fits = GenerationSettings(longest=31)
    assert generate(network, flat([SOURCES[1]]), fits, IDS) != [None]
    with pytest.raises(RecipeError, match=r"32 tokens by decoder takes 33 positions .* the encoder has 32"):
        generate(network, flat([SOURCES[1]]), replace(fits, longest=32), IDS)
    with pytest.raises(RecipeError, match="a source of 8 tokens"):
        generate(network, flat(SOURCES), replace(fits, longest=24), IDS, "prefix")
    bare = Network(network.config, (HeadSpec("mlm", "mlm", 8),), "padded")
    with pytest.raises(RecipeError, match="needs a head 'decoder'; it has mlm"):
        generate(bare, flat(SOURCES), fits, IDS)


@pytest.mark.parametrize("given", [{"longest": 0}, {"shortest": 6}, {"beam": 0}, {"length_penalty": -0.1}])
def test_settings_that_mean_nothing_are_refused_by_name(given):
    with pytest.raises(RecipeError, match=f"^{next(iter(given))} is"):
        GenerationSettings(**{"longest": 5, **given})
