"""Mask units from a recipe: what is refused, what is drawn, and what a stage's identity knows of a lexicon."""

from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from finetune.encoding import word_bounds
from pipeline import stage_identity
from pipeline.compose import mixture_of
from pipeline.recipe.load import dump_resolved
from pipeline.recipe.objective_settings import Spans
from pipeline.recipe.objectives import span_shares
from pipeline.stage_identity import identity_of
from tokenization.errors import RecipeError
from tokenization.words.continuation import continues_vocabulary

PAIRS = "objectives: [mlm, nsp], amount: {tokens: 400}}"
AUX = "        objectives: [mlm]\n        amount: {tokens: 100}"


def with_unit(house: Any, settings: str) -> None:
    house.rewrite(PAIRS, PAIRS.replace("[mlm, nsp]", f"[{{mlm: {settings}}}, nsp]"))


@pytest.fixture
def lexicon(house: Any) -> Any:
    (house.base / "data" / "phrases.txt").write_text("near a\nthe ship\n", encoding="utf-8")
    house.rewrite("general: {files: general.txt,", "general: {files: general.txt, lexicon: phrases.txt,")
    return house


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ("{unit: phrase}", r"mlm\.unit: 'phrase' needs the phrases: give corpora\.general\.lexicon"),
        ("{unit: word, span: {longest: 3}}", r"mlm\.span: longest given, but 'unit' is 'word'"),
        ("{span: {shares: {'1': 1.0}}}", r"mlm\.span: shares given, but 'unit' is 'token'"),
        ("{unit: span, span: {shares: {'1': 1.0}, longest: 3}}", r"'shares' stands in the place of 'geometric'"),
        ("{unit: wrod}", r"mlm\.unit"),
    ],
)
def test_units_that_cannot_be_and_settings_of_no_use_are_refused(house: Any, settings: str, why: str) -> None:
    with_unit(house, settings)
    with pytest.raises(RecipeError, match=why):
        house.recipe()


def test_phrases_are_refused_for_the_text_of_tasks(house: Any) -> None:
    house.rewrite(AUX, AUX.replace("[mlm]", "[{mlm: {unit: phrase}}]"))
    with pytest.raises(RecipeError, match=r"'phrase' goes only with a corpus"):
        house.recipe()


def test_the_geometric_law_has_spanberts_mean_and_given_shares_are_taken() -> None:
    """Joshi et al. 2020, section 3.1: p = 0.2, at most 10 words, mean 3.8."""
    shares = np.array(span_shares(Spans()))
    assert (shares / shares.sum() @ np.arange(1, 11)) == pytest.approx(3.8, abs=0.01)
    assert span_shares(Spans(shares={1: 0.4, 3: 0.6})) == (0.4, 0.0, 0.6)


def test_lengths_of_spans_are_keys_as_one_writes_them(house: Any) -> None:
    with_unit(house, "{unit: span, span: {shares: {1: 0.4, 2: 0.6}}}")
    (objective, _) = house.recipe().stages[0].streams[0].objectives
    assert objective.mlm.span.shares == {1: 0.4, 2: 0.6}


@pytest.mark.parametrize("settings", ["{unit: word}", "{unit: span, span: {shares: {'1': 0.4, '2': 0.6}}}"])
def test_whole_words_of_pairs_and_of_the_text_of_tasks_are_masked(house: Any, settings: str) -> None:
    with_unit(house, settings)
    house.rewrite(AUX, AUX.replace("[mlm]", f"[{{mlm: {settings}}}]"))
    materials = house.materials("r")
    continues_V = continues_vocabulary(materials.tokenizer)
    assert continues_V.any()
    for stage, name in (("general", "general-pairs"), ("multitask", "aux")):
        opened = mixture_of(materials, materials.recipe.stage(stage))
        stream = next(stream for stream in opened.streams if stream.name == name)
        drawn = stream.source.draw(np.arange(200), stream.key)
        assert np.array_equal(drawn.continues_T, continues_V[drawn.tokens_T])
        _, rows = stream.objectives[0].apply(drawn, stream.key)
        chosen_T = np.zeros(len(drawn.tokens_T), dtype=bool)
        chosen_T[rows.rows_M] = True
        inside_T = np.flatnonzero(drawn.continues_T)
        assert np.array_equal(chosen_T[inside_T], chosen_T[inside_T - 1])


def test_the_resolved_recipe_says_the_same_units(house: Any) -> None:
    with_unit(house, "{unit: span, span: {shares: {'1': 0.4, '2': 0.6}}}")
    recipe = house.recipe()
    house.file.write_text(dump_resolved(recipe), encoding="utf-8")
    assert house.recipe() == recipe


