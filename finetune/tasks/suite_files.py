"""Which files hold the texts of a suite's tasks, where the suites' own archives have them: dev and test sets alone.

What the table of tasks holds is not repeated; labels are not read.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from finetune.tasks.glue import GLUE
from finetune.tasks.spec import TaskSpec

Steps = tuple[str | int, ...]


@dataclass(frozen=True)
class NestedTexts:
    """Texts of a task within JSON documents.

    Attributes:
        name: the task's.
        files: path of each split, relative to the data folder.
        paths: where its texts are, as keys and indices; "*" is every element. A list of strings is one text.
        lines: a file is a list of documents, one a line.
    """

    name: str
    files: Mapping[str, str]
    paths: tuple[Steps, ...]
    lines: bool = False


def _unlabelled(name: str, fields: tuple[str, ...], **files: str) -> TaskSpec:
    """A task of which the texts alone are read."""
    lines = all(file.endswith(".json") for file in files.values())
    return TaskSpec(
        name=name,
        kind="classification",
        fields=fields,
        label="",
        files=files,
        hidden=tuple(files),
        format="jsonl" if lines else "auto",
    )


_SENTENCES = ("sentence1", "sentence2")
_SQUAD: tuple[Steps, ...] = (
    ("data", "*", "paragraphs", "*", "context"),
    ("data", "*", "paragraphs", "*", "qas", "*", "question"),
)

GLUE_ONLY_TEXTS = (
    _unlabelled("ax", _SENTENCES, test="glue/AX/diagnostic.tsv"),
    _unlabelled(
        "mnli",
        _SENTENCES,
        dev_mismatched="glue/MNLI/dev_mismatched.tsv",
        test_matched="glue/MNLI/test_matched.tsv",
        test_mismatched="glue/MNLI/test_mismatched.tsv",
    ),
    _unlabelled("qnli", ("question", "sentence"), dev="glue/QNLI/dev.tsv", test="glue/QNLI/test.tsv"),
    _unlabelled("qqp", ("question1", "question2"), dev="glue/QQP/dev.tsv", test="glue/QQP/test.tsv"),
)

CLUE_TEXTS = (
    _unlabelled("afqmc", _SENTENCES, dev="clue/afqmc/dev.json", test="clue/afqmc/test.json"),
    _unlabelled(
        "tnews",
        ("sentence",),
        dev="clue/tnews/dev.json",
        test="clue/tnews/test.json",
        test10="clue/tnews/test1.0.json",
    ),
    _unlabelled("iflytek", ("sentence",), dev="clue/iflytek/dev.json", test="clue/iflytek/test.json"),
    _unlabelled("cmnli", _SENTENCES, dev="clue/cmnli/dev.json", test="clue/cmnli/test.json"),
    _unlabelled("ocnli", _SENTENCES, dev="clue/ocnli/dev.json", test="clue/ocnli/test.json"),
    _unlabelled("cluewsc2020", ("text",), dev="clue/cluewsc2020/dev.json", test="clue/cluewsc2020/test.json"),
    _unlabelled("csl", ("abst",), dev="clue/csl/dev.json", test="clue/csl/test.json"),
    NestedTexts(
        "chid",
        {"dev": "clue/chid/dev.json", "test": "clue/chid/test.json", "test1.1": "clue/chid/test1.1.json"},
        (("*", "content", "*"),),
        lines=True,
    ),
    NestedTexts("drcd", {"dev": "clue/drcd/dev.json", "test": "clue/drcd/test.json"}, _SQUAD),
    NestedTexts("cmrc2018", {"dev": "clue/cmrc2018/dev.json", "test": "clue/cmrc2018/test.json"}, _SQUAD),
    NestedTexts(
        "c3",
        {
            "dev-d": "clue/c3/d-dev.json",
            "dev-m": "clue/c3/m-dev.json",
            "test-d": "clue/c3/d-test.json",
            "test-m": "clue/c3/m-test.json",
        },
        (("*", 0), ("*", 1, "*", "question")),
    ),
)

FEWCLUE_TEXTS = tuple(
    _unlabelled(
        name,
        fields,
        dev=f"fewclue/{name}/dev_few_all.json",
        test_public=f"fewclue/{name}/test_public.json",
        test=f"fewclue/{name}/test.json",
    )
    for name, fields in (
        ("eprstmt", ("sentence",)),
        ("csldcp", ("content",)),
        ("tnews", ("sentence",)),
        ("iflytek", ("sentence",)),
        ("ocnli", _SENTENCES),
        ("bustm", _SENTENCES),
        ("chid", ("content",)),
        ("csl", ("abst",)),
        ("cluewsc", ("text",)),
    )
)

Source = TaskSpec | NestedTexts

SUITES: dict[str, tuple[Source, ...]] = {
    "glue": (*GLUE, *GLUE_ONLY_TEXTS),
    "clue": CLUE_TEXTS,
    "fewclue": FEWCLUE_TEXTS,
}
