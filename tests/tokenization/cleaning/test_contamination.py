"""What counts as holding an example; the oracle is the definition, on texts that can be checked by eye."""

import pickle
from dataclasses import replace

from tokenization.cleaning.contamination import KeptOut, KeptOutText, Match, NotCheckable
from tokenization.cleaning.spec import Decontamination

SETTINGS = Decontamination(("toy",), words=5, characters=6, short_words=3, short_characters=4)


def kept_out(*texts: str) -> KeptOut:
    return KeptOut([KeptOutText("toy", "dev", str(row), text) for row, text in enumerate(texts)], SETTINGS)


def rows(examples: KeptOut, *documents: str, language: str = "en") -> list[str | None]:
    matches = [examples.match(document, language) for document in documents]
    return [match.row if match else None for match in matches]


def test_a_long_example_matches_by_any_n_gram_wherever_it_stands() -> None:
    examples = kept_out("alpha beta gamma delta epsilon zeta")
    assert rows(
        examples,
        "Alpha Beta, Gamma: delta (epsilon) zeta.",
        "He said beta gamma delta epsilon zeta and left.",
        "alpha beta gamma\ndelta epsilon, or so.",
        "alpha beta gamma delta and epsilon zeta",
        "alpha beta gamma delta",
    ) == ["0", "0", "0", None, None]


def test_no_n_gram_reaches_from_one_example_into_the_next() -> None:
    examples = kept_out("a b c d e f", "g h i j k l")
    assert rows(examples, "d e f g h", "c d e f g h i", "b c d e f", "g h i j k") == [None, None, "0", "1"]


def test_a_short_example_matches_whole_between_sentence_bounds() -> None:
    examples = kept_out("The cat sat.")
    assert rows(
        examples,
        "It rained. The cat sat! Then it left.",
        "the cat sat",
        "It rained\nthe cat sat\nthen it left",
        "It rained. The cat sat down.",
        "It rained. So the cat sat.",
    ) == ["0", "0", "0", None, None]


def test_a_short_example_of_two_sentences_matches_as_two_sentences() -> None:
    examples = kept_out("It rained. She left.")
    assert rows(examples, "Oh. It rained! She left. Bye.", "It rained. She left early.", "It rained, she left.") == [
        "0",
        None,
        "0",
    ]


def test_chinese_is_measured_in_characters() -> None:
    examples = kept_out("今天天气非常好", "我们走吧", "你好吗")
    documents = ("他说今天天气非常冷。", "今天，天气不好。", "走吧。我们走吧！好。", "我们走吧好。", "你好吗？")
    assert rows(examples, *documents, language="zh") == ["0", None, "1", None, None]


def test_what_is_too_short_is_listed_by_task_and_never_matches() -> None:
    texts = [("a", "Hi there."), ("b", "one two three"), ("a", "Go!"), ("a", "你好吗"), ("a", "what is that thing")]
    examples = KeptOut([KeptOutText(task, "dev", "0", text) for task, text in texts], SETTINGS, ("b/test.tsv",))
    assert examples.not_checkable == (NotCheckable("a", 3, 4, ("Hi there.", "Go!", "你好吗")),)
    assert examples.not_checked == ("b/test.tsv",)
    assert rows(examples, "Hi there.", "Go!") == [None, None]


def test_a_match_says_where_the_example_stands_and_what_is_shared() -> None:
    examples = KeptOut([KeptOutText("toy", "test", "12", "Alpha beta gamma delta epsilon")], SETTINGS)
    found = examples.match("So alpha-beta gamma delta epsilon.", "en")
    assert found == Match("toy", "test", "12", "alpha beta gamma delta epsilon")


def test_an_example_that_stands_in_several_rows_is_reported_as_the_first() -> None:
    assert rows(kept_out("x y z", "one two three", "one two three"), "One two three.") == ["1"]


def test_hashes_alone_never_drop_a_document() -> None:
    """The table is made to claim another document's hashes, as a collision would."""
    honest, other = kept_out("alpha beta gamma delta epsilon"), kept_out("one two three four five")
    document = "one two three four five"
    assert rows(honest, document) == [None]
    honest._tables = (replace(other._tables[0], texts_G=honest._tables[0].texts_G), honest._tables[1])
    assert rows(honest, document) == [None]


def test_the_fingerprint_tells_examples_settings_and_their_order_apart() -> None:
    one, same, other = kept_out("a b c"), kept_out("a b c"), kept_out("a b d")
    stricter = KeptOut([KeptOutText("toy", "dev", "0", "a b c")], replace(SETTINGS, words=6))
    assert one.fingerprint == same.fingerprint == pickle.loads(pickle.dumps(one)).fingerprint
    assert len({one.fingerprint, other.fingerprint, stricter.fingerprint}) == 3


def test_nothing_to_keep_out_drops_nothing() -> None:
    assert rows(kept_out(), "a b c d e f", "") == [None, None]
    assert rows(kept_out("a b c", "a b c d e"), "", "...", "!\n?") == [None, None, None]
