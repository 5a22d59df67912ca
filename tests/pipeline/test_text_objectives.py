"""Text objectives from a recipe: what is refused, what a stage draws, how its LM head is measured, what is exported."""

import itertools
import json
import math
from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from transformers import AutoModelForMaskedLM, BertLMHeadModel

from model.config import HeadSpec
from model.kinds import KINDS
from model.network import Network
from model.public import HEADS, read_public
from model.public_load import load_into
from model.weights_file import read_safetensors
from pipeline.carried import carried_weights
from pipeline.compose import mixture_of
from pipeline.export import export_run
from pipeline.held_out import questions_of
from pipeline.recipe.load import load_recipe
from pipeline.stage_run import reader_of
from pipeline.tables import remarks
from pretrain.blocks import BlockSource
from pretrain.causal import CausalLM
from pretrain.held_out import read_held_out
from pretrain.masked_lm import MaskedLM
from pretrain.mass import MaskedSpan
from pretrain.pairs import PairSource
from pretrain.seq2seq import TargetCloze
from tests.pipeline.two_ranks import losses, run_under_zero
from tokenization.errors import DataError, RecipeError
from training.address import key_of
from training.batching import draw_step, flat_batch
from training.distributed import World

PAIRS = "{source: {pairs_of: general, length: 48}, objectives: [mlm, nsp], amount: {tokens: 400}}"
STAGES = """stages:
  - name: lm
    kind: pretrain
    steps: 4
    streams:
"""
STREAM = "      - {{name: s{0}, source: {{{1}: general, length: 32}}, objectives: [{2}], amount: {{tokens: 100}}}}\n"


def with_streams(house: Any, *streams: tuple[str, str]) -> Any:
    """The house's recipe with one stage of these sources and objectives."""
    text = house.file.read_text(encoding="utf-8").split("stages:")[0]
    given = "".join(STREAM.format(place, *stream) for place, stream in enumerate(streams))
    house.file.write_text(text + STAGES + given, encoding="utf-8")
    return house


@pytest.mark.parametrize(
    ("source", "objectives", "why"),
    [
        ("pairs_of", "mlm, nsp, sop", "'nsp' and 'sop' each want another second sentence"),
        ("pairs_of", "seq2seq, sop", "'seq2seq' and 'sop' each want another second sentence"),
        ("blocks_of", "mlm, sop", "'sop' goes only with pairs_of, which has two sentences to ask about"),
        ("blocks_of", "seq2seq", "'seq2seq' goes only with pairs_of, which has a source and a target"),
        ("blocks_of", "{mlm: {attention: prefix}}", "'attention: prefix' of mlm goes only with pairs_of"),
        ("pairs_of", "{mlm: {attention: left}}, nsp", r"'nsp' is read at \[CLS\], which under 'mlm' does not see"),
        ("pairs_of", "{mlm: {attention: prefix}}, sop", r"'sop' is read at \[CLS\], which under 'mlm' does not see"),
        ("pairs_of", "causal, nsp", "'causal' and 'nsp' each want another second sentence"),
        ("pairs_of", "{causal: {direction: both}}, sop", "'causal' and 'sop' each want another second sentence"),
        ("pairs_of", "mlm, causal", "two objectives that edit the text"),
        (
            "blocks_of",
            "{causal: {direction: up}}",
            r"causal\.direction: given 'up'; allowed: 'left', 'right' or 'both'",
        ),
        ("pairs_of", "{seq2seq: {unit: word, span: {longest: 3}}}", r"seq2seq\.span: longest given, but 'unit' is"),
        ("pairs_of", "{seq2seq: {unit: phrase}}", r"seq2seq\.unit: 'phrase' needs the phrases"),
        ("pairs_of", "{seq2seq: {mask: 0.8, random: 0.5}}", r"seq2seq: mask \(0\.8\) and random \(0\.5\) add up"),
    ],
)
def test_what_cannot_be_asked_together_is_refused(house: Any, source: str, objectives: str, why: str) -> None:
    with pytest.raises(RecipeError, match=why):
        with_streams(house, (source, objectives)).recipe()


