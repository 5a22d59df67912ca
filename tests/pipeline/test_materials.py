"""What a run is made from is read once."""

from typing import Any


def test_a_split_is_read_once_for_encoding_it_and_for_finding_its_rows_in_train(house: Any) -> None:
    rows = (house.base / "data" / "topic-train.tsv").read_text(encoding="utf-8").splitlines()
    (house.base / "data" / "topic-dev.tsv").write_text("\n".join([rows[0], rows[7], "sea\tnever seen"]) + "\n")
    materials = house.materials("r")
    assert [len(materials.encoded("topic", split)) for split in ("train", "dev")] == [30, 2]
    for split in ("train", "dev"):
        (house.base / "data" / f"topic-{split}.tsv").unlink()
    assert materials.leaked("topic", "dev").tolist() == [True, False]
