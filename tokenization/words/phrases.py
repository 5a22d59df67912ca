"""The phrases of a lexicon in a corpus: a sidecar beside it, one bit a token.

`<corpus>/phrases-<hash>/phrases-NNNNN.bin`: uint8 [⌈T / 8⌉] for each shard, lowest bit first: does token t continue the
phrase of the token before? `phrases.json` is written last and marks it whole; what an interrupted build has finished
is not done again. The hash is that of the entries' ids, so another lexicon lies beside it.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokenization import atomic, fingerprint
from tokenization.corpus import Corpus
from tokenization.errors import DataError
from tokenization.locking import locked
from tokenization.vocabulary import Tokenizer
from tokenization.words.lexicon import Lexicon

_VERSION = 1
_DONE = "phrases.json"


class Phrases:
    """Which tokens of a corpus continue a phrase.

    Attributes:
        fingerprint: of the phrases alone; the corpus has its own.
    """

    def __init__(self, corpus: Corpus, lexicon: Lexicon, folder: Path | None) -> None:
        self._corpus, self._lexicon, self._folder = corpus, lexicon, folder
        self._packed: dict[int, NDArray[np.uint8]] = {}
        self.fingerprint = fingerprint.of_value([_VERSION, lexicon.fingerprint])

    def packed(self, shard: int) -> NDArray[np.uint8]:
        """A shard's bits, lowest first: mapped, or found now where nothing may be written."""
        if shard not in self._packed:
            self._packed[shard] = (
                packed_phrases(self._corpus, self._lexicon, shard)
                if self._folder is None
                else _mapped(self._folder / _name(shard), self._corpus.manifest.shards[shard].tokens)
            )
        return self._packed[shard]


def open_or_build_phrases(
    corpus: Corpus, tokenizer: Tokenizer, files: Sequence[Path], say: Callable[[str], None] | None = None
) -> Phrases:
    """Open the phrases that these word lists mark in a corpus; find them where that was never done.

    In a corpus that is open for reading only nothing is written, and they are found shard by shard when asked for.

    Raises:
        DataError: a word list is missing, malformed or of no use; a stored file is cut short.
    """
    lexicon = Lexicon.read(tokenizer, files)
    folder = corpus.folder / f"phrases-{fingerprint.of_value([_VERSION, lexicon.fingerprint])}"
    if not (folder / _DONE).is_file():
        if corpus.read_only:
            return Phrases(corpus, lexicon, None)
        with locked(folder / "lock", say):
            if not (folder / _DONE).is_file():
                _build(corpus, lexicon, folder, say)
    return Phrases(corpus, lexicon, folder)


def packed_phrases(corpus: Corpus, lexicon: Lexicon, number: int) -> NDArray[np.uint8]:
    """The bits of one shard."""
    shard = corpus.shard(number)
    return np.packbits(lexicon.continues(shard.ids, shard.sentences_S1.astype(np.int64)), bitorder="little")


def _build(corpus: Corpus, lexicon: Lexicon, folder: Path, say: Callable[[str], None] | None) -> None:
    lines = lexicon.lines()
    if say is not None:
        say(f"corpus {corpus.manifest.name}: marking phrases: {'; '.join(lines)}")
    for number in range(len(corpus.manifest.shards)):
        path = folder / _name(number)
        if not path.is_file():
            with atomic.aside(path) as temporary:
                packed_phrases(corpus, lexicon, number).tofile(temporary)
    atomic.write_json(folder / _DONE, {"lexicon": lines})


def _name(shard: int) -> str:
    return f"phrases-{shard:05d}.bin"


def _mapped(path: Path, tokens: int) -> NDArray[np.uint8]:
    size = path.stat().st_size if path.is_file() else 0
    if size != -(-tokens // 8):
        raise DataError(
            f"{path}: {size} bytes, {-(-tokens // 8)} expected for {tokens} tokens. Remove {path.parent} and run the "
            "same command again."
        )
    return np.memmap(path, dtype=np.uint8, mode="r") if size else np.empty(0, dtype=np.uint8)
