"""Texts to write, from columns and from aligned files. Oracles: the files themselves; what the message must name."""

import json
from dataclasses import asdict, replace

import pytest

from finetune.reading.carve import carved_dev
from finetune.reading.read import read_examples
from finetune.reading.suite_texts import suite_texts
from finetune.tasks.example import Example
from finetune.tasks.own import spec_from_fields
from tokenization.errors import DataError, RecipeError

FILES = {"train": ["train.de", "train.en"], "dev": ["dev.de", "dev.en"], "test": ["test.de"]}
GERMAN, ENGLISH = "Ein Hund.\n\nZwei \tMänner \n", "A dog.\nNothing\nTwo men\n"


def spec_of(**settings):
    return spec_from_fields("turn", **{"kind": "generation", "fields": ["de"], "label": "en", **settings})


@pytest.fixture
def aligned():
    return spec_of(layout="parallel_lines", files=FILES, hidden=["test"])


def test_line_n_of_each_file_is_row_n_whatever_stands_in_it(aligned, write):
    write("train.de", GERMAN)
    data = write("train.en", ENGLISH)
    assert read_examples(aligned, data, "train") == (
        Example("0", ("Ein Hund.",), (), "A dog."),
        Example("1", ("",), (), "Nothing"),
        Example("2", ("Zwei \tMänner ",), (), "Two men"),
    )


def test_a_split_without_labels_has_the_sources_alone(aligned, write):
    assert [example.label for example in read_examples(aligned, write("test.de", GERMAN), "test")] == [None] * 3


def test_a_label_that_is_hidden_is_not_read_though_its_file_is_named(aligned, write):
    write("dev.en", "a line too few")
    data = write("dev.de", GERMAN)
    blind = replace(aligned, hidden=("dev",))
    assert read_examples(blind, data, "dev")[0].texts == ("Ein Hund.",)
    kept_out = suite_texts(["turn"], data, {"turn": blind}).texts
    assert {one.text for one in kept_out} >= {"Ein Hund.", "Zwei \tMänner "}


def test_files_of_other_lengths_are_refused_with_both(aligned, write):
    write("dev.de", GERMAN + "eins\n")
    data = write("dev.en", ENGLISH)
    with pytest.raises(DataError, match=r"different lengths: .*dev\.de: 4, .*dev\.en: 3"):
        read_examples(aligned, data, "dev")


def test_a_file_too_few_is_refused_with_what_they_are_for(write):
    spec = spec_of(layout="parallel_lines", files={"train": ["train.de"]})
    with pytest.raises(DataError, match=r"1 files .* for 2 columns \(de, en\)"):
        read_examples(spec, write("train.de", GERMAN), "train")


def test_texts_to_write_are_columns_of_any_table_and_never_lists(write):
    spec = spec_of(files={"train": "t.jsonl"})
    data = write("t.jsonl", [{"de": "Hund", "en": "dog"}])
    assert read_examples(replace(spec, carve=0.5, files={"all": "t.jsonl"}), data, "all")[0].label == "dog"
    write("t.jsonl", [{"de": "Hund", "en": ["a dog", "dog"]}])
    with pytest.raises(DataError, match=r"line 1: column 'en' is .* the text to write is expected"):
        read_examples(replace(spec, files={"all": "t.jsonl"}), data, "all")


