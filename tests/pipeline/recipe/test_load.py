"""Loading a recipe: what is filled in, and what is refused with which words."""

import contextlib
import copy
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.recipe.load import dump_resolved, load_recipe
from pipeline.recipe.recipe import Recipe
from pipeline.recipe.yaml_text import read_yaml, write_yaml
from tokenization.errors import RecipeError

BASE = """
name: small
tokenizer: {train: {corpora: [wiki], size: 512}}
corpora:
  wiki: {files: wiki.txt}
  news: {files: [news/*.txt]}
tasks:
  rte: {}
  own: {kind: classification, fields: [text], labels: [a, no], files: {train: t.jsonl, dev: d.jsonl}}
encoder: {layers: 2, hidden: 64, heads: 4}
optimizer: {rate: 5e-4}
schedule: {kind: slanted, ratio: 20}
stages:
  - name: general
    kind: pretrain
    steps: 5
    streams:
      - {source: {pairs_of: wiki}, objectives: [mlm, nsp], amount: {tokens: 1024}}
  - name: multitask
    kind: finetune
    steps: 10
    sampling: alternate
    optimizer: {clip: null}
    schedule: {kind: linear}
    streams:
      - {source: {task: rte}, amount: {examples: 16}}
      - {source: {task: own}, amount: {examples: 16}}
      - name: aux
        source: {text_of: [rte, own]}
        objectives: [{mlm: {rate: 0.2}}]
        amount: {examples: 8}
        weight: {kind: exponential, start: 0.2, end: 0.1}
    evaluate: {every: 5, patience: 3}
"""


def load(folder: Path, text: str = BASE, *sets: str, **environment: str) -> Recipe:
    path = folder / "small.yaml"
    path.write_text(text, encoding="utf-8")
    return load_recipe(path, sets, environment)


def refusal(folder: Path, text: str, *sets: str) -> str:
    with pytest.raises(RecipeError) as caught:
        load(folder, text, *sets)
    return str(caught.value)


def changed(old: str, new: str) -> str:
    assert old in BASE
    return BASE.replace(old, new)


def test_what_another_place_decides_is_written_into_the_resolved_recipe(tmp_path):
    general, multitask = load(tmp_path).stages
    assert (general.parent, multitask.parent) == (None, "general")
    assert (general.carry, multitask.carry) == ("last", "best")
    assert [stream.name for stream in general.streams] == ["wiki-pairs"]
    assert [stream.name for stream in multitask.streams] == ["rte", "own", "aux"]
    assert load(tmp_path).evaluation.ledger.corpora == ("wiki",)


def test_a_stage_overrides_single_keys_of_the_optimizer_and_keeps_the_others(tmp_path):
    general, multitask = load(tmp_path).stages
    assert (general.optimizer.rate, general.optimizer.clip) == (5e-4, 1.0)
    assert (multitask.optimizer.rate, multitask.optimizer.clip) == (5e-4, None)


def test_a_stage_with_another_kind_of_schedule_inherits_nothing_foreign_to_it(tmp_path):
    general, multitask = load(tmp_path).stages
    assert general.schedule.model_dump() == {"kind": "slanted", "cut_fraction": 0.1, "ratio": 20.0}
    assert multitask.schedule.model_dump() == {"kind": "linear", "warmup": 0.1, "floor": 0.0}


def test_a_foreign_key_that_the_stage_itself_gives_is_refused(tmp_path):
    text = refusal(tmp_path, changed("schedule: {kind: linear}", "schedule: {kind: linear, ratio: 3}"))
    assert "stages[multitask].schedule.ratio does not go with what stands beside it" in text


def test_parent_null_is_a_fresh_start_and_not_the_previous_stage(tmp_path):
    assert load(tmp_path, changed("steps: 10", "steps: 10\n    parent: null")).stages[1].parent is None


def test_the_data_folder_defaults_to_the_environment_variable(tmp_path):
    assert load(tmp_path).data is None
    assert load(tmp_path, TRIPTYCH_DATA=str(tmp_path)).data == str(tmp_path)
    assert load(tmp_path, BASE + "data: /elsewhere\n", TRIPTYCH_DATA=str(tmp_path)).data == "/elsewhere"


def test_the_resolved_recipe_loads_to_an_equal_one(tmp_path):
    recipe = load(tmp_path)
    assert load(tmp_path, dump_resolved(recipe)) == recipe


