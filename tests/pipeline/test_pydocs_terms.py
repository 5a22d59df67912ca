"""Which words the tagging task marks, against sentences tagged by hand."""

from pipeline.pydocs.heldout import Split
from pipeline.pydocs.identity import key
from pipeline.pydocs.paragraphs import Paragraph
from pipeline.pydocs.reading import Reading, Record
from pipeline.pydocs.terms_task import terms_task


def tagged(text: str, parameters: tuple[str, ...], entry: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """The words of one paragraph that carry a tag."""
    record = Record("pkg", "pkg.a", "f", parameters, None, (Paragraph(text, key(text), entry),))
    reading = Reading("pkg", "pkg.a", (record,), frozenset({"Index", "DataFrame", "PkgError"}), frozenset({"Path"}))
    rows = terms_task(Split((reading,), (), 0), ("pkg",), frozenset()).splits["train"]
    return [(word, tag) for row in rows for word, tag in zip(row["words"], row["tags"], strict=True) if tag != "O"]


def test_a_parameter_with_the_name_of_an_ordinary_word_counts_only_where_it_is_described() -> None:
    assert tagged("a (int): the start of a longer range", ("a", "start"), ("a",)) == [
        ("a", "B-PARAM"),
        ("int", "B-TYPE"),
    ]
    assert tagged("Give the axis of a longer range of numbers", ("a", "axis")) == [("axis", "B-PARAM")]


def test_types_are_the_names_that_annotations_and_classes_of_the_package_use() -> None:
    found = tagged("Takes a pkg.DataFrame, an Index or a Path but no Tensor", ("x",))
    assert found == [("pkg.DataFrame", "B-TYPE"), ("Index", "B-TYPE"), ("Path", "B-TYPE")]


def test_a_word_that_starts_a_sentence_is_a_type_only_when_it_looks_like_a_class() -> None:
    assert tagged("Index the x. Path of the file. DataFrame of x.", ("y",)) == [("DataFrame", "B-TYPE")]


def test_a_type_of_several_words_is_one_entity() -> None:
    expected = [("array", "B-TYPE"), ("-", "I-TYPE"), ("like", "I-TYPE")]
    assert tagged("Any array-like of the values that are known", ("x",)) == expected


def test_exceptions_are_those_of_python_and_of_the_package() -> None:
    found = tagged("Raises PkgError or KeyError but never OtherError for x", ("x",))
    assert found == [("PkgError", "B-EXC"), ("KeyError", "B-EXC"), ("x", "B-PARAM")]
