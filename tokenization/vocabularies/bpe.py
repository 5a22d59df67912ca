"""Training a byte-level BPE vocabulary (Sennrich et al. 2016; bytes: Radford et al. 2019).

The `tokenizers` trainer is deterministic here: the alphabet is the 256 bytes in the order of their letters, and of
pairs equally common it merges the one whose ids are lower. No text is unknown to it.
"""

from collections.abc import Iterable

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

from tokenization.tokenizer_files import SPECIALS, bert_processing


def train_byte_pairs(texts: Iterable[str], size: int, lowercase: bool) -> tokenizers.Tokenizer:
    """A byte-level BPE tokenizer; a word has the space before it, the first word of a text too.

    Args:
        texts: not empty.
        size: entries at most, with room for the special tokens and all bytes; fewer where the text has not the pairs.
    """
    raw = tokenizers.Tokenizer(models.BPE())
    if lowercase:
        steps = [normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase(), normalizers.NFC()]
        raw.normalizer = normalizers.Sequence(steps)
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    raw.decoder = decoders.Sequence([decoders.ByteLevel(), decoders.Strip(" ", 1, 0)])
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=2,
        special_tokens=list(SPECIALS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    raw.train_from_iterator(texts, trainer)
    # A token's place is then where its letters begin, not the space before them.
    trimmed = processors.ByteLevel(trim_offsets=True, add_prefix_space=True)
    raw.post_processor = processors.Sequence([trimmed, bert_processing(raw)])
    return raw
