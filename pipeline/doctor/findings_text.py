"""The findings on a corpus in words, as `triptych doctor` prints them."""

from collections.abc import Iterator

from tokenization.examine import Findings
from tokenization.spec import CorpusSpec

_FEW_UNKNOWN = 0.01
_DUPLICATES = 0.01
_EMPTY = 0.05
_FOREIGN = 0.3
_MARKS = 0.01  # a letter; German has .016, English .0005, in names and loans


def figures(found: Findings, cores: int) -> Iterator[str]:
    """What a corpus holds and what it will take."""
    read = found.sample
    formats = ", ".join(f"{count:,} × {name}" for name, count in read.formats.items())
    part = "of a stream of unknown size" if read.share is None else f"about {read.share:.2%} of the text"
    yield f"  sources      {formats}"
    yield f"  sampled      {len(read.documents):,} documents, {part}"
    if found.documents is not None:
        yield f"  documents    about {found.documents:,}"
    yield (
        f"  a document   median {found.median_sentences:.0f} sentences, {found.median_tokens:,.0f} tokens; "
        f"{found.single:.1%} are one sentence"
    )
    yield f"  empty        {found.empty:.2%} of the documents"
    yield f"  duplicates   {found.duplicates:.2%} of the sample are exact copies of an earlier document in it"
    yield f"  unknown      {found.unknown:.3%} of the tokens"
    yield f"  vocabulary   {found.fit.pieces_per_word:.2f} pieces a word, {found.fit.whole_share:.1%} of words whole"
    for reason, share in found.dropped.items():
        yield f"  cleaning     drops {share:.2%} of the documents: {reason}"
    if found.tokens is not None and found.shard_bytes is not None and found.seconds is not None:
        yield (
            f"  estimate     {found.tokens:,} tokens, {found.shard_bytes / 1e6:,.1f} MB of shards, "
            f"{found.seconds / 60 / cores:,.1f} minutes on {cores} core(s)"
        )


def warnings(spec: CorpusSpec, found: Findings) -> Iterator[str]:
    """What is probably wrong with it."""
    read = found.sample
    if not read.documents:
        yield "  ! no document with text was found in the sample"
        return
    if found.median_sentences <= 1:
        yield (
            "  ! the median document has one sentence: every sentence is its own document, and NSP would be "
            "meaningless. If a blank line stands after each sentence, take these lines out, or ask for mlm alone"
        )
    if found.tagged:
        yield (
            f"  ! {found.tagged:,} documents hold `<doc id=`, as WikiExtractor writes between articles: "
            "set `format: wikiextractor`"
        )
    if found.script is not None and found.script < _FOREIGN:
        yield (
            f"  ! {found.script:.1%} of the letters are of the script that language {spec.language} is written in: "
            "is `language` the right one?"
        )
    if found.lost_marks > _MARKS:
        yield (
            f"  ! the vocabulary takes {100 * found.lost_marks:.1f} marks off every hundred letters (umlauts, tones, "
            "vowel signs), so that different words become one: set `tokenizer.train.lowercase: false`, or take a cased "
            "vocabulary"
        )
    if read.bad_count:
        yield f"  ! {read.bad_count:,} malformed places in the sample; `--skip-bad` would leave them out:"
        yield from (f"    {message}" for message in read.bad[:5])
    if found.unknown > _FEW_UNKNOWN:
        yield f"  ! {found.unknown:.1%} unknown tokens: is this the vocabulary of another language or of cased text?"
    if found.duplicates > _DUPLICATES and not spec.clean.exact:
        yield "  ! copies of documents: set `clean: {exact: true}`"
    if found.empty > _EMPTY:
        yield f"  ! {found.empty:.1%} of the documents are empty: is `field` the right one?"
