"""The scores and the forgetting ledger, against computations of their own: other code, from the files alone."""

import json
from collections import Counter
from typing import Any

import numpy as np
import pytest
import scipy.stats
import torch
from torch.nn import functional as F
from transformers import BertForPreTraining

from pipeline.tables import remarks, scores_text
from pretrain.blocks import BlockSource
from pretrain.masked_lm import MaskedLM
from pretrain.pairs import PairSource
from tests.plain_corpus import numbers, span
from training.address import key_of


@pytest.fixture
def scores(done: Any) -> Any:
    return json.loads(done.scores.read_text())


def rows(house: Any, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (house.base / "data" / name).read_text().splitlines()]


def predictions(done: Any, task: str) -> list[Any]:
    path = done.stage("multitask").root / "predictions" / f"{task}.jsonl"
    found = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["id"] for row in found] == [str(number) for number in range(len(found))]
    return [row["label"] for row in found]


def test_accuracy_and_its_majority_baseline_are_what_counting_gives(shared_house: Any, done: Any, scores: Any) -> None:
    def labels(split: str) -> list[str]:
        lines = (shared_house.base / "data" / f"topic-{split}.tsv").read_text().splitlines()[1:]
        return [line.split("\t")[0] for line in lines]

    gold, answers = labels("dev"), predictions(done, "topic")
    task = scores["tasks"]["topic"]
    assert task["metrics"]["accuracy"] == pytest.approx(np.mean([g == a for g, a in zip(gold, answers, strict=True)]))
    commonest = Counter(labels("train")).most_common(1)[0][0]
    assert task["majority"] == pytest.approx(gold.count(commonest) / len(gold))
    assert task["rows"] == len(gold)


def test_correlations_and_tags_are_what_the_predictions_file_gives(shared_house: Any, done: Any, scores: Any) -> None:
    gold = [row["score"] for row in rows(shared_house, "alike-dev.jsonl")]
    found = scores["tasks"]["alike"]["metrics"]
    assert found["pearson"] == pytest.approx(scipy.stats.pearsonr(gold, predictions(done, "alike")).statistic)
    assert found["spearman"] == pytest.approx(scipy.stats.spearmanr(gold, predictions(done, "alike")).statistic)
    text = (shared_house.base / "data" / "names-dev.conll").read_text()
    tags = [[line.split()[1] for line in part.splitlines() if line] for part in text.split("\n\n") if part.strip()]
    pairs = [
        (g, a)
        for gs, given in zip(tags, predictions(done, "names"), strict=True)
        for g, a in zip(gs, given, strict=True)
    ]
    assert scores["tasks"]["names"]["metrics"]["accuracy"] == pytest.approx(np.mean([g == a for g, a in pairs]))


def test_the_joint_score_is_the_mean_of_the_primary_metrics(scores: Any) -> None:
    values = [task["metrics"][task["primary"]] for task in scores["tasks"].values()]
    assert len(values) == 3
    assert scores["joint"] == pytest.approx(sum(values) / 3)


def test_the_ledger_s_last_column_is_the_exported_models_loss_under_transformers(
    shared_house: Any, done: Any, scores: Any
) -> None:
    materials = shared_house.materials("done")
    source = BlockSource(materials.corpus("general"), materials.tokenizer, 48, held_out=True)
    items = min(source.size, max(1, round(400 / source.mean_length)))
    key = key_of("held-out", source.fingerprint)
    masked, chosen = MaskedLM(materials.tokenizer.mask, materials.tokenizer.ordinary_ids).apply(
        source.draw(np.arange(items), key), key
    )
    model = BertForPreTraining.from_pretrained(done.export).eval()
    total = 0.0
    for start, stop in zip(masked.offsets_N1[:-1], masked.offsets_N1[1:], strict=True):
        with torch.no_grad():
            logits_TV = model(torch.from_numpy(masked.tokens_T[None, start:stop])).prediction_logits[0]
        here = (chosen.rows_M >= start) & (chosen.rows_M < stop)
        rows_M, labels_M = torch.from_numpy(chosen.rows_M[here] - start), torch.from_numpy(chosen.labels_M[here])
        total += float(F.cross_entropy(logits_TV[rows_M], labels_M, reduction="sum"))
    row = next(row for row in scores["ledger"]["rows"] if row["name"] == "general: held-out MLM loss")
    assert row["values"][-1] == pytest.approx(total / len(chosen.rows_M), rel=1e-5)
    assert scores["ledger"]["columns"] == ["general", "domain", "multitask"]
    assert None not in row["values"]


