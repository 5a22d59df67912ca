from finetune.reading.leaks import leaked_rows
from finetune.tasks.example import Example


def text(*texts, label=None):
    return Example("0", texts, (), label)


def words(*words):
    return Example("0", (), words, None)


def candidates(*candidates):
    return Example("0", (), (), 0, candidates=candidates)


def test_a_row_is_leaked_where_all_its_parts_stand_in_train_letter_for_letter():
    train = [text("a b", "c"), words("a", "b"), candidates(("q", "x"), ("q", "y"))]
    dev = {
        text("a b", "c"): True,
        text("c", "a b"): False,
        text("a b"): False,
        text("a B", "c"): False,
        words("a", "b"): True,
        words("a b"): False,
        candidates(("q", "x"), ("q", "y")): True,
        candidates(("q", "y"), ("q", "x")): False,
        candidates(
            ("q", "x"),
        ): False,
    }
    assert leaked_rows(train, list(dev)).tolist() == list(dev.values())


def test_a_row_is_leaked_whatever_its_label_and_as_often_as_it_stands_there():
    assert leaked_rows([text("a", label="x")], [text("a", label="y"), text("b"), text("a")]).tolist() == [
        True,
        False,
        True,
    ]


def test_nothing_is_leaked_from_an_empty_train_or_into_an_empty_dev():
    assert leaked_rows([], [text("a")]).tolist() == [False]
    assert leaked_rows([text("a")], []).tolist() == []
