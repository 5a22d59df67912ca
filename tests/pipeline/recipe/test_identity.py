"""Which settings belong to a stage's identity, and which only say how it is carried out."""

from pathlib import Path

import pytest

from pipeline.recipe.identity import identity
from pipeline.recipe.load import load_recipe

BASE = """
name: small
tokenizer: {train: {corpora: [wiki]}}
corpora: {wiki: {files: wiki.txt}, news: {files: news.txt}}
tasks: {rte: {}, own: {kind: regression, fields: [a, b], range: [0, 5], files: {train: t.jsonl, dev: d.jsonl}}}
stages:
  - name: general
    kind: pretrain
    steps: 5
    streams:
      - {source: {pairs_of: wiki}, objectives: [mlm, nsp], amount: {tokens: 1024}}
  - name: multitask
    kind: finetune
    steps: 10
    streams:
      - {source: {task: rte}, amount: {examples: 16}}
      - {source: {task: own}, amount: {examples: 16}}
"""


@pytest.fixture
def of(tmp_path: Path):
    path = tmp_path / "small.yaml"
    path.write_text(BASE, encoding="utf-8")

    def of(stage: str, *sets: str):
        return identity(load_recipe(path, sets, {}), stage)

    return of


EXECUTION = [
    "name=other",
    "seeds=5",
    "seeds={count: 2, all: true}",
    "multitask.seed=2",
    "data=/elsewhere",
    "engine.micro_batch_tokens=512",
    "engine={name: zero, ds_config: ds_configs/zero2.json}",
    "engine.threads=1",
    "checkpoint.every=3",
    "checkpoint.keep_last=5",
    "logging={every: 1, tensorboard: false}",
    "encoder.attention=padded",
    "evaluation.predictions=false",
    "evaluation.ledger.tokens=1000",
    "general.steps=50",
    "general.kind=adapt",
    "general.evaluate={every: 2}",
    "corpora.wiki.files=moved.txt",
    "corpora.wiki={files: wiki.txt, format: text, skip_bad: true}",
    "corpora.wiki.segmenter=jieba",
    "corpora.news.documents=3",
    "multitask.steps=3",
    "multitask.rte.amount.examples=8",
    "tasks.rte.length=64",
]
MATHEMATICS = [
    "seed=2",
    "general.seed=2",
    "tokenizer.train.size=512",
    "corpora.wiki.documents=3",
    "corpora.wiki.held_out=0.5",
    "encoder.layers=2",
    "encoder.norm=pre",
    "encoder.dropout=0.0",
    "optimizer.rate=1e-3",
    "schedule.kind=cosine",
    "precision=bf16",
    "general.optimizer.clip=",
    "general.schedule.warmup=0.5",
    "general.precision=bf16",
    "general.freeze=[pooler]",
    "general.wiki-pairs.name=pairs",
    "general.wiki-pairs.weight=0.5",
    "general.wiki-pairs.amount.tokens=2048",
    "general.wiki-pairs.source.length=64",
    "general.wiki-pairs.objectives=[mlm]",
    "general.wiki-pairs.objectives.mlm.rate=0.3",
]


@pytest.mark.parametrize("setting", EXECUTION)
def test_what_says_how_a_stage_is_carried_out_is_not_its_identity(of, setting):
    assert of("general", setting) == of("general")


@pytest.mark.parametrize("setting", MATHEMATICS)
def test_what_changes_the_mathematics_is_identity(of, setting):
    assert of("general", setting) != of("general")


def test_a_default_written_out_is_the_same_identity_as_one_left_out(of):
    spelled = [
        "seed=1",
        "general.seed=1",
        "encoder={layers: 4, norm: post}",
        "optimizer.betas=[0.9, 0.98]",
        "general.wiki-pairs.objectives=[{mlm: {rate: 0.15}}, {nsp: {}}]",
        "general.wiki-pairs.name=wiki-pairs",
        "general.schedule={kind: linear, floor: 0.0}",
        "general.parent=",
    ]
    assert of("general", *spelled) == of("general")


def test_a_stage_s_own_seed_goes_before_the_recipe_s(of):
    assert of("general", "general.seed=7") == of("general", "seed=7")
    assert of("general", "general.seed=7", "seed=3") == of("general", "seed=7")


def test_objectives_without_settings_are_still_told_apart(of):
    assert of("general", "general.wiki-pairs.objectives=[nsp]") != of("general", "general.wiki-pairs.objectives=[mlm]")