def test_the_resolved_recipe_holds_every_setting_there_is(tmp_path):
    resolved = load(tmp_path).resolved()
    assert json.loads(json.dumps(resolved)) == resolved
    assert set(resolved) == {field.alias or name for name, field in Recipe.model_fields.items()}
    assert resolved["stages"][0]["streams"][0]["objectives"] == [
        {
            "mlm": {
                "rate": 0.15,
                "unit": "token",
                "span": {"of": "word", "geometric": 0.2, "longest": 10, "shares": {}},
                "mask": 0.8,
                "random": 0.1,
                "attention": "both",
            }
        },
        {"nsp": {}},
    ]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("steps: 5", "stepz: 5", "stages[general].stepz is not a setting. Did you mean 'steps'? Settings here: name,"),
        ("steps: 5", "stepz: 5", "stages[general].steps is missing: Optimizer steps."),
        ("steps: 5", "steps: many", "stages[general].steps: given 'many'; must be a whole number"),
        ("steps: 5", "steps: 0", "stages[general].steps: given 0; must be at least 1"),
        ("steps: 5", "steps: true", "stages[general].steps: given true; must be a whole number"),
        ("name: small", "name: a.b", "name: given 'a.b'; a name is made of letters, digits, '-' and '_'"),
        ("name: small", "name: 7", "name: given 7; must be text (write it in quotes)"),
        ("name: small", f"name: {'n' * 65}", "nnn'; it must have at most 64 characters"),
        ("{rate: 5e-4}", "{rate: 5e-4, betas: [0.9]}", "optimizer.betas: given [0.9]; it must have 2 values"),
        ("{rate: 5e-4}", "{rate: 5e-4, betas: []}", "small.yaml: optimizer.betas: given []; it must have 2 values"),
        ("steps: 5", "steps: 5\n    optimizer: {betas: [0.9]}", "stages[general].optimizer.betas: given [0.9]; it"),
        ("name: small", "name: small\nseed: .nan", "seed: given NaN; must be a whole number"),
        ("layers: 2", "layers: 2, from: .", "encoder.layers does not go with what stands beside it (A public BERT"),
        ("heads: 4", "heads: 5", "encoder: hidden (64) must be a multiple of heads (5)"),
        ("{rate: 5e-4}", "{rate: -1}", "optimizer.rate: given -1; must be above 0"),
        ("{rate: 5e-4}", "3", "optimizer: given 3; must be a mapping of settings, such as {}"),
        ("exponential", "exponentail", ".streams[aux].weight.kind: given 'exponentail'; allowed: 'linear' or 'exp"),
        ("exponential", "exponentail", "Did you mean 'exponential'?"),
        ("end: 0.1", "end: 0.0", "streams[aux].weight: an exponential weight never reaches 0"),
        ("{pairs_of: wiki}", "{pairs_of: wiki, task: rte}", "needs exactly one of 'pairs_of', 'blocks_of', 'task'"),
        ("{pairs_of: wiki}", "{}", "needs exactly one of 'pairs_of', 'blocks_of', 'task', 'text_of'"),
        ("{tokens: 1024}", "{tokens: 1024, examples: 3}", ".amount: give exactly one of 'tokens' and 'examples'"),
        ("{tokens: 1024}", "{}", ".amount: give exactly one of 'tokens' and 'examples'"),
        ("[mlm, nsp]", "[mln, nsp]", '.objectives[0]: given {"mln": {}}; is no objective: allowed are mlm, nsp'),
        ("[{mlm: {rate: 0.2}}]", "[{mlm: {mask: 0.8, random: 0.5}}]", ".mlm: mask (0.8) and random (0.5) add up"),
        ("name: small", "name: small\nprecision: fp16", "precision: fp16 is not offered: fp32 weights under bf16"),
        ("name: small", "name: small\nprecision: fp8", "precision: given 'fp8'; allowed: 'fp32' or 'bf16'"),
        ("name: small", "name: small\nengine: {name: zero}", "engine: engine zero needs 'ds_config'"),
        ("name: small", "name: small\nengine: {ds_config: zero1.json}", "'ds_config' does not go with engine plain"),
        ("name: small", "name: small\nengine: {name: zero, ds_config: no.json}", "engine.ds_config: given 'no.json'"),
        ("{train: {corpora: [wiki], size: 512}}", "{}", "tokenizer: give exactly one of 'train' and 'from'"),
        ("size: 512}", "size: 512}, lowercase: true", "tokenizer: 'lowercase' goes only with a bare vocabulary"),
        ("{train: {corpora: [wiki], size: 512}}", "{from: no.txt}", "tokenizer.from: given 'no.txt'; no such file"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_allowed(tmp_path, old, new, words):
    assert words in refusal(tmp_path, changed(old, new))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("{pairs_of: wiki}", "{pairs_of: wikl}", "pairs_of: given 'wikl'; corpora of the recipe: wiki, news. Did you"),
        ("[wiki], size", "[wikl], size", "tokenizer.train.corpora: given 'wikl'; corpora of the recipe"),
        ("{task: rte}", "{task: rt}", "source.task: given 'rt'; tasks of the recipe: rte, own. Did you mean 'rte'?"),
        ("[rte, own]", "[rte, on]", "streams[aux].source.text_of: given 'on'; tasks of the recipe"),
        ("  rte: {}", "  rtee: {}", "tasks.rtee: no built-in task is called 'rtee'"),
        ("  rte: {}", "  rte: {limit: {trian: 5}}", "tasks.rte.limit.trian: no such split"),
        ("labels: [a, no]", "labels: [a]", "tasks.own.labels: 1 given; list every label"),
        ("labels: [a, no]", "labels: [a, no], metrics: [acuracy]", "Did you mean 'accuracy'?"),
        ("{pairs_of: wiki}", "{blocks_of: wiki}", ".objectives: 'nsp' goes only with pairs_of"),
        ("[mlm, nsp]", "[mlm, mlm]", ".objectives: two objectives that edit the text"),
        ("[mlm, nsp]", "[nsp, nsp]", ".objectives: one is listed twice: nsp, nsp"),
        ("objectives: [mlm, nsp], ", "", "streams[wiki-pairs].objectives is missing"),
        ("{source: {task: rte}, ", "{source: {task: rte}, objectives: [mlm], ", "objective follows from its kind"),
        ("{pairs_of: wiki}", "{pairs_of: wiki, length: 256}", "length: 256 is more than encoder.positions (128)"),
        ("  rte: {}", "  rte: {length: 256}", "tasks.rte.length: 256 is more than encoder.positions (128)"),
        ("name: multitask", "name: general", "stages[general].name: a second stage is called 'general'"),
        ("name: multitask", "name: corpora", "name: 'corpora' is a setting of the recipe, so --set"),
        ("name: aux", "name: rte", "streams[rte].name: a second stream of the stage is called 'rte'"),
        ("name: aux", "name: steps", "streams[steps].name: 'steps' is a setting of a stage, so --set"),
        ("steps: 5", "steps: 5\n    parent: multitask", "stages[general].parent: given 'multitask'; earlier stages"),
        ("steps: 5", "steps: 5\n    sampling: alternate", "sampling: 'alternate' needs a stream with a task"),
        ("steps: 5", "steps: 5\n    carry: best", "stages[general].carry: 'best' needs 'evaluate: {every: N}'"),
        ("steps: 5", "steps: 5\n    evaluate: {every: 2, patience: 2}", "patience needs a stream with a task"),
        ("every: 5, patience: 3", "patience: 3", "stages[multitask].evaluate.every is missing"),
        ("name: small", "name: small\nlm_head_fit: {}", "lm_head_fit goes only with encoder.from"),
        ("layers: 2, hidden: 64, heads: 4", "from: .", "tokenizer.train does not go with encoder.from"),
        ("name: small", "name: small\nevaluation: {ledger: {corpora: [wikl]}}", "ledger.corpora: given 'wikl'"),
    ],
)
def test_sections_that_contradict_each_other_are_refused(tmp_path, old, new, words):
    assert words in refusal(tmp_path, changed(old, new))