def test_sentence_pairs_under_right_to_left_attention_can_be_asked_about(house: Any) -> None:
    with_streams(house, ("pairs_of", "{mlm: {attention: right}}, nsp"), ("pairs_of", "mlm, sop")).recipe()


def test_attention_is_identity_only_where_it_is_not_the_usual_one(house: Any) -> None:
    def stage(objectives: str) -> Any:
        return with_streams(house, ("blocks_of", objectives)).recipe().stages[0].model_dump(exclude_defaults=True)

    assert stage("mlm") == stage("{mlm: {attention: both}}") != stage("{mlm: {attention: left}}")


UNILM = (
    ("pairs_of", "{mlm: {unit: span, span: {of: token, shares: {1: 0.8, 2: 0.1, 3: 0.1}}}}, nsp"),
    ("blocks_of", "{mlm: {attention: left}}"),
    ("blocks_of", "{mlm: {attention: right}}"),
    ("pairs_of", "seq2seq"),
    ("blocks_of", "{causal: {direction: both}}"),
    ("pairs_of", "mlm, sop"),
)


def test_each_sequence_of_a_mixed_batch_has_the_attention_of_its_stream(house: Any) -> None:
    """Dong et al. 2019, section 2.3: four language models, one encoder, one batch."""
    materials = with_streams(house, *UNILM).materials("r")
    mixture = mixture_of(materials, materials.recipe.stages[0])
    draw = draw_step(mixture, 0, 10_000)
    (part,) = draw.parts
    kinds = flat_batch(mixture, part).kinds
    assert kinds is not None
    names = [KINDS[kind] for kind in kinds.kind_N.tolist()]
    per_stream = np.split(np.array(names), np.cumsum([len(draws) for draws in part])[:-1])
    expected = [{"both"}, {"left"}, {"right"}, {"prefix"}, {"left", "right"}, {"both"}]
    assert all(set(found) <= allowed for found, allowed in zip(per_stream, expected, strict=True))
    sequences = mixture.streams[3].source.draw(np.sort(part[3]), mixture.streams[3].key)
    first = [int((sequences.segments_T[a:b] == 0).sum()) for a, b in _bounds(sequences.offsets_N1)]
    start = sum(len(draws) for draws in part[:3])
    assert kinds.reach_N.tolist()[start : start + len(first)] == first


@pytest.mark.parametrize(
    ("objectives", "second"),
    [
        ("mlm, nsp", "swap"),
        ("mlm", "next"),
        ("{mlm: {attention: prefix}}", "next"),
        ("mlm, sop", "order"),
        ("seq2seq", "next"),
        ("causal", "next"),
    ],
)
def test_a_pair_s_second_half_is_what_the_objectives_ask_about(house: Any, objectives: str, second: Any) -> None:
    materials = with_streams(house, ("pairs_of", objectives)).materials("r")
    (stream,) = mixture_of(materials, materials.recipe.stages[0]).streams
    expected = PairSource(materials.corpus("general"), materials.tokenizer, 32, second=second)
    draws = np.arange(100)
    found, wanted = (source.draw(draws, stream.key) for source in (stream.source, expected))
    assert np.array_equal(found.tokens_T, wanted.tokens_T)
    assert np.array_equal(found.labels_N, wanted.labels_N)


def test_masked_pairs_that_nobody_asks_about_need_no_negatives(house: Any) -> None:
    """Where one document holds most of the text, no second half can be drawn from another."""
    told = [f"anna sees the {word} . boris finds a hill ." for word in ("ship", "wave", "sail", "tide", "reef")]
    text = "\n".join(["clara paints the barn . david likes a wolf ."] * 200)
    (house.base / "data" / "general.txt").write_text("\n\n".join([text, *told]) + "\n", encoding="utf-8")

    def size(objectives: str) -> int:
        materials = with_streams(house, ("pairs_of", objectives)).materials("r")
        return int(mixture_of(materials, materials.recipe.stages[0]).streams[0].source.size)

    assert size("mlm")
    with pytest.raises(DataError, match="one document holds most of the text"):
        size("mlm, nsp")


