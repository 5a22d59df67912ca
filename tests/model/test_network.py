"""The network: which head runs when, what an idle one does, and what a sequence sees of its neighbours."""

import pytest
import torch

from model.batch import FlatBatch
from model.config import EncoderConfig, HeadSpec
from model.heads import IS_NEXT, IS_RANDOM, PAIR_LABELS
from model.network import Network
from tokenization.errors import RecipeError

SPECS = (
    HeadSpec("words", "mlm", 61),
    HeadSpec("pair", "pair", 2),
    HeadSpec("topic", "classification", 5),
    HeadSpec("score", "regression", 1),
    HeadSpec("tags", "tagging", 3),
)


@pytest.fixture
def network(config):
    return Network(config, SPECS, seed=3)


@pytest.fixture
def all_idle(select):
    return [select(spec.name, []) for spec in SPECS]


def test_logits_come_in_the_order_of_the_selections_with_the_heads_widths(network, ragged, select):
    selections = [select("tags", [1, 2]), select("words", [0]), select("score", [0, 4]), select("words", [3, 3, 1])]
    selections += [select("topic", []), select("pair", [4])]
    logits = network(ragged([4, 6], selections))
    assert [tuple(x.shape) for x in logits] == [(2, 3), (1, 61), (2, 1), (3, 61), (0, 5), (1, 2)]


def test_two_selections_of_one_head_get_what_each_would_get_alone(network, ragged, select):
    network.eval()
    first, second = select("words", [0, 5]), select("words", [3])
    both = network(ragged([4, 6], [first, second]))
    for alone, together in ((first, both[0]), (second, both[1])):
        assert (network(ragged([4, 6], [alone]))[0] - together).abs().max() <= 1e-6


def test_each_head_and_the_pooler_run_once_in_the_fixed_order(network, ragged, select):
    calls = []
    for name, module in [("pooler", network.pooler), *network.heads.items()]:
        module.register_forward_hook(lambda *_, name=name: calls.append(name))
    backwards = [select(spec.name, [0]) for spec in reversed(SPECS)] + [select("topic", [4])]
    network(ragged([4, 6], backwards))
    assert calls == ["pooler", *(spec.name for spec in SPECS)]


def test_idle_heads_have_zero_gradients_and_a_live_graph(network, ragged, select):
    selections = [select("words", [2, 3]), *(select(spec.name, []) for spec in SPECS[1:])]
    logits = network(ragged([4, 6], selections))
    sum((x**2).sum() for x in logits).backward()
    norms = {group.name: [p.grad.norm().item() for _, p in group.parameters] for group in network.groups()}
    assert min(norms["head:words"]) > 0
    for name in ("pooler", "head:pair", "head:topic", "head:score", "head:tags"):
        assert norms[name] == [0.0] * len(norms[name])


@pytest.mark.parametrize("autocast", [False, True])
def test_an_empty_micro_batch_gives_zero_gradients_everywhere(network, ragged, all_idle, autocast):
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        logits = network(ragged([], all_idle))
    sum(x.float().sum() for x in logits).backward()
    assert all(p.grad is not None and not p.grad.any() for p in network.parameters())


def test_a_head_out_of_the_graph_is_refused_in_training_and_allowed_in_evaluation(network, ragged, select):
    batch = ragged([4], [select("tags", [1])])
    with pytest.raises(ValueError, match="'words' has no selection"):
        network(batch)
    assert len(network.eval()(batch)) == 1


def test_only_active_heads_run(network, ragged, select):
    network.active = ("tags", "words")
    assert network.active == ("words", "tags")
    logits = network(ragged([4], [select("tags", [1]), select("words", [0, 2])]))
    logits[0].sum().backward()
    assert network.pooler.dense.weight.grad is None
    with pytest.raises(ValueError, match="reads head 'topic'; active heads: words, tags"):
        network(ragged([4], [select("topic", [1])]))


def test_activating_an_unknown_head_names_the_nearest(network):
    with pytest.raises(RecipeError, match=r"no head 'topik'.*Did you mean 'topic'"):
        network.active = ("topik",)


def test_groups_hold_every_parameter_exactly_once_under_its_own_name(network):
    groups = network.groups()
    names = [name for group in groups for name, _ in group.parameters]
    assert [group.name for group in groups] == ["encoder", "pooler", *(f"head:{spec.name}" for spec in SPECS)]
    assert [group.heads for group in groups[:3]] == [None, {"pair", "topic", "score"}, {"words"}]
    assert sorted(names) == sorted(name for name, _ in network.named_parameters())
    state = network.state_dict()
    assert all(torch.equal(state[name], p) for group in groups for name, p in group.parameters)


def test_the_masked_lm_shares_the_word_embedding(network):
    assert network.heads["words"].decoder is network.encoder.embeddings.word.weight


@pytest.mark.parametrize("norm", ["post", "pre"])
def test_rows_that_are_read_are_the_rows_of_the_whole_output_and_so_are_their_gradients(config, ragged, norm):
    network = Network(EncoderConfig(**{**vars(config), "norm": norm}), SPECS).double().eval()
    batch, attention = ragged([7, 1, 12]), network._implementation(torch.device("cpu"))
    rows_R = torch.tensor([0, 7, 8, 19, 8])
    weights_RD = torch.randn(len(rows_R), config.hidden, dtype=torch.float64)

    def found(read_RD):
        return read_RD, torch.autograd.grad((read_RD * weights_RD).sum(), list(network.encoder.parameters()))

    whole_RD, whole = found(network.encoder(batch, attention)[rows_R])
    read_RD, read = found(network.encoder(batch, attention, rows_R))
    assert (read_RD - whole_RD).abs().max() <= 1e-12
    assert max((a - b).abs().max() for a, b in zip(read, whole, strict=True)) <= 1e-10


