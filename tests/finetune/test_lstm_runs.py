"""A sentence's words as one run, for a head that reads them one after the other: alike in training and answering."""

from dataclasses import replace

import numpy as np

from finetune.answering.dev_batches import dev_batch
from finetune.encoding.encode import encode_examples
from finetune.objectives import objective_of
from finetune.tasks.example import Example
from model.design import HeadDesign
from training.address import key_of

ROWS = [Example("0", (), ("a", "bc"), ("O", "B-PER")), Example("1", (), ("def", "g", "h"), ("O", "O", "B-LOC"))]
# [CLS] a b ##c [SEP]   [CLS] d ##e ##f g h [SEP]


def test_a_run_is_the_first_pieces_of_a_sentence_s_words_in_training_and_answering(tagging, tokenizer) -> None:
    spec = replace(tagging, design=HeadDesign(pool="lstm"))
    encoded = encode_examples(spec, "train", ROWS, tokenizer, 16)
    items = np.arange(2)
    _, rows = objective_of(spec).apply(encoded.take(items, items), key_of("any"))
    assert rows.rows_M.tolist() == [1, 2, 6, 9, 10]
    assert rows.runs_P1.tolist() == [0, 2, 5]
    assert rows.labels_M.tolist() == [0, 1, 0, 0, 3]
    (selection,) = dev_batch(encoded, items).batch.selections
    assert selection.rows_M.tolist() == rows.rows_M.tolist()
    assert selection.runs_P1.tolist() == rows.runs_P1.tolist()


def test_a_head_of_single_rows_has_no_runs(tagging, tokenizer) -> None:
    encoded = encode_examples(tagging, "train", ROWS, tokenizer, 16)
    _, rows = objective_of(tagging).apply(encoded.take(np.arange(2), np.arange(2)), key_of("any"))
    assert rows.runs_P1 is None
