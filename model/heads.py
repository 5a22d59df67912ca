"""The heads: rows of the encoder (or of the pooler) to logits.

Each head takes the rows of all its selections at once and also runs on none: a head that is left out of the graph
trains wrong under ZeRO, in silence.

Shape letters: M rows, D width, V vocabulary, C classes.
"""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.answer_network import AnswerNetwork
from model.config import EncoderConfig, HeadSpec
from model.decoder import Decoder
from model.encoder import layer_norm
from model.lstm_head import LstmHead
from model.pooling_heads import AttentionHead, ConcatHead
from model.reading import Reading
from model.scalar_mix import BesideWordsHead, MixedHead
from model.siamese import SiameseHead
from model.views_head import ViewsHead

# The original BERT's convention for the sentence pair head: class 1 means "the second half is random"
# (google-research/bert, create_pretraining_data.py). PaddleNLP once had it the other way round.
LM, PAIRS, ORDER, DECODER = "mlm", "nsp", "sop", "decoder"
"""The heads that text objectives train have fixed names, which no task may have."""

IS_NEXT = 0
IS_RANDOM = 1
PAIR_LABELS = ("IsNext", "IsRandom")
IN_ORDER, SWAPPED = 0, 1  # of sentence order prediction, as ALBERT's create_pretraining_data.py has them


class MaskedLmHead(nn.Module):
    """Dense, GELU, LayerNorm, then the word embedding transposed, and a bias (Devlin et al. 2019, section 3.1).

    `decoder` is the same Parameter as the word embedding, registered here as well, so that each module uses only
    parameters it owns (ZeRO-3 gathers them around the owner's forward).
    """

    def __init__(self, config: EncoderConfig, word: Tensor) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden, config.hidden)
        self.norm = layer_norm(config)
        self.decoder = word
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))

    def forward(self, reading: Reading) -> Tensor:
        """(M, D) rows of the encoder → (M, V)."""
        return F.linear(self.norm(F.gelu(self.dense(reading.rows_MD))), self.decoder, self.bias)


class PairHead(nn.Module):
    """One linear layer on the pooled row, without dropout, as BERT's next sentence head."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.linear = nn.Linear(config.hidden, len(PAIR_LABELS))

    def forward(self, reading: Reading) -> Tensor:
        """(M, D) pooled rows → (M, 2); class 0 is `IS_NEXT`, 1 is `IS_RANDOM`."""
        return self.linear(reading.rows_MD)


class LinearHead(nn.Module):
    """Dropout and one linear layer: on pooled rows to answer a sequence, on the encoder's to answer its tokens."""

    def __init__(self, config: EncoderConfig, size: int) -> None:
        super().__init__()
        self.dropout = nn.Dropout(config.dropout)
        self.linear = nn.Linear(config.hidden, size)

    def forward(self, reading: Reading) -> Tensor:
        """(M, D) → (M, C); C is 1 for a score, 2 for the bounds of a span."""
        return self.linear(self.dropout(reading.rows_MD))


def build_head(spec: HeadSpec, config: EncoderConfig, word: Tensor) -> nn.Module:
    """The head of a spec; `word` is the word embedding's matrix, which language models share."""
    if spec.kind == "mlm":
        return MaskedLmHead(config, word)
    if spec.kind == "decoder":
        return Decoder(config, spec.design.depth, word)
    if spec.kind == "pair":
        return PairHead(config)
    if spec.kind == "views":
        return ViewsHead(config, spec.size)
    if spec.design.pool == "lstm":
        return LstmHead(spec, config)
    if spec.design.layers != "last":
        return _of_layers(spec, config, word)
    return _of_pool(spec, config)


def _of_pool(spec: HeadSpec, config: EncoderConfig) -> nn.Module:
    """The head that answers from the rows of one layer."""
    width, rate = config.hidden, config.dropout
    match spec.design.pool:
        case "concat":
            return ConcatHead(width, spec.size, rate)
        case "attention":
            return AttentionHead(width, spec.size, rate)
        case "san":
            return AnswerNetwork(spec.kind, width, spec.size, spec.design.steps, rate)
        case "siamese":
            return SiameseHead(width, spec.size, rate)
        case _:
            return LinearHead(config, spec.size)


def _of_layers(spec: HeadSpec, config: EncoderConfig, word: Tensor) -> nn.Module:
    """A head of one layer's width, or of two, behind what makes its rows of the layers that it reads."""
    single = replace(spec, design=replace(spec.design, layers="last"))
    if spec.design.layers == "mix":
        return MixedHead(config.layers + 1, build_head(single, config, word))
    return BesideWordsHead(build_head(single, replace(config, hidden=2 * config.hidden), word))
