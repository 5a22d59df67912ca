"""How docstrings become lines of plain text, against texts written out by hand."""

import inspect

import pytest

from pipeline.pydocs.docstrings import parse
from pipeline.pydocs.identity import key
from pipeline.pydocs.markup import plain
from pipeline.pydocs.paragraphs import paragraphs

NUMPYDOC = """
Scale a signal by a `factor`.

The result has the *same* length,
see :func:`~signal.scale` for more.

Parameters
----------
signal : array_like
    The samples
    to be scaled.
factor : float, optional
    How much louder it gets.

See Also
--------
soften : make it softer than before.

Notes
-----
.. note::
   Nothing is clipped by this function.

.. math:: y = a * x * and some words

Examples
--------
Scaling is simple to ask for:

>>> scale([1, 2], 2)
some words of output here

Use it again::

    some code that reads like words

and again after the code.
"""

GOOGLE = """
Scale a signal by a factor.

Args:
    signal (`list[float]`): The samples
        to be scaled.
    factor: How much louder it gets.

Returns:
    The samples, louder than before.
"""


def lines(docstring: str) -> list[str]:
    return [paragraph.text for paragraph in paragraphs(inspect.cleandoc(docstring))]


def test_a_numpydoc_docstring_becomes_its_prose_and_one_line_per_parameter() -> None:
    assert lines(NUMPYDOC) == [
        "Scale a signal by a factor.",
        "The result has the same length, see scale for more.",
        "signal (array_like): The samples to be scaled.",
        "factor (float, optional): How much louder it gets.",
        "Nothing is clipped by this function.",
        "Scaling is simple to ask for:",
        "Use it again:",
        "and again after the code.",
    ]


def test_a_google_docstring_becomes_its_prose_and_one_line_per_argument() -> None:
    assert lines(GOOGLE) == [
        "Scale a signal by a factor.",
        "signal (list[float]): The samples to be scaled.",
        "factor: How much louder it gets.",
        "The samples, louder than before.",
    ]


def test_fields_of_restructured_text_become_entries_with_the_names_they_describe() -> None:
    found = paragraphs("Scale a signal now.\n\n:param float factor: how much louder it gets\n:return: the new samples")
    assert [(line.text, line.entry) for line in found] == [
        ("Scale a signal now.", ()),
        ("factor (float): how much louder it gets", ("factor",)),
        ("the new samples", ("",)),
    ]


def test_an_entry_names_every_parameter_it_describes() -> None:
    found = paragraphs("Parameters\n----------\nlow, high : int\n    Both ends of the range.")
    assert [line.entry for line in found] == [("low", "high")]


def test_tables_and_code_fences_are_left_out() -> None:
    assert lines("""
        These are the known kinds:

        ======  ==================
        kind    what it stands for
        ======  ==================
        | a | table of a few words |

        ```python
        call this function with words
        ```
        The end of the text.
        """) == ["These are the known kinds:", "The end of the text."]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("``x`` and `y`", "x and y"),
        (":class:`~package.sub.Name` or :meth:`Name.run`", "Name or Name.run"),
        ("the [`~Trainer.train`] method", "the Trainer.train method"),
        ("see `the guide <https://a.b/c>`_ first", "see the guide first"),
        ("**bold** and *slanted* but 2 * 3 * 4", "bold and slanted but 2 * 3 * 4"),
        ("as shown [1]_.", "as shown."),
        ("a\x00b \ud800c", "ab c"),
    ],
)
def test_markup_gives_way_to_the_words_it_shows(written: str, shown: str) -> None:
    assert plain(written) == shown


def test_two_texts_are_the_same_when_their_letters_are() -> None:
    assert key("Added in version 1.2: 'fast' mode.") == key("added in  version 3.10 — fast mode")
    assert key("fast mode") != key("slow mode")


SOURCE = b'''
"""The module."""
from typing import Any

class Signal(Base):
    """A signal."""
    rate: Hertz = 1

    def __init__(self, samples, *, rate: int = 3): ...

    def scale(self, factor: "float" = 2.0, *rest, **more) -> pkg.Signal:
        """Scale it."""
        def hidden():
            """Not documentation."""

if True:
    def free(self, /, a, b=1): "Free."

add_docstr(pkg.abs, "abs(x) -> Tensor\\n\\nAbsolute {kind} value.".format(kind=1) + " Of all.")
add_newdoc("pkg", "box", ("open", """Open it."""))
'''


def test_parsing_finds_docstrings_signatures_and_names() -> None:
    parsed = parse(SOURCE)
    assert parsed is not None
    assert [(d.name, d.text, d.parameters, d.signature) for d in parsed.docstrings] == [
        ("", "The module.", (), None),
        ("Signal", "A signal.", ("samples", "rate"), "Signal(samples, *, rate: int=3)"),
        (
            "Signal.scale",
            "Scale it.",
            ("factor", "rest", "more"),
            "scale(factor: 'float'=2.0, *rest, **more) -> pkg.Signal",
        ),
        ("free", "Free.", ("self", "a", "b"), "free(self, /, a, b=1)"),
        ("pkg.abs", "abs(x) -> Tensor\n\nAbsolute  value. Of all.", (), "abs(x) -> Tensor"),
        ("box", "Open it.", (), None),
    ]
    assert parsed.classes == {"Signal"}
    assert parsed.annotations == {"int", "Hertz", "pkg", "Signal"}


@pytest.mark.parametrize("source", [b"print 'old'", b"\x00", b"# coding: nothing\n", "x = 'ä'".encode("latin-1")])
def test_a_file_that_is_not_python_is_said_to_be_none(source: bytes) -> None:
    assert parse(source) is None
