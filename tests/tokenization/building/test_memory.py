"""Memory does not grow with the corpus: ten times the text, cleaned and compared, takes about the same."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tokenization.vocabulary import Tokenizer

pytestmark = pytest.mark.slow

PROGRAM = """
import json, resource, sys
from pathlib import Path
from tokenization.building.runners import in_this_process
from tokenization.cleaning.spec import CleanSpec, NearDuplicates
from tokenization.corpus_build import build_corpus
from tokenization.spec import CorpusSpec
from tokenization.vocabulary import Tokenizer

folder = Path(sys.argv[1])
clean = CleanSpec(unicode="NFC", control=True, min_characters=10, script_share=0.5, exact=True, near=NearDuplicates())
spec = CorpusSpec("c", (folder / "c.txt",), clean=clean)
tokenizer = Tokenizer.load(folder.parent / "tokenizer")
corpus = build_corpus(spec, tokenizer, folder / "out", runner=in_this_process, unit_bytes=1 << 21)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([peak, corpus.manifest.counts.documents, len(corpus.manifest.shards), corpus.manifest.counts.dropped]))
"""


def write_text(folder: Path, documents: int) -> int:
    """Documents of some 700 letters, every twentieth a copy; the bytes written."""
    luck = random.Random(5)
    folder.mkdir()
    with open(folder / "c.txt", "w") as handle:
        for number in range(documents):
            luck.seed(number - number % 20 if number % 20 == 19 else number)
            sentences = (" ".join(luck.choices("abcdefghijklmnopqrstuvwxyz", k=24)) + "." for _ in range(14))
            handle.write("\n".join(sentences) + "\n\n")
    return (folder / "c.txt").stat().st_size


def test_ten_times_the_text_takes_at_most_a_fifth_more_memory(letters: Tokenizer, tmp_path: Path) -> None:
    letters.save(tmp_path / "tokenizer")
    peaks = []
    for times in (1, 10):
        size = write_text(tmp_path / str(times), 8000 * times)
        assert size > 5_000_000 * times
        words = [sys.executable, "-c", PROGRAM, str(tmp_path / str(times))]
        done = subprocess.run(words, capture_output=True, text=True, timeout=560, check=True)
        peak, documents, shards, dropped = json.loads(done.stdout)
        assert (documents, dropped) == (7600 * times, 400 * times)
        assert shards > 2 * times
        peaks.append(peak)
    assert peaks[1] <= 1.2 * peaks[0], f"{peaks[0] // 1024} and {peaks[1] // 1024} MiB"
    print(f"{peaks[0] // 1024} and {peaks[1] // 1024} MiB")