def test_a_stage_without_streams_is_refused(tmp_path):
    stage = "  - {name: empty, kind: adapt, steps: 3, streams: []}\n"
    assert "stages[empty].streams: given []" in refusal(tmp_path, changed("stages:\n", f"stages:\n{stage}"))


def test_every_problem_is_told_at_once_each_with_its_file(tmp_path):
    text = changed("steps: 10", "steps: -1").replace("[wiki], size", "[wikl], size").replace("hidden: 64", "hiden: 4")
    lines = refusal(tmp_path, text).splitlines()
    assert lines[0] == f"{tmp_path / 'small.yaml'}: 3 problems"
    assert all(line.startswith(f"  {tmp_path / 'small.yaml'}: ") for line in lines[1:])
    assert len(lines) == 4


def test_a_wrong_default_is_told_once_and_not_again_for_each_stage(tmp_path):
    text = refusal(tmp_path, changed("{rate: 5e-4}", "{rat: 5e-4}"))
    assert text.count("rat is not a setting") == 1
    assert "\n" not in text


def test_a_wrong_element_is_not_also_told_as_an_empty_list(tmp_path):
    assert "\n" not in refusal(tmp_path, changed("{tokens: 1024}", "{tokens: 0}"))
    assert "\n" not in refusal(tmp_path, changed("{rate: 5e-4}", "{rate: 5e-4, betas: []}"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "given null; a recipe is a mapping of settings"),
        ("- a\n- b\n", "a recipe is a mapping of settings"),
        ("name: a\nseed: [1, 2\nx: 3\n", "line 3"),
        ("name: a\nseed: 1\nname: b\n", "line 3, column 1: the key 'name' stands here a second time"),
        ("name: a\n1.5: 2\n", "line 2, column 1: a key must be text: given 1.5"),
        ("name: a\nx: {1: 2, '1': 3}\n", "line 2, column 11: the key '1' stands here a second time"),
        ("name: &a [*a]\n", "holds a value that a recipe cannot have"),
        ("name: !!binary aGk=\n", "holds a value that a recipe cannot have"),
        ("name: !!python/object:os.system {}\n", "could not determine a constructor"),
    ],
)
def test_a_text_that_is_no_recipe_is_refused_with_its_line(tmp_path, text, words):
    message = refusal(tmp_path, text)
    assert str(tmp_path / "small.yaml") in message
    assert words in message


