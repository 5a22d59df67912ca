"""Word lists: an entry a line, and what cannot be read told by name, with the setting that names it."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tokenization.errors import DataError
from tokenization.word_lists import read_words


def test_word_lists_are_read_an_entry_a_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("\ufeffone\r\n\n two words \n".encode())
    (tmp_path / "b.txt").write_text("three")
    assert read_words([tmp_path / "a.txt", tmp_path / "b.txt"], "lexicon") == ["one", "two words", "three"]


def test_a_word_list_that_cannot_be_read_is_named_with_its_setting(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"c\.txt: cannot be read .*No such file .*`lexicon` names text files"):
        read_words([tmp_path / "c.txt"], "lexicon")
    with pytest.raises(DataError, match=r"cannot be read as a word list: Is a directory"):
        read_words([tmp_path], "lexicon")
    (tmp_path / "d.txt").write_bytes(b"ab\n" + "北京".encode("gbk"))
    with pytest.raises(DataError, match=r"d\.txt: not UTF-8 at byte 3"):
        read_words([tmp_path / "d.txt"], "lexicon")


def test_a_column_of_a_parquet_file_is_a_word_list(tmp_path: Path) -> None:
    table = pa.table({"title": ["Alan Turing", None, " Go "], "text": ["a", "b", "c"]})
    pq.write_table(table, tmp_path / "wiki.parquet")
    assert read_words([tmp_path / "wiki.parquet#title"], "lexicon") == ["Alan Turing", "Go"]
    with pytest.raises(DataError, match=r"no column 'titel'.*columns: title, text.*'title'"):
        read_words([tmp_path / "wiki.parquet#titel"], "lexicon")
    with pytest.raises(DataError, match=r"none\.parquet: cannot be read as Parquet"):
        read_words([tmp_path / "none.parquet#title"], "lexicon")
