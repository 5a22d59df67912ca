"""YAML as recipes are written."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline.recipe.yaml_text import read_yaml, write_yaml
from tokenization.errors import RecipeError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5e-4", 5e-4),  # text in YAML 1.1
        ("1.0e-3", 1e-3),
        ("1E6", 1e6),
        (".5", 0.5),
        ("5.", 5.0),
        ("+3", 3),
        ("-0", 0),
        ("010", 10.0),  # octal 8 in YAML 1.1
        ("1:30", "1:30"),  # ninety in YAML 1.1
        ("no", "no"),  # false in YAML 1.1
        ("on", "on"),
        ("True", True),
        ("false", False),
        ("~", None),
        ("", None),
        ("2024-01-01", "2024-01-01"),  # a date in YAML 1.1
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("e5", "e5"),
        ("-.inf", float("-inf")),
        ("'5e-4'", "5e-4"),
    ],
)
def test_a_plain_scalar_means_what_yaml_1_2_says(text, value):
    read = read_yaml(f"- {text}\n", "here")[0]
    assert (read, type(read)) == (value, type(value))


_PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=12)
    | st.from_regex(r"[-+.0-9eE_:xo]{1,6}", fullmatch=True),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(_PLAIN)
def test_what_is_written_reads_back_equal(value):
    assert read_yaml(write_yaml(value), "here") == value


@given(st.text(max_size=8) | st.sampled_from(["no", "5e-4", "1:30", "010", "1_000", "2024-01-01", "<<", "="]))
def test_text_is_written_so_that_a_reader_of_yaml_1_1_gets_the_same_text(text):
    assert yaml.safe_load(write_yaml({"key": text})) == {"key": text}


def test_a_key_that_stands_twice_is_refused_at_any_depth():
    with pytest.raises(RecipeError, match=r"here: line 3, column 3: the key 'b' stands here a second time"):
        read_yaml("a:\n  b: 1\n  b: 2\n", "here")