def test_what_the_same_settings_train_otherwise_than_at_first_is_told_from_older_runs(of):
    stream = "general.wiki-pairs={source: {blocks_of: wiki}, objectives: [mass], amount: {tokens: 1024}}"
    assert "revisions" not in of("general")
    assert of("general", "general.wiki-pairs.objectives=[mlm]")["revisions"] == {"pairs_of": 2}
    assert "revisions" not in of("general", "general.wiki-pairs.objectives=[seq2seq]")
    assert of("general", stream)["revisions"] == {"mass": 2}
    assert "revisions" not in of("multitask")


@pytest.mark.parametrize("head", ["san", "{layers: mix}", "{pool: lstm, width: 64}"])
def test_how_a_task_s_head_reads_is_identity(of, head):
    assert of("multitask", f"tasks.rte.head={head}") != of("multitask")
    assert of("multitask", "tasks.rte.head={pool: row, width: 128}") == of("multitask")


def test_no_path_of_the_recipe_is_in_the_identity(of, tmp_path):
    (tmp_path / "vocab.txt").touch()
    text = str(of("multitask", "tokenizer={from: vocab.txt, lowercase: true}"))
    assert not any(path in text for path in ("vocab", "jsonl", "wiki.txt", str(tmp_path)))


def test_evaluation_is_identity_only_where_it_chooses_the_weights(of):
    best = ("multitask.evaluate.every=5",)  # a finetune stage then carries its best weights
    last = (*best, "multitask.carry=last")
    assert of("multitask", *best, "multitask.evaluate.every=4") != of("multitask", *best)
    assert of("multitask", *last, "multitask.evaluate.every=4") == of("multitask", *last)
    assert of("multitask", *last, "multitask.evaluate.patience=4") != of("multitask", *last)
    assert of("multitask", *best, "tasks.own.primary=pearson", "tasks.own.metrics=[pearson]") != of("multitask", *best)
    assert of("multitask", "tasks.own.metrics=[pearson]", "tasks.own.primary=pearson") == of("multitask")


OWN = "tasks.own={kind: regression, fields: [a, b], range: [0, 5], "
SPAN = "tasks.own={kind: span, fields: [q, t], files: {train: t.jsonl, dev: d.jsonl}}"
CARVED = "tasks.own.files={train: t.jsonl}"
BEST = "multitask.evaluate={every: 5}"
HOW_ROWS_ARE_READ = [
    "tasks.rte={from: hub}",
    "tasks.rte.hub={path: elsewhere}",
    "tasks.rte.format=csv",
    "tasks.rte.layout=marked_pair",
    "tasks.rte.columns=[id, sentence1, sentence2, label]",
    "tasks.rte.fields=[premise, hypothesis]",
    "tasks.rte.label=gold",
    "tasks.rte.label_values={'0': entailment}",
    "tasks.rte.dropped=['-']",
    "tasks.rte.id=index",
    "tasks.rte.hidden=[]",
    "tasks.rte.limit={dev: 5}",
    OWN + "files: {train: moved.jsonl, dev: d.jsonl}}",
    OWN + "hub: {path: me/own, splits: {train: train, dev: validation}}}",
    OWN + "files: {train: t.jsonl, dev: d.jsonl}, label: score, format: jsonl, id: n}",
]
TASK_DEFAULTS = [
    "tasks.rte={labels: [not_entailment, entailment], metrics: [accuracy], primary: accuracy, length: 128}",
    "tasks.rte.from=files",
    "tasks.rte={fields: [sentence1, sentence2], label: label, layout: rows, format: auto, hidden: [test], limit: {}}",
    OWN + "files: {train: t.jsonl, dev: d.jsonl},"
    " metrics: [pearson, spearman, pearson_spearman], primary: pearson_spearman}",
    "tasks.own.label=label",
    "tasks.own.carve=0.1",
    "tasks.rte.attention=both",
    "tasks.rte.head=row",
]


@pytest.mark.parametrize("selecting", [(), (BEST,)])
@pytest.mark.parametrize("setting", HOW_ROWS_ARE_READ + TASK_DEFAULTS)
def test_how_a_task_s_rows_are_read_and_a_default_written_out_are_not_identity(of, setting, selecting):
    assert of("multitask", *selecting, setting) == of("multitask", *selecting)


