"""The exported model: opened by transformers with equal logits, and a public one through us bit for bit."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer, BertConfig, BertForPreTraining, BertModel

from model.batch import FlatBatch, Selection
from pipeline.answer import open_model
from pipeline.cli import main
from tokenization.vocabulary import Tokenizer
from training.checkpoint import load_weights

TEXT = "Anna sees the whale near a harbour ."


def test_transformers_opens_it_and_its_logits_are_ours(done: Any) -> None:
    given = AutoTokenizer.from_pretrained(done.export)(TEXT, return_tensors="pt")
    ids_T = given["input_ids"][0]
    tokenizer = Tokenizer.load(done.export)
    assert ids_T.tolist() == [tokenizer.cls, *tokenizer.encode([TEXT])[0].tolist(), tokenizer.sep]

    rows, first = torch.arange(len(ids_T)), torch.zeros(1, dtype=torch.int64)
    batch = FlatBatch(
        ids_T, torch.zeros_like(ids_T), torch.arange(len(ids_T)), torch.tensor([0, len(ids_T)]),
        (Selection("s", "mlm", "mlm", rows, ids_T), Selection("s", "nsp", "nsp", first, first)),
    )  # fmt: skip
    words_TV, pair_12 = open_model(done.export).reader.infer(batch)
    with torch.no_grad():
        whole = BertForPreTraining.from_pretrained(done.export).eval()(**given)
        alone = AutoModelForMaskedLM.from_pretrained(done.export).eval()(**given)
        bare = AutoModel.from_pretrained(done.export).eval()(**given)
    torch.testing.assert_close(whole.prediction_logits[0], words_TV, atol=1e-5, rtol=0)
    torch.testing.assert_close(whole.seq_relationship_logits, pair_12, atol=1e-5, rtol=0)
    torch.testing.assert_close(alone.logits[0], words_TV, atol=1e-5, rtol=0)
    assert bare.last_hidden_state.shape == (1, len(ids_T), 16)


def test_an_earlier_stage_is_exported_with_the_heads_it_had(done: Any, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["export", str(done.root), "--to", str(tmp_path / "m"), "--stage", "general"])
    assert result.exit_code == 0, result.output
    assert "heads: mlm, nsp\n" in result.output
    found = load_weights(tmp_path / "m" / "model.safetensors")
    ours = load_weights(done.stage("general").checkpoint(8) / "weights.safetensors")
    assert torch.equal(found["bert.embeddings.word_embeddings.weight"], ours["encoder.embeddings.word.weight"])


@pytest.mark.parametrize("kind", [BertModel, BertForPreTraining])
def test_a_public_checkpoint_comes_back_bit_for_bit(done: Any, tmp_path: Path, kind: type[Any]) -> None:
    source, target = tmp_path / "public", tmp_path / "target"
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    kind(BertConfig(vocab_size=40, max_position_embeddings=24, **sizes)).save_pretrained(source)
    (source / "vocab.txt").write_text("[PAD]\n")
    (source / "notes.txt").write_text("kept")
    result = CliRunner().invoke(main, ["export", str(source), "--to", str(target)])
    assert result.exit_code == 0, result.output
    before, after = load_weights(source / "model.safetensors"), load_weights(target / "model.safetensors")
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        assert tensor.dtype == after[name].dtype
        assert tensor.numpy().tobytes() == after[name].numpy().tobytes(), name
    assert (target / "notes.txt").read_text() == "kept"
    ours, theirs = (json.loads((folder / "config.json").read_text()) for folder in (target, source))
    assert {key: ours[key] for key in theirs if key != "transformers_version"} == {
        key: theirs[key] for key in theirs if key != "transformers_version"
    }


def test_what_cannot_be_exported_is_refused(done: Any, tmp_path: Path, shared_house: Any) -> None:
    def refusal(*words: object) -> str:
        result = CliRunner().invoke(main, ["export", *map(str, words), "--to", str(tmp_path / "t")])
        assert result.exit_code == 1
        assert not (tmp_path / "t").exists()
        return result.output

    (tmp_path / "empty").mkdir()
    assert "config.json" in refusal(tmp_path / "empty")
    assert "nowhere" in refusal(tmp_path / "nowhere")
    assert "--stage goes with a run directory" in refusal(tmp_path / "empty", "--stage", "general")
    assert "no stage is called 'generl'" in refusal(done.root, "--stage", "generl")
    folder = shared_house.run("half", only="general")
    assert "stage multitask of" in refusal(folder.root)


def test_an_export_takes_the_place_of_an_earlier_one_and_of_nothing_else(
    done: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def export(target: str) -> Any:
        return CliRunner().invoke(main, ["export", str(done.root), "--to", target, "--stage", "general"])

    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("kept")
    for target in (str(mine), str(mine / ".." / "mine"), str(mine / "thesis.txt"), str(done.root)):
        assert export(target).exit_code == 1, target
    assert "mine holds files that no export of ours wrote" in export(str(mine)).output
    assert [path.name for path in mine.iterdir()] == ["thesis.txt"]
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    refused = export(".")
    assert refused.exit_code == 1
    assert "holds the working directory" in refused.output
    monkeypatch.chdir(tmp_path)
    for _ in range(2):  # into an empty folder, then over the export that stands there
        assert export("empty").exit_code == 0
    assert (tmp_path / "empty" / "config.json").is_file()