def _bounds(offsets_N1: Any) -> Any:
    return itertools.pairwise(offsets_N1.tolist())


def test_all_of_them_train_in_one_stage_and_come_back_from_an_export(house: Any, tmp_path: Any) -> None:
    folder = with_streams(house, *UNILM).run("r")
    lines = folder.stage("lm").metrics.read_text(encoding="utf-8").splitlines()
    terms = json.loads(lines[-1])["terms"]
    assert terms.keys() == {
        "s0/mlm", "s0/nsp", "s1/mlm", "s2/mlm", "s3/seq2seq", "s4/causal", "s5/mlm", "s5/sop",
    }  # fmt: skip
    assert all(math.isfinite(term["loss"]) and term["count"] for term in terms.values())
    export_run(house.materials("r"), folder, tmp_path / "export")
    model = read_public(tmp_path / "export")
    assert [(spec.name, spec.kind) for spec in model.heads] == [("mlm", "mlm"), ("nsp", "pair"), ("sop", "pair")]
    assert {name.split(".")[1] for name in read_safetensors(tmp_path / "export" / HEADS)} == {"sop"}


def test_a_model_without_nsp_claims_none_and_its_sop_head_fits_no_other_question(house: Any, tmp_path: Any) -> None:
    """The public format's place for a pair head is read as next sentence prediction."""
    folder = with_streams(house, ("pairs_of", "mlm, sop")).run("r")
    export_run(house.materials("r"), folder, tmp_path / "export")
    _, report = AutoModelForMaskedLM.from_pretrained(tmp_path / "export", output_loading_info=True)
    assert not report["missing_keys"]
    assert all(name.startswith("bert.pooler.") for name in report["unexpected_keys"])
    model = read_public(tmp_path / "export")
    assert model.architecture == "BertForMaskedLM"
    by_name = {spec.name: spec for spec in model.heads}
    nsp = Network(model.config, [by_name["mlm"], HeadSpec("nsp", "pair", 2)], seed=1)
    assert {name.split(".")[1] for name in load_into(nsp, model).new if name.startswith("heads")} == {"nsp"}
    again = Network(model.config, list(by_name.values()), seed=1)
    assert load_into(again, model).new == ()


@pytest.mark.parametrize(
    ("streams", "asked"),
    [
        ([("blocks_of", "causal")], ("left",)),
        ([("blocks_of", "{causal: {direction: right}}")], ("right",)),
        ([("blocks_of", "{causal: {direction: both}}")], ("left", "right")),
        ([("blocks_of", "causal"), ("blocks_of", "mlm")], ("masked", "left")),
        ([("blocks_of", "causal"), ("blocks_of", "{mlm: {attention: left}}")], ("left", "masked-left")),
        ([("blocks_of", "{mlm: {attention: right}}")], ("masked-right",)),
        ([("pairs_of", "seq2seq")], ("masked-left", "seq2seq")),
        ([("pairs_of", "nsp")], ("nsp",)),
        ([("pairs_of", "mlm, sop"), ("blocks_of", "mass")], ("masked", "mass", "sop")),
    ],
)
def test_heads_are_measured_as_they_were_trained(house: Any, streams: Any, asked: tuple[str, ...]) -> None:
    assert questions_of(with_streams(house, *streams).recipe(), "lm", None) == asked


def test_the_ancestry_decides_not_the_stage_alone(house: Any) -> None:
    house.rewrite(PAIRS, "{source: {blocks_of: general, length: 32}, objectives: [causal], amount: {tokens: 400}}")
    recipe = house.recipe()
    later = ("masked", "left")
    assert [questions_of(recipe, stage.name, None) for stage in recipe.stages] == [("left",), later, later]