def test_masking_single_tokens_asks_a_source_for_nothing(shared_house: Any) -> None:
    materials = shared_house.materials("done")
    for stage in materials.recipe.stages:
        for stream in mixture_of(materials, stage).streams:
            assert stream.source.draw(np.arange(3), stream.key).continues_T is None


def test_a_lexicon_is_part_of_the_identity_of_the_stages_that_mask_its_phrases(lexicon: Any) -> None:
    with_unit(lexicon, "{unit: phrase}")

    def data(stage: str) -> Any:
        materials = lexicon.materials("r")
        return identity_of(materials, lexicon.folder("r"), materials.recipe.stage(stage))["data"]

    before = data("general")
    assert set(before) == {"general", "general.lexicon"}
    (lexicon.base / "data" / "phrases.txt").write_text("the ship\n\nnear a\nnear a\n", encoding="utf-8")
    assert data("general") == before
    (lexicon.base / "data" / "phrases.txt").write_text("the ship\n", encoding="utf-8")
    after = data("general")
    assert after["general"] == before["general"]
    assert after["general.lexicon"] != before["general.lexicon"]


@pytest.mark.parametrize("objective", ["mlm", "seq2seq"])
def test_masked_phrases_are_whole_entries_of_the_lexicon(lexicon: Any, objective: str) -> None:
    """Sun et al. 2019, "ERNIE", section 3.2: every `near a` and `the …` that stands there is masked whole or not."""
    lexicon.rewrite(PAIRS, PAIRS.replace("[mlm, nsp]", f"[{{{objective}: {{unit: phrase}}}}]"))
    materials = lexicon.materials("r")
    tokenizer = materials.tokenizer
    (stream,) = mixture_of(materials, materials.recipe.stage("general")).streams
    drawn = stream.source.draw(np.arange(400), stream.key)
    _, rows = stream.objectives[0].apply(drawn, stream.key)
    chosen_T = np.isin(np.arange(len(drawn.tokens_T)), rows.rows_M)
    found = 0
    for phrase in ("near a", "the ship"):
        ids = tokenizer.encode_flat([phrase])[0]
        starts = np.flatnonzero((sliding_window_view(drawn.tokens_T, len(ids)) == ids).all(1))
        masked = chosen_T[starts[:, None] + np.arange(len(ids))]
        assert (masked.all(1) | ~masked.any(1)).all()
        found += masked.all(1).sum()
    assert found > 100


def test_spans_of_tokens_ask_a_source_for_nothing_and_need_no_segmenter(house: Any) -> None:
    with_unit(house, "{unit: span, span: {of: token, shares: {1: 0.8, 2: 0.1, 3: 0.1}}}")
    house.rewrite("general: {files: general.txt,", "general: {files: general.txt, language: zh,")
    materials = house.materials("r")
    assert materials.recipe.corpora["general"].segmenter is None
    (stream,) = mixture_of(materials, materials.recipe.stage("general")).streams
    drawn = stream.source.draw(np.arange(30), stream.key)
    assert drawn.continues_T is None
    assert len(stream.objectives[0].apply(drawn, stream.key)[1].rows_M) > 30


@pytest.mark.parametrize(("settings", "counts"), [("mlm", False), ("{mlm: {unit: word}}", True)])
def test_what_cuts_the_text_of_tasks_counts_where_its_words_are_masked(
    house: Any, monkeypatch: pytest.MonkeyPatch, settings: str, counts: bool
) -> None:
    house.rewrite(AUX, AUX.replace("[mlm]", f"[{settings}]"))
    materials = house.materials("r")
    before = stage_identity._data(materials, materials.recipe.stage("multitask"))
    monkeypatch.setattr(word_bounds, "version", lambda name: "another")
    after = stage_identity._data(materials, materials.recipe.stage("multitask"))
    assert {key for key in after if after[key] != before[key]} == ({"segmenter of tasks"} if counts else set())


def test_a_run_that_masks_phrases_ends_and_its_plan_writes_nothing(lexicon: Any) -> None:
    with_unit(lexicon, "{unit: phrase}")
    lexicon.run("r", only="general")
    (folder,) = (lexicon.base / "runs" / "store" / "corpora").glob("general-*/phrases-*")
    assert (folder / "phrases.json").is_file()
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    materials = lexicon.materials("r")
    reading = type(materials)(materials.recipe, materials.store, print, make=False)
    opened = mixture_of(reading, reading.recipe.stage("general"))
    assert opened.streams[0].source.draw(np.arange(8), opened.streams[0].key).continues_T.any()
    assert not folder.exists()