def test_a_missing_file_and_one_of_another_encoding_are_user_errors(tmp_path):
    with pytest.raises(RecipeError, match="no such recipe file"):
        load_recipe(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes("name: é".encode("latin-1"))
    with pytest.raises(RecipeError, match="not UTF-8 at byte 6"):
        load_recipe(tmp_path / "latin.yaml")
    with pytest.raises(RecipeError, match="cannot be read"):
        load_recipe(tmp_path)


def test_a_public_encoder_takes_no_sizes_and_fits_a_head_by_default(tmp_path):
    text = changed("{layers: 2, hidden: 64, heads: 4}", "{from: here}").replace(
        "{train: {corpora: [wiki], size: 512}}", "{from: here}"
    )
    (tmp_path / "here").mkdir()
    recipe = load(tmp_path, text)
    assert recipe.resolved()["encoder"] == {"from": str(tmp_path / "here"), "dropout": 0.1, "attention": "auto"}
    assert recipe.lm_head_fit is not None
    assert load(tmp_path, dump_resolved(recipe)) == recipe


def test_an_alias_of_yaml_does_not_tie_two_places_together(tmp_path):
    text = changed("corpora:\n  wiki: {files: wiki.txt}", "corpora:\n  wiki: &w {files: wiki.txt}").replace(
        "news: {files: [news/*.txt]}", "news: *w"
    )
    recipe = load(tmp_path, text, "corpora.news.documents=3")
    assert (recipe.corpora["wiki"].documents, recipe.corpora["news"].documents) == (None, 3)


def _places(value, place=()):
    yield place
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _places(inner, (*place, key))


_TREE = read_yaml(BASE, "base")
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["", "mlm", "rte", "zz", "zero"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["name", "mlm", "from", "task", "kind", "zz", "source"]), inner, max_size=2)
    ),
    max_leaves=4,
)


@given(place=st.sampled_from([place for place in _places(_TREE) if place]), value=_VALUES)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_stands_in_a_place_the_recipe_loads_or_is_refused_as_a_users_mistake(tmp_path, place, value):
    tree = copy.deepcopy(_TREE)
    inner = tree
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    with contextlib.suppress(RecipeError):
        recipe = load(tmp_path, write_yaml(tree))
        assert recipe.resolved() == load(tmp_path, dump_resolved(recipe)).resolved()