def test_the_ledger_of_a_causal_model_is_a_transformers_decoder_s_loss_and_accuracy(house: Any, tmp_path: Any) -> None:
    folder = with_streams(house, ("blocks_of", "causal")).run("r")
    materials = house.materials("r")
    export_run(materials, folder, tmp_path / "export")
    model = BertLMHeadModel.from_pretrained(tmp_path / "export", is_decoder=True).eval()
    source = BlockSource(materials.corpus("general"), materials.tokenizer, 48, held_out=True)
    drawn = source.draw(np.arange(round(400 / source.mean_length)), key_of("held-out", source.fingerprint))
    total = right = count = 0.0
    for start, stop in _bounds(drawn.offsets_N1):
        ids = torch.from_numpy(drawn.tokens_T[None, start:stop])
        with torch.no_grad():
            logits_TV = model(ids).logits[0, :-1]
        total += float(F.cross_entropy(logits_TV, ids[0, 1:], reduction="sum"))
        right += int((logits_TV.argmax(1) == ids[0, 1:]).sum())
        count += stop - start - 1
    boundary = json.loads(folder.stage("lm").manifest.read_text(encoding="utf-8"))["boundary"]
    assert boundary["lm_way"] == "left"
    assert boundary["lm"]["general"] == pytest.approx(total / count, rel=1e-5)
    assert boundary["lm_accuracy"]["general"] == pytest.approx(right / count)
    scores = json.loads(folder.scores.read_text(encoding="utf-8"))
    (row,) = (row for row in scores["ledger"]["rows"] if row.get("corpus") == "general")
    assert row["name"] == "general: held-out left-to-right LM loss"
    told = f"general: held-out left-to-right LM loss {total / count:.3f} (perplexity {math.exp(total / count):.3f}) is "
    assert any(line.startswith(told) for line in remarks(scores))


def test_each_way_and_each_objective_of_a_stage_is_measured_by_what_it_asks(house: Any) -> None:
    """Oracle: the carried weights, asked by objectives made here."""
    streams = ("blocks_of", "{causal: {direction: both}}"), ("blocks_of", "mass"), ("pairs_of", "seq2seq")
    folder = with_streams(house, *streams).run("r")
    materials = house.materials("r")
    boundary = json.loads(folder.stage("lm").manifest.read_text(encoding="utf-8"))["boundary"]
    assert boundary["lm_way"] == "left"
    assert set(boundary["further"]) == {"right", "masked-left", "seq2seq", "mass"}
    context: Any = SimpleNamespace(materials=materials, world=World(0, 1, torch.device("cpu")))
    stage = materials.recipe.stage("lm")
    reader = reader_of(context, stage, carried_weights(folder.stage("lm")))
    corpus, tokenizer = materials.corpus("general"), materials.tokenizer
    windows = BlockSource(corpus, tokenizer, 48, held_out=True)
    pairs = PairSource(corpus, tokenizer, 48, second="next", held_out=True)
    cloze = MaskedLM(tokenizer.mask, tokenizer.ordinary_ids)
    asked = {
        "right": (windows, CausalLM("right")),
        "seq2seq": (pairs, TargetCloze(cloze)),
        "mass": (windows, MaskedSpan(tokenizer.mask, tokenizer.ordinary_ids)),
    }
    for name, (source, objective) in asked.items():
        assert boundary["further"][name]["general"] == asdict(read_held_out(source, objective, reader, 400, 1000)), name
    told = "\n".join(remarks(json.loads(folder.scores.read_text(encoding="utf-8"))))
    for name, title in (("right", "right-to-left LM"), ("mass", "MASS")):
        loss = boundary["further"][name]["general"]["loss"]
        assert f"general: held-out {title} loss {loss:.3f}, perplexity {math.exp(loss):.3f}" in told
    assert told.count("perplexity") == 3  # none of the clozes