@pytest.mark.parametrize("norm", ["post", "pre"])
def test_a_sequence_sees_nothing_of_its_neighbours(config, ragged, norm):
    """Reordering sequences, or adding some, changes no output row."""
    config = EncoderConfig(**{**vars(config), "norm": norm})
    network = Network(config, SPECS).eval()
    attention = network._implementation(torch.device("cpu"))
    batch = ragged([9, 3, 30, 10])
    hidden_TD = network.encoder(batch, attention)
    order = [2, 0, 3, 1]
    bounds = batch.offsets_N1.tolist()
    rows = torch.cat([torch.arange(bounds[i], bounds[i + 1]) for i in order])
    for chosen in (rows, rows[:39]):  # all four in another order; the first two of it alone
        lengths = [int(batch.lengths_N[i]) for i in order][: 4 if len(chosen) == len(rows) else 2]
        moved = FlatBatch(
            batch.tokens_T[chosen],
            batch.segments_T[chosen],
            batch.positions_T[chosen],
            torch.tensor([0, *lengths]).cumsum(0),
        )
        assert (network.encoder(moved, attention) - hidden_TD[chosen]).abs().max() <= 1e-5


def test_pre_ln_with_idle_branches_is_the_normalised_embedding(config, ragged):
    """Closed form: with every branch's last matrix at zero, x passes through and only the final LayerNorm is left."""
    network = Network(EncoderConfig(**{**vars(config), "norm": "pre"}), ()).eval()
    with torch.no_grad():
        for block in network.encoder.blocks:
            block.attention.out.weight.zero_()
            block.feed_forward.down.weight.zero_()
        batch = ragged([5, 8])
        x_TD = network.encoder.embeddings(batch.tokens_T, batch.positions_T, batch.segments_T)
        expected = (x_TD - x_TD.mean(1, keepdim=True)) / x_TD.std(1, correction=0, keepdim=True)
        hidden_TD = network.encoder(batch, network._implementation(torch.device("cpu")))
    assert (hidden_TD - expected).abs().max() <= 1e-4


def test_parameters_are_used_only_inside_the_forward_of_their_owner(config, ragged, select):
    """What ZeRO-3 asks: here each module's own parameters are emptied whenever it does not run."""
    network = Network(config, SPECS).eval()
    batch = ragged([4, 6], [select(spec.name, [0, 4]) for spec in SPECS])
    with torch.no_grad():
        expected = network(batch)
        for module in network.modules():
            own = [(p, p.data) for p in module.parameters(recurse=False)]

            def gather(*_, own=own):
                for parameter, data in own:
                    parameter.data = data

            def release(*_, own=own):
                for parameter, data in own:
                    parameter.data = data.new_empty(0)

            if own:
                module.register_forward_pre_hook(gather)
                module.register_forward_hook(release)
        for parameter in network.parameters():
            parameter.data = parameter.data.new_empty(0)
        found = network(batch)
    assert all(torch.equal(a, b) for a, b in zip(expected, found, strict=True))


def test_dropout_is_repeatable_from_the_seed_and_off_in_evaluation(config, ragged, select):
    network = Network(EncoderConfig(**{**vars(config), "dropout": 0.3}), SPECS)
    batch = ragged([4, 6], [select(spec.name, [0, 4]) for spec in SPECS])
    outcomes = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        outcomes.append(torch.cat([x.flatten() for x in network(batch)]))
    assert torch.equal(outcomes[0], outcomes[1])
    assert not torch.equal(outcomes[0], outcomes[2])
    network.eval()
    assert all(torch.equal(a, b) for a, b in zip(network(batch), network(batch), strict=True))


def test_repeated_rows_add_their_gradients(network, ragged, select):
    """A row read three times counts three times: the gradient is three times that of one reading."""
    gradients = []
    for rows in ([2], [2, 2, 2]):
        network.zero_grad()
        network.eval()(ragged([4], [select("tags", rows)]))[0].sum().backward()
        gradients.append(network.encoder.blocks[0].attention.qkv.weight.grad.clone())
    assert (3 * gradients[0] - gradients[1]).abs().max() <= 1e-5 * gradients[1].abs().max()


def test_bf16_autocast_stays_near_fp32(network, ragged, select):
    network.eval()
    batch = ragged([4, 30, 11], [select("words", [1, 20])])
    with torch.autocast("cpu", torch.bfloat16):
        rough = network(batch)[0]
    exact = network(batch)[0]
    assert (rough.float() - exact).norm() <= 2e-2 * exact.norm()


def test_the_pair_heads_classes_follow_the_original_bert():
    assert (PAIR_LABELS[IS_NEXT], PAIR_LABELS[IS_RANDOM], IS_NEXT, IS_RANDOM) == ("IsNext", "IsRandom", 0, 1)


@pytest.mark.parametrize(
    ("heads", "message"),
    [
        ([HeadSpec("a", "tagging", 3), HeadSpec("a", "pair", 2)], "two heads are called 'a'"),
        ([HeadSpec("mlm", "mlm", 60)], "encoder.vocab_size = 61"),
        ([HeadSpec("items", "tagging", 3)], "torch uses this name itself"),
    ],
)
def test_heads_that_cannot_stand_together_are_refused(config, heads, message):
    with pytest.raises(RecipeError, match=message):
        Network(config, heads)


def test_an_unknown_attention_is_refused_before_any_work(config):
    with pytest.raises(RecipeError, match=r"encoder\.attention is 'flash'"):
        Network(config, (), attention="flash")
