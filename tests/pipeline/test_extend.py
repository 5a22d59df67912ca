"""A vocabulary extended by the recipe: its content is part of a run's identity, and its words reach the export."""

from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file
from transformers import BertConfig, BertForPreTraining

from pipeline.decisions import decide_stage
from tokenization.errors import RecipeError

TRAIN = "tokenizer: {train: {corpora: [general], size: 160}}"


@pytest.fixture
def extended_house(house: Any) -> Any:
    """The tiny house with one stage of three steps and a word list."""
    head = house.file.read_text().split("  - name: domain\n")[0]
    house.file.write_text(head.replace("steps: 8", "steps: 3"))
    house.rewrite(TRAIN, TRAIN[:-1] + ", extend: {files: words.txt}}")
    (house.base / "data" / "words.txt").write_text("Harbourmaster\nriverbed\n", encoding="utf-8")
    return house


def test_the_words_are_entries_of_the_run_and_of_its_export(extended_house: Any) -> None:
    folder = extended_house.run("r")
    theirs = transformers.AutoTokenizer.from_pretrained(folder.export, local_files_only=True)
    assert theirs.tokenize("the harbourmaster") == ["the", "harbourmaster"]
    rows = load_file(folder.export / "model.safetensors")["bert.embeddings.word_embeddings.weight"]
    assert len(rows) == len(theirs) == extended_house.materials("r").tokenizer.size


def test_another_list_is_another_run_and_the_same_list_elsewhere_is_not(extended_house: Any) -> None:
    extended_house.run("r")

    def decision(*sets: str) -> str:
        materials = extended_house.materials("r", *sets)
        found: str = decide_stage(
            materials, extended_house.folder("r"), materials.recipe.stage("general"), False
        ).action
        return found

    data = extended_house.base / "data"
    (data / "moved.txt").write_bytes((data / "words.txt").read_bytes())
    assert decision("tokenizer.extend.files=moved.txt") == "skip"
    (data / "words.txt").write_text("Harbourmaster\nmeadowland\n", encoding="utf-8")
    assert decision() == "refuse"


def test_a_public_encoder_gets_rows_for_the_new_words(extended_house: Any) -> None:
    plain = extended_house.materials("r").extension
    public = extended_house.base / "public"
    torch.manual_seed(5)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    given = plain.tokenizer.size - 2
    BertForPreTraining(BertConfig(vocab_size=given, max_position_embeddings=48, **sizes)).save_pretrained(public)
    extended_house.materials("r")._given_tokenizer.save(public)
    extended_house.rewrite("tokenizer: {train: {corpora: [general], size: 160}", "tokenizer: {from: public")
    sizes_line = "encoder: {layers: 1, hidden: 16, heads: 2, feed_forward: 32, positions: 48}"
    extended_house.rewrite(sizes_line, "encoder: {from: public, dropout: 0}")

    materials = extended_house.materials("p")
    before = load_file(public / "model.safetensors")["bert.embeddings.word_embeddings.weight"]
    after = materials.public.tensors["encoder.embeddings.word.weight"]
    assert torch.equal(after[:given], before)
    expected = torch.stack([before[list(pieces)].mean(0) for pieces in plain.pieces])
    torch.testing.assert_close(after[given:], expected)
    folder = extended_house.run("p")
    opened = BertForPreTraining.from_pretrained(folder.export)
    assert opened.config.vocab_size == materials.tokenizer.size == given + 2


def test_only_word_pieces_can_be_extended_and_the_recipe_says_so_at_once(extended_house: Any) -> None:
    with pytest.raises(RecipeError, match=r"tokenizer\.extend does not go with train\.kind bpe"):
        extended_house.recipe("tokenizer.train.kind=bpe")


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_a_run_goes_on_any_kind_of_vocabulary(house: Any, kind: str) -> None:
    head = house.file.read_text().split("  - name: domain\n")[0]
    head = head.replace("steps: 8", "steps: 2").replace("pairs_of", "blocks_of").replace("[mlm, nsp]", "[mlm]")
    house.file.write_text(head)
    folder = house.run("r", f"tokenizer.train={{corpora: [general], kind: {kind}, size: 300}}")
    theirs = transformers.AutoTokenizer.from_pretrained(folder.export, local_files_only=True)
    ours = house.materials("r", f"tokenizer.train={{corpora: [general], kind: {kind}, size: 300}}").tokenizer
    text = "anna sees the ship near a reef ."
    assert theirs(text, add_special_tokens=False)["input_ids"] == ours.encode([text])[0].tolist()
