"""Batches of a split answered by an engine: read off the logits of one forward pass, or written."""

from collections.abc import Iterable

from finetune.answering.answers import Partial
from finetune.answering.dev_batches import DevBatch
from finetune.answering.predictions import predict
from finetune.encoding.encoded import Encoded
from finetune.generation.writing import write_texts
from tokenization.vocabulary import Tokenizer
from training.engine import Inference


def answer_batches(
    engine: Inference, encoded: Encoded, batches: Iterable[DevBatch], tokenizer: Tokenizer, draft: bool = False
) -> list[Partial]:
    """The answers to batches of a split.

    Args:
        tokenizer: the run's, which turns what is written into text.
        draft: whether texts are written greedily, whatever beam the task asks for.

    Raises:
        RunError: the model's answers are not finite numbers.
    """
    if encoded.spec.kind != "generation":
        return predict(engine.infer, encoded, batches)
    with engine.whole() as network:
        return write_texts(network, encoded, batches, tokenizer, draft)