def test_a_source_with_several_translations_stands_on_one_side():
    spec = spec_of(files={"train": "t.tsv"})
    examples = [Example(str(k), (f"source {k // 3}",), (), f"target {k}") for k in range(300)]
    chosen = carved_dev(spec, examples)
    assert chosen.sum() == 30
    assert all(len({bool(one) for one in chosen[3 * k : 3 * k + 3]}) == 1 for k in range(100))
    other = [replace(example, label=f"{number * 7919 % 300:03}") for number, example in enumerate(examples)]
    assert (carved_dev(spec, other) == chosen).all()  # whatever its translations say


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"layout": "parallel_lines", "format": "tsv"}, "format: useless with layout: parallel_lines"),
        ({"written_by": "encoder"}, "written_by: 'encoder' given; allowed: decoder, prefix, left"),
        ({"metrics": ["accuracy"]}, "metrics: 'accuracy' is not a metric of generation; allowed: bleu, chrf"),
        ({"labels": ["a", "b"]}, "labels: useless for generation"),
        ({"beam": 0}, "beam: 0 given; a whole number, 1 or more"),
        ({"length_penalty": 1.0}, "length_penalty: useless with beam: 1"),
        ({"language": "en"}, "language: 'en' given; allowed: zh"),
        (
            {"kind": "regression", "range": [0, 1], "written_by": "prefix"},
            "by: useless for regression; only generation",
        ),
        ({"attention": "left"}, "attention: 'left' given; what writes a text sees what it needs"),
        ({"written_by": "left", "attention": "both"}, "attention: 'both' given; by: left goes on with a text that is"),
        ({"written_by": "left", "attention": "right"}, "attention: 'right' given; what writes a text sees what"),
        ({"prompt": {"text": "{de} ="}}, "prompt: useless with by: decoder, .*; by: left goes on with a prompt"),
        ({"written_by": "left", "prompt": {"text": "{deu} ="}}, "prompt.text: {deu} is no field of the task; .*'de'"),
        ({"written_by": "left", "prompt": {"text": "="}}, "prompt.text: {de} is missing"),
        ({"written_by": "left", "prompt": {"text": "{de}", "answers": {"a": "b"}}}, "prompt.answers: useless for gen"),
        ({"written_by": "left", "prompt": {"text": "{de}", "per_token": True}}, "prompt.per_token: useless for gen"),
        ({"written_by": "left", "cloze": {"pattern": "{de} {mask}", "words": {}}}, "cloze: does not go with generat"),
        ({"design": {"layers": "mix"}}, "head: useless for generation"),
    ],
)
def test_settings_that_make_no_sense_are_refused_with_the_reason(settings, told):
    with pytest.raises(RecipeError, match=told):
        spec_of(**{"files": {"train": "t.tsv"}, **settings})


@pytest.mark.parametrize("settings", [{}, {"prompt": {"text": "{de} = "}}, {"attention": "left"}])
def test_what_goes_on_with_its_source_reads_it_from_left_to_right_and_comes_back_from_json(settings):
    spec = spec_of(files={"train": "t.tsv"}, written_by="left", **settings)
    assert (spec.attention, spec.head_name, spec.worded, spec.is_pair) == ("left", "mlm", None, True)
    kept = {
        key: value for key, value in json.loads(json.dumps(asdict(spec))).items() if value not in (None, "", [], {})
    }
    assert spec_from_fields(**kept) == spec


def test_labels_stand_for_texts_where_the_task_says_which(write):
    spec = spec_of(files={"all": "t.jsonl"}, label_values={0: "bad", True: "good"}, head="other")
    data = write("t.jsonl", [{"de": "Hund", "en": 0}, {"de": "Katze", "en": True}])
    assert [example.label for example in read_examples(spec, data, "all")] == ["bad", "good"]
    write("t.jsonl", [{"de": "Hund", "en": 2}])
    told = r"line 1: label '2' stands for no text to write; tasks.turn.label_values has 0, true"
    with pytest.raises(DataError, match=told):
        read_examples(spec, data, "all")


@pytest.mark.data
def test_the_real_sets_are_read_whole(data):
    folder = "parallel/multi30k/"
    multi30k = spec_of(layout="parallel_lines", files={"dev": [f"{folder}val.de", f"{folder}val.en"]}, head="other")
    assert len(read_examples(multi30k, data, "dev")) == 1014
    tatoeba = spec_of(
        fields=["en"],
        label="zh",
        columns=["en", "zh", "by"],
        language="zh",
        files={"train": "parallel/tatoeba/cmn.txt"},
    )
    train, dev = (read_examples(tatoeba, data, split) for split in ("train", "dev"))
    assert len(train) + len(dev) == 29155
    assert 2900 < len(dev) < 2930
    assert not {example.texts for example in train} & {example.texts for example in dev}