def test_no_more_than_half_of_a_corpus_is_held_out(tmp_path):
    told = refusal(tmp_path, BASE.replace("{files: wiki.txt}", "{files: wiki.txt, held_out: 0.6}"))
    assert "corpora.wiki.held_out: given 0.6; must be at most 0.5" in told


def test_splits_to_be_scored_must_exist_and_show_their_labels(tmp_path):
    text = BASE + "evaluation: {split: dve, more: {rte: [test, tset]}}\n"
    told = refusal(tmp_path, text)
    assert "evaluation.split: task rte has no split 'dve'; splits with labels: train, dev. Did you mean 'dev'?" in told
    assert "evaluation.split: task own has no split 'dve'" in told
    assert "evaluation.more.rte: task rte hides the labels of its split 'test'" in told
    assert "evaluation.more.rte: task rte has no split 'tset'" in told


def test_a_test_set_never_selects_even_where_its_labels_are_there(tmp_path):
    told = refusal(
        tmp_path, BASE.replace("dev: d.jsonl", "dev: d.jsonl, test_far: e.jsonl") + "evaluation: {split: test}"
    )
    assert "evaluation.split: task rte hides the labels of its split 'test'" in told
    assert "evaluation.split: task own: 'test_far' is a test set, and what is scored here selects" in told
    assert "evaluation.more: {own: [test_far]}" in told
    more = BASE.replace("dev: d.jsonl", "dev: d.jsonl, test_far: e.jsonl") + "evaluation: {more: {own: [test_far]}}"
    assert load(tmp_path, more).evaluation.more == {"own": ("test_far",)}


def test_what_is_wrong_in_the_ds_config_is_told_with_all_the_rest(tmp_path):
    (tmp_path / "ds.json").write_text('{"zero_optimization": {"stage": 7}, "fp16": {}}')
    text = BASE + "engine: {name: zero, ds_config: ds.json}\nloging: {}\n"
    told = refusal(tmp_path, text)
    assert "engine.ds_config: " in told
    assert "zero_optimization.stage: given 7; allowed: 0, 1, 2, 3" in told
    assert "sets fp16, which is owned by the recipe: precision" in told
    assert "loging is not a setting" in told


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("splitter: chinse", "splitter: given 'chinse'; allowed: sentencex, chinese, lines. Did you mean 'chinese'?"),
        ("segmenter: jeiba", "segmenter: given 'jeiba'; allowed: jieba, rjieba. Did you mean 'jieba'?"),
        ("language: eng", "language: given 'eng'; must be a two-letter code of ISO 639-1, such as en, zh or de. Did"),
        ("language: yue", "language: given 'yue'; must be a two-letter code"),
        ("language: ab, clean: {script_share: 0.5}", "clean.script_share cannot be told for language 'ab'"),
        ("clean: {decontaminate: {suites: [fewcleu, own]}}", "clean.decontaminate.suites: given 'fewcleu'; allowed: a"),
        ("lexicon: names.txt", "lexicon: no stream masks this corpus's phrases"),
        ("field: body", "field is of no use with format text; leave it out"),
        ("format: document, field: body", "field is of no use with format document"),
        ("streaming: true", "streaming is of no use with format text"),
        ("format: parquet, streaming: true", "streaming is of no use with format parquet"),
        ("format: jsonl, split: dev", "split is of no use with format jsonl"),
        ("format: jsonl, config: en", "config is of no use with format jsonl"),
    ],
)
def test_of_a_corpus_names_that_are_none_and_settings_of_no_use_are_refused(tmp_path, settings, words):
    told = refusal(tmp_path, changed("{files: wiki.txt}", f"{{files: wiki.txt, {settings}}}"))
    assert f"corpora.wiki.{words}" in told
    assert "\n" not in told


@pytest.mark.parametrize(
    "corpus",
    [
        "{files: [wiki.txt, more.jsonl.zst], field: body}",
        "{files: wiki, field: body, streaming: true, split: dev}",  # may be a folder that `save_to_disk` wrote
        "{files: wiki, format: dataset, config: en, split: dev, streaming: true}",
        "{files: wiki.txt, splitter: lines, segmenter: rjieba, clean: {decontaminate: {suites: [glue, own, csl]}}}",
    ],
)
def test_settings_that_one_of_the_files_may_use_are_taken(tmp_path, corpus):
    recipe = load(tmp_path, changed("{files: wiki.txt}", corpus))
    assert load(tmp_path, dump_resolved(recipe)) == recipe
