"""Where a task's files are found."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from finetune.reading.archive import find_file
from finetune.reading.read import read_examples
from tokenization.errors import DataError

TABLE = "text\tlabel\na\tsad\n"


def put(path: Path, text: str = TABLE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def pack(path: Path, **members: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/") + ".tsv", text)
    return path


@pytest.mark.parametrize(
    ("archive", "member"),
    [
        ("clue/mood.zip", "train"),
        ("clue/mood_public.zip", "train"),
        ("clue/mood.zip", "mood__train"),
        ("clue/mood_public.zip", "mood_public__train"),
        ("clue.zip", "mood__train"),
        ("clue.zip", "clue__mood__train"),
    ],
)
def test_a_file_is_read_from_the_zip_that_suites_hand_out_as_from_a_folder(archive, member, single, tmp_path):
    pack(tmp_path / archive, **{member: TABLE})
    spec = replace(single, files={"train": "clue/mood/train.tsv", "dev": "x"})
    put(tmp_path / "unpacked" / "clue" / "mood" / "train.tsv")
    assert read_examples(spec, tmp_path, "train") == read_examples(spec, tmp_path / "unpacked", "train")


def test_a_path_may_name_the_zip_itself(single, tmp_path):
    pack(tmp_path / "mine.zip", parts__train=TABLE)
    spec = replace(single, files={"train": "mine.zip/parts/train.tsv", "dev": "x"})
    assert read_examples(spec, tmp_path, "train")[0].texts == ("a",)


def test_a_wrong_label_in_a_zip_is_told_by_zip_member_and_line(single, tmp_path):
    pack(tmp_path / "mood.zip", train="text\tlabel\na\tsda\n")
    spec = replace(single, files={"train": "mood/train.tsv", "dev": "x"})
    with pytest.raises(DataError, match=r"mood\.zip/train\.tsv, line 2: label 'sda'"):
        read_examples(spec, tmp_path, "train")


def test_a_zip_named_without_a_file_of_it_is_told_how_to_name_one(single, tmp_path):
    pack(tmp_path / "u" / "mood.zip", mood_train=TABLE, mood_dev=TABLE)
    spec = replace(single, files={"train": "u/mood.zip", "dev": "u/mood.zip/mood_tain.tsv"})
    with pytest.raises(DataError, match=r"a file of it as u/mood\.zip/mood_train\.tsv") as caught:
        read_examples(spec, tmp_path, "train")
    assert "It holds mood_dev.tsv, mood_train.tsv" in str(caught.value)
    with pytest.raises(DataError, match=r"mood\.zip holds mood_dev\.tsv, mood_train\.tsv\. Did you mean 'mood_train"):
        read_examples(spec, tmp_path, "dev")


def test_a_folder_given_as_a_file_is_called_one(single, tmp_path):
    put(tmp_path / "mood" / "train.tsv")
    put(tmp_path / "mood.tsv")
    with pytest.raises(DataError, match=r"/mood: a folder.*a file is needed.*mood holds train\.tsv\.") as caught:
        read_examples(replace(single, files={"train": "mood", "dev": "x"}), tmp_path, "train")
    assert "Did you mean" not in str(caught.value)
    with pytest.raises(DataError, match=r"a folder \(split 'train'.*holds mood\.tsv, mood/\."):
        read_examples(replace(single, files={"train": ".", "dev": "x"}), tmp_path, "train")


def test_a_damaged_zip_is_named(single, tmp_path):
    put(tmp_path / "mood.zip", "no zip")
    with pytest.raises(DataError, match=r"mood\.zip: not a readable zip"):
        read_examples(replace(single, files={"train": "mood/train.tsv", "dev": "x"}), tmp_path, "train")
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("train.tsv", TABLE)
    (tmp_path / "mood.zip").write_bytes(whole.getvalue().replace(b"sad", b"bad"))
    with pytest.raises(DataError, match=r"mood\.zip/train\.tsv: cannot be read"):
        read_examples(replace(single, files={"train": "mood/train.tsv", "dev": "x"}), tmp_path, "train")


def test_the_data_folder_may_be_the_suite_s_own(tmp_path):
    file = put(tmp_path / "GLUE-data" / "RTE" / "train.tsv")
    found = find_file(tmp_path / "GLUE-data", "glue/RTE/train.tsv")
    assert found is not None
    assert found.path == file
    put(tmp_path / "tianchi" / "TNEWS.csv")
    assert find_file(tmp_path / "tianchi", "tianchi/TNEWS.csv") is not None


def test_a_file_of_the_same_name_elsewhere_is_not_taken_for_it(tmp_path):
    put(tmp_path / "train.tsv")
    assert find_file(tmp_path, "mine/train.tsv") is None
    put(tmp_path / "glue" / "CoLA" / "dev.tsv")
    put(tmp_path / "CoLA" / "train.tsv")
    assert find_file(tmp_path, "glue/CoLA/train.tsv") is None


def test_a_folder_of_the_wrong_layout_is_told_what_was_expected_and_what_stands_there(single, tmp_path):
    put(tmp_path / "glue" / "rte" / "training.tsv")
    spec = replace(single, files={"train": "glue/RTE/train.tsv", "dev": "glue/rte/train.tsv"})
    with pytest.raises(DataError, match=r"glue/RTE/train\.tsv: no such file.*glue holds rte/\. The data folder is"):
        read_examples(spec, tmp_path, "train")
    with pytest.raises(DataError, match=r"glue/rte holds training\.tsv\. Did you mean 'training\.tsv'\?"):
        read_examples(spec, tmp_path, "dev")