def test_a_corpus_whose_held_out_text_makes_no_pairs_is_left_out_with_the_reason(house: Any) -> None:
    lines = "\n\n".join(f"anna sees the ship {number} ." for number in range(60))
    (house.base / "data" / "single.txt").write_text(lines, encoding="utf-8")
    house.rewrite("corpora:\n", "corpora:\n  single: {files: single.txt, held_out: 0.2}\n")
    with_streams(house, ("pairs_of", "mlm, nsp"))
    folder = house.run("r", "evaluation.ledger.corpora=[general, single]")
    scores = json.loads(folder.scores.read_text(encoding="utf-8"))
    names = [row["name"] for row in scores["ledger"]["rows"]]
    assert "general: held-out NSP accuracy" in names
    assert not any("single" in name and "NSP" in name for name in names)
    assert "single: held-out MLM accuracy" in names
    (note,) = [note for note in scores["notes"] if "NSP" in note]
    assert note.startswith("single: its held-out text is not asked for NSP: corpus single: the median document has one")


def test_losses_of_another_question_stand_in_a_row_of_their_own(house: Any) -> None:
    house.rewrite(PAIRS, "{source: {blocks_of: general, length: 32}, objectives: [causal], amount: {tokens: 400}}")
    text = house.file.read_text(encoding="utf-8").split("  - name: multitask")[0]
    house.file.write_text(text, encoding="utf-8")
    folder = house.run("r", "general.steps=2", "domain.steps=2")
    scores = json.loads(folder.scores.read_text(encoding="utf-8"))
    rows = {row["name"]: [value is not None for value in row["values"]] for row in scores["ledger"]["rows"]}
    assert rows == {
        "general: held-out MLM loss": [False, True],
        "general: held-out MLM accuracy": [False, True],
        "general: held-out left-to-right LM loss": [True, True],
        "general: held-out left-to-right LM accuracy": [True, True],
    }
    assert any(line.startswith("general: held-out MLM loss") for line in remarks(scores))


def test_a_missing_lm_head_is_fitted_by_the_objective_that_the_first_stage_asks(house: Any, tmp_path: Any) -> None:
    house.rewrite(PAIRS, PAIRS.replace("[mlm, nsp]", "[nsp]"))
    sets = ("general.steps=2",)
    folder = house.run("bare", *sets, only="general")
    export_run(house.materials("bare", *sets), folder, tmp_path / "bare", stage="general")
    assert not any(spec.kind == "mlm" for spec in read_public(tmp_path / "bare").heads)
    text = house.file.read_text(encoding="utf-8").split("tokenizer:")[0]
    text += f"tokenizer: {{from: {tmp_path / 'bare'}}}\ncorpora:\n  general: {{files: general.txt, held_out: 0.1}}\n"
    text += f"encoder: {{from: {tmp_path / 'bare'}}}\nlm_head_fit: {{steps: 2, tokens: 100}}\n" + STAGES
    house.file.write_text(text + STREAM.format(0, "blocks_of", "causal"), encoding="utf-8")
    assert load_recipe(house.file, (), {})
    run = house.run("causal")
    terms = json.loads(run.stage("lm-head").metrics.read_text(encoding="utf-8").splitlines()[-1])["terms"]
    assert list(terms) == ["s0/causal"]


def test_a_mixed_stage_that_dies_goes_on_to_the_same_end(house: Any, lasting: Any) -> None:
    with_streams(house, *UNILM)
    whole = house.run("whole", "checkpoint.every=2")
    with house.killed_at("lm", 3):
        house.run("killed", "checkpoint.every=2")
    again = house.run("killed", "checkpoint.every=2")
    assert lasting(again.stage("lm").root) == lasting(whole.stage("lm").root)


@pytest.mark.slow
@pytest.mark.parametrize("stage", [3])
def test_zero_on_two_ranks_trains_mixed_attention_as_the_plain_engine_on_one(house: Any, stage: int) -> None:
    """Of three micro-batches two ranks run one of nothing."""
    with_streams(house, *UNILM)
    plain = house.run("plain")
    curves = [losses(folder, "lm") for folder in (plain, run_under_zero(house, stage, "zero"))]
    assert len(curves[0]) == 4
    assert curves[1] == pytest.approx(curves[0], rel=1e-5)
