"""What a split's rows are, whatever file, order, tokenizer or length they were read with."""

from collections.abc import Iterable
from hashlib import blake2b

from finetune.reading.leaks import text_of
from finetune.tasks.example import Example
from tokenization.fingerprint import of_value


def content_of(examples: Iterable[Example]) -> str:
    """A content address of rows: their texts and labels. Their order and ids do not count, no score depends on them."""
    rows = (repr((text_of(example), example.label)) for example in examples)
    return of_value(sorted(blake2b(row.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest() for row in rows))