@pytest.mark.parametrize(
    ("before", "setting"),
    [
        ((), "tasks.rte.length=64"),
        ((), "tasks.rte.limit={train: 5}"),
        ((), "tasks.own.range=[0, 4]"),
        ((), SPAN),
        ((SPAN,), "tasks.own.overlap=5"),
        ((CARVED,), "tasks.own.carve=0.2"),
        ((), "tasks.rte.attention=left"),
        ((), "tasks.rte.head=siamese"),
        (("tasks.rte.head=san",), "tasks.rte.head={pool: san, steps: 2}"),
    ],
)
def test_what_makes_other_rows_of_the_same_files_is_identity(of, before, setting):
    assert of("multitask", *before, setting) != of("multitask", *before)


@pytest.mark.parametrize(
    ("before", "setting"),
    [
        ((), "tasks.rte.metrics=[matthews]"),
        ((), "tasks.own.primary=pearson"),
        ((SPAN,), "tasks.own.longest_answer=5"),
        ((SPAN,), "tasks.own.unanswerable=true"),
    ],
)
def test_what_only_decides_scores_is_identity_where_they_choose_the_weights(of, before, setting):
    assert of("multitask", *before, setting) == of("multitask", *before)
    assert of("multitask", BEST, *before, setting) != of("multitask", BEST, *before)


CARVE = "tasks.rte.carve=0.2"
CLOZE = "{pattern: '{sentence1} ? {mask} , {sentence2}', words: {entailment: 'yes', not_entailment: 'no'}}"
STREAMS = "multitask.streams=[{{source: {{text_of: [rte]}}, objectives: [mlm], amount: {{tokens: 99}}}}{}]"
ASKED = [f"tasks.rte.cloze={CLOZE}", "tasks.rte.attention=left", "tasks.rte.head=san", "tasks.rte.condition=true"]


@pytest.mark.parametrize("setting", [*ASKED, "tasks.rte.metrics=[matthews]"])
def test_how_a_task_is_asked_is_not_identity_of_a_stage_that_reads_its_text_alone(of, setting):
    text = (STREAMS.format(", {source: {task: own}, amount: {examples: 16}}"), BEST)
    assert of("multitask", *text, setting) == of("multitask", *text)
    both = (STREAMS.format(", {source: {task: rte}, amount: {examples: 16}}"), BEST)
    assert of("multitask", *both, setting) != of("multitask", *both)


@pytest.mark.parametrize("setting", ASKED[1:])
def test_how_a_task_is_asked_is_identity_where_its_own_head_learns_from_text(of, setting):
    objective = "[{distill: {task: rte, teacher: {stage: general, task: rte}}}]"
    learned = STREAMS.format("").replace("[mlm]", objective)
    assert of("multitask", learned, setting) != of("multitask", learned)


@pytest.mark.parametrize(
    ("before", "setting"),
    [((), "tasks.rte.length=64"), ((), "tasks.rte.limit={train: 5}"), (("tasks.rte.files={train: t.tsv}",), CARVE)],
)
def test_what_makes_other_text_of_a_task_is_identity_of_a_stage_that_reads_it(of, before, setting):
    assert of("multitask", STREAMS.format(""), *before, setting) != of("multitask", STREAMS.format(""), *before)


def test_a_new_and_a_public_encoder_have_different_identities(of, tmp_path):
    (tmp_path / "public").mkdir()
    public = of("general", "encoder={from: public}", "tokenizer={from: public}")
    assert public["encoder"] == {"public": {}}
    assert of("general")["encoder"] == {"fresh": {}}
    assert of("general", "encoder={from: public}", "tokenizer={from: public}", "lm_head_fit.steps=3") != public


def test_words_are_identity_only_where_they_are_masked_whole(of):
    words, rjieba = "general.wiki-pairs.objectives=[{mlm: {unit: word}}]", "corpora.wiki.segmenter=rjieba"
    assert of("general", words, rjieba) != of("general", words)
    # A Chinese corpus has a segmenter as soon as any stage masks its words; here the second one does.
    later = (
        "corpora.wiki.language=zh",
        "multitask.streams=[{source: {blocks_of: wiki}, objectives: [{mlm: {unit: word}}], amount: {tokens: 9}}]",
    )
    assert of("general", *later) == of("general", later[0])
    assert of("multitask", *later)["corpora"]["wiki"]["segmenter"] == "jieba"
