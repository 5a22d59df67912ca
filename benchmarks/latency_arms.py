"""What answers one text at a time: our model, from the text to the answer, and `transformers`' BERT of the same size.

Weights are random: how long an answer takes does not depend on them.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import torch
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

from finetune.answering.dev_batches import ANSWERING_TOKENS, dev_batches
from finetune.answering.predictions import in_order, named
from finetune.answering.split_answers import answer_batches
from finetune.encoding.encode import encode_examples
from finetune.tasks.example import Example
from finetune.tasks.table import TASKS
from model.config import EncoderConfig, HeadSpec
from model.design import HeadDesign
from model.network import Network
from model.packed import pack_encoder
from model.public import of_network
from pipeline.answer import Model
from pipeline.rank import Ranker
from tokenization.vocabulary import Tokenizer
from training.distributed import World
from training.engine import Reader

ONE, TWO = "tnews", "afqmc"
"""A task that classes a text, and one that compares two."""
LENGTH = 128


class Arm(Protocol):
    """Answers one text.

    Attributes:
        name: what the tables call it.
    """

    name: str

    def answer(self, text: str) -> object: ...


def model_of(config: EncoderConfig, tokenizer: Tokenizer, few_rows: bool) -> Model:
    """A model of the config's sizes, as an export is opened, with a row head for `ONE` and a Siamese one for `TWO`.

    Args:
        few_rows: as `open_model` has it.
    """
    specs = {ONE: TASKS[ONE], TWO: replace(TASKS[TWO], design=HeadDesign(pool="siamese"))}
    heads = [HeadSpec(name, spec.kind, spec.outputs, spec.design) for name, spec in specs.items()]
    network = Network(config, heads)
    packed = few_rows and pack_encoder(network.encoder)
    reader = Reader(network, World(0, 1, torch.device("cpu")), bf16=False)
    tasks = {name: (spec, LENGTH) for name, spec in specs.items()}
    return Model(Path(), of_network(network), tokenizer, reader, tasks, {}, packed)


class OurSentence:
    """Ours: one text to its class, by the way that `triptych predict` goes, which opens a model unpacked."""

    def __init__(self, model: Model) -> None:
        self.name = "ours, one sentence, packed" if model.packed else "ours, one sentence"
        self._model = model

    def answer(self, text: str) -> object:
        spec, length = self._model.task(ONE)
        encoded = encode_examples(spec, "text", [Example("0", (text,), (), None)], self._model.tokenizer, length)
        batches = dev_batches(encoded, ANSWERING_TOKENS)
        (found,) = in_order(answer_batches(self._model.reader, encoded, batches, self._model.tokenizer), encoded)
        return named(spec, found.answer)


class OurRanking:
    """Ours: one query against candidates whose vectors are stored, by the way that `triptych rank` goes."""

    def __init__(self, model: Model, candidates: Sequence[str]) -> None:
        self.name = f"ours, one query against {len(candidates)} stored"
        self._ranker = Ranker(model, TWO)
        self._stored_ND, _ = self._ranker.vectors(candidates)

    def answer(self, text: str) -> object:
        return self._ranker.best(text, self._stored_ND, 10)


class PeerSentence:
    """`transformers`: one text to its class, with its fast tokenizer.

    Args:
        attention: its `attn_implementation`.
    """

    def __init__(self, config: EncoderConfig, tokenizer: Tokenizer, attention: str) -> None:
        self.name = f"transformers {attention}, one sentence"
        with TemporaryDirectory() as folder:
            tokenizer.save(Path(folder))
            self.tokenizer = BertTokenizerFast.from_pretrained(folder)
        sizes = BertConfig(
            vocab_size=config.vocab_size, hidden_size=config.hidden, num_hidden_layers=config.layers,
            num_attention_heads=config.heads, intermediate_size=config.feed_forward,
            max_position_embeddings=config.positions, num_labels=len(TASKS[ONE].labels),
            attn_implementation=attention,
        )  # fmt: skip
        self._model = BertForSequenceClassification(sizes).eval()

    @torch.inference_mode()
    def answer(self, text: str) -> object:
        logits_1C = self._model(**self.tokenizer(text, return_tensors="pt")).logits
        return TASKS[ONE].labels[int(logits_1C.argmax())]
