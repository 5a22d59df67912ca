"""The forgetting ledger: a column per stage boundary, a row per measure; from what the boundaries recorded."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from pipeline import wording

START = "start"
MASKED = "masked"
LM_TITLES = {
    "masked": "MLM",
    "left": "left-to-right LM",
    "right": "right-to-left LM",
    "masked-left": "left-to-right MLM",
    "masked-right": "right-to-left MLM",
}
"""Ways in which held-out text is asked of the LM head, and what they are called."""
FURTHER_TITLES = {"seq2seq": "sequence-to-sequence MLM", "mass": "MASS", "nsp": "NSP", "sop": "SOP"}
"""The same of the other text objectives, by their names."""
TITLES = {**LM_TITLES, **FURTHER_TITLES}

Record = Mapping[str, Any]
Told = Mapping[str, Mapping[str, Mapping[str, float]]]


def ledger_of(
    corpora: Sequence[str],
    tasks: Sequence[str],
    start: Record,
    boundaries: Mapping[str, Record],
    by_token: Collection[str],
) -> dict[str, Any]:
    """The ledger as `scores.json` has it: of each corpus what its held-out text told, then each task ever measured.

    Args:
        start: what was measured before the first stage; empty where nothing was.
        boundaries: stage → what its boundary measured.
        by_token: the questions whose loss has a perplexity.
    """
    begun = bool(start.get("tasks") or told_of(start))
    columns = ([START] if begun else []) + list(boundaries)
    measured = ([start] if begun else []) + list(boundaries.values())
    told = [told_of(record) for record in measured]
    rows = [row for corpus in corpora for row in _text_rows(corpus, told, by_token)]
    rows += [row for name in tasks for row in _task_row(name, measured)]
    return {"columns": columns, "rows": [row for row in rows if any(value is not None for value in row["values"])]}


def told_of(record: Record) -> Told:
    """Question → corpus → loss and accuracy; what an older record lacks is left out."""
    accuracy = record.get("lm_accuracy", {})
    lm = {
        corpus: {"loss": loss, **({"accuracy": accuracy[corpus]} if corpus in accuracy else {})}
        for corpus, loss in record.get("lm", {}).items()
    }
    return {**({way_of(record): lm} if lm else {}), **record.get("further", {})}


def way_of(record: Record) -> str:
    """The way in which the text of `lm` was asked."""
    return str(record.get("lm_way", MASKED))


def told_words(record: Record) -> list[str]:
    """A line per corpus: what each question's loss and accuracy are."""
    words: dict[str, list[str]] = {}
    found = told_of(record)
    for question, title in TITLES.items():
        for corpus, told in found.get(question, {}).items():
            accuracy = f", accuracy {wording.score(told['accuracy'])}" if "accuracy" in told else ""
            words.setdefault(corpus, []).append(f"{title} loss {wording.score(told['loss'])}{accuracy}")
    return [f"held-out {corpus}: {'; '.join(lines)}" for corpus, lines in words.items()]


def _text_rows(corpus: str, told: Sequence[Told], by_token: Collection[str]) -> Iterator[dict[str, Any]]:
    """Loss and accuracy of each question; the rows of the LM head's losses name their corpus."""
    for question, title in TITLES.items():
        found = [column.get(question, {}).get(corpus, {}) for column in told]
        row: dict[str, Any] = {"name": f"{corpus}: held-out {title} loss"}
        row |= {"corpus": corpus} if question in LM_TITLES else {}
        row |= {"unit": "nats", "better": "lower", "values": [one.get("loss") for one in found]}
        row |= {} if question == MASKED else {"asked": title, "perplexity": question in by_token}
        yield row
        shares = [one.get("accuracy") for one in found]
        yield {"name": f"{corpus}: held-out {title} accuracy", "unit": "", "better": "higher", "values": shares}


def _task_row(name: str, measured: Sequence[Record]) -> Iterator[dict[str, Any]]:
    """A task's primary metric, where it was ever measured."""
    scores = [record.get("tasks", {}).get(name) for record in measured]
    known = next((one for one in scores if one), None)
    if known is not None:
        measure = f"{wording.task_name(name, known['reduced'])} {known['primary']}"
        shown = [one["metrics"][one["primary"]] if one else None for one in scores]
        yield {"name": measure, "unit": "", "better": "higher", "values": shown}
