"""The content of a split's rows, by invariance: what changes a score changes it, and nothing else does."""

from dataclasses import replace

from finetune.reading.content import content_of
from finetune.tasks.example import Example, Span

ROWS = (
    Example("0", ("a b", "c"), (), "yes"),
    Example("1", ("a", "b c"), (), "no"),
    Example("2", (), ("a", "b"), ("O", "B-PER")),
    Example("3", ("who?", "anna"), (), (Span("anna", 0),)),
    Example("4", (), (), 1, (("a", "b"), ("c", "d"))),
    Example("5", ("a", "b"), (), 2.5),
)


def test_order_and_ids_do_not_change_the_content() -> None:
    renamed = [replace(row, id=f"row {row.id}") for row in reversed(ROWS)]
    assert content_of(renamed) == content_of(ROWS)


def test_a_changed_text_label_place_or_number_of_copies_does() -> None:
    changed = (
        replace(ROWS[0], texts=("a", "b c")),
        replace(ROWS[0], label="no"),
        replace(ROWS[2], words=("a b",)),
        replace(ROWS[3], label=()),
        replace(ROWS[3], label=(Span("anna", 1),)),
        replace(ROWS[4], candidates=(("c", "d"), ("a", "b"))),
        replace(ROWS[5], label=2.0),
    )
    found = {content_of((*ROWS, row)) for row in changed} | {content_of(ROWS), content_of((*ROWS, ROWS[0]))}
    assert len(found) == len(changed) + 2