def test_the_ledger_s_nsp_row_is_the_exported_models_answer_to_held_out_pairs_under_transformers(
    shared_house: Any, done: Any, scores: Any
) -> None:
    materials = shared_house.materials("done")
    source = PairSource(materials.corpus("general"), materials.tokenizer, 48, held_out=True)
    items = min(source.size, max(1, round(400 / source.mean_length)))
    drawn = source.draw(np.arange(items), key_of("held-out", source.fingerprint))
    model = BertForPreTraining.from_pretrained(done.export).eval()
    logits = []
    for start, stop in zip(drawn.offsets_N1[:-1], drawn.offsets_N1[1:], strict=True):
        ids, kinds = (torch.from_numpy(one[None, start:stop]) for one in (drawn.tokens_T, drawn.segments_T))
        with torch.no_grad():
            logits.append(model(ids, token_type_ids=kinds).seq_relationship_logits[0])
    labels_N, logits_NC = torch.from_numpy(drawn.labels_N), torch.stack(logits)
    rows = {row["name"]: row["values"] for row in scores["ledger"]["rows"]}
    assert rows["general: held-out NSP loss"][-1] == pytest.approx(
        float(F.cross_entropy(logits_NC, labels_N)), rel=1e-4
    )
    right = float((logits_NC.argmax(1) == labels_N).double().mean())
    assert rows["general: held-out NSP accuracy"][-1] == pytest.approx(right)
    assert None not in rows["general: held-out NSP accuracy"]


def test_the_unigram_entropy_is_that_of_the_same_held_out_text(shared_house: Any, scores: Any) -> None:
    materials = shared_house.materials("done")
    source = BlockSource(materials.corpus("general"), materials.tokenizer, 48, held_out=True)
    items = min(source.size, max(1, round(400 / source.mean_length)))
    drawn = source.draw(np.arange(items), key_of("held-out", source.fingerprint))
    counts = Counter(token for token in drawn.tokens_T.tolist() if token not in materials.tokenizer.specials)
    entropy = scipy.stats.entropy(list(counts.values()))
    assert scores["unigram_entropy"]["general"] == pytest.approx(entropy)


def test_the_loss_is_told_beside_the_entropy_of_the_same_text(scores: Any) -> None:
    entropy = scores["unigram_entropy"]["general"]
    loss = next(row["values"][-1] for row in scores["ledger"]["rows"] if row["name"].startswith("general: "))
    side = f"{entropy - loss:.3f} nats below" if loss < entropy else f"{loss - entropy:.3f} nats above"
    assert any(line.startswith(f"general: held-out MLM loss {loss:.3f} is {side}") for line in remarks(scores))


def test_held_out_text_is_drawn_by_no_stage(shared_house: Any, done: Any) -> None:
    corpus = shared_house.materials("done").corpus("general")
    held_out = {span(corpus, int(document)) for document in numbers(corpus, held_out=True)}
    trained = {span(corpus, int(document)) for document in numbers(corpus, held_out=False)}
    assert len(held_out) >= 4
    assert not held_out & trained
    tokenizer = shared_house.materials("done").tokenizer
    source = BlockSource(corpus, tokenizer, 48)
    drawn = source.draw(np.arange(source.size), key_of("any"))
    assert len(drawn.tokens_T) - 2 * source.size == sum(stop - start for start, stop in trained)


def test_the_table_shows_every_earlier_measure_at_each_boundary(scores: Any) -> None:
    found = {row["name"]: row["values"] for row in scores["ledger"]["rows"]}
    assert found["topic accuracy"] == [None, None, scores["tasks"]["topic"]["metrics"]["accuracy"]]
    assert found["names entity_f1"][-1] == scores["tasks"]["names"]["metrics"]["entity_f1"]


def test_a_task_that_the_last_stage_does_not_go_on_from_is_told_under_the_table(house: Any) -> None:
    house.rewrite("  - name: multitask\n", "  - name: multitask\n    parent: general\n")
    early = "  - {source: {task: topic}, amount: {examples: 6}}\n  - name: multitask"
    house.rewrite("      - {source: {task: topic}, amount: {examples: 6}}\n", "")
    house.rewrite("  - name: multitask", f"    {early}")
    scores = json.loads(house.run("branch", "multitask.steps=8").scores.read_text())
    (note,) = [line for line in scores["notes"] if "forgetting ledger" in line]
    assert note.startswith(
        "topic: not among the scores, which are those of stage multitask: last measured at the end of stage domain, "
        "from which multitask does not go on"
    )
    assert "topic" not in scores["tasks"]
    assert note in scores_text(scores)


def test_a_run_whose_last_stage_answers_all_says_nothing_of_it(scores: Any) -> None:
    assert not any("forgetting ledger" in line for line in scores["notes"])
