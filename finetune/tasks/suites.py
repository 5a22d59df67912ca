"""Suites of tasks, and the one number that their boards make of them.

GLUE's board takes the mean over its nine tasks; where it shows two metrics, their mean stands for the task, and so does
the mean of both halves for MNLI; AX is shown but not counted. BERT-large, from Devlin et al. 2019 and the board:

    CoLA 60.5, SST-2 94.9, MRPC (89.3 + 85.4) / 2 = 87.35, STS-B (87.6 + 86.5) / 2 = 87.05,
    QQP (72.1 + 89.3) / 2 = 80.7, MNLI (86.7 + 85.9) / 2 = 86.3, QNLI 92.7, RTE 70.1, WNLI 65.1; their mean is 80.5

CLUE 1.1 takes the mean over nine tasks, OCNLI in the place of CMNLI, and of CMRC2018 the exact match. The board's row
HUMAN: (81 + 71 + 80.3 + 90.3 + 98 + 84 + 92.4 + 87.1 + 96) / 9 = 86.678. FewCLUE takes the mean over its nine: for
people (90 + 88 + 90.3 + 68 + 71 + 98 + 66 + 84 + 87.1) / 9 = 82.49. The contest takes the mean of three macro-F1.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from finetune.tasks.clue import AFQMC, CLUE_DIAGNOSTICS, CLUEWSC2020, CMNLI, CSL, IFLYTEK, OCNLI, TNEWS
from finetune.tasks.clue_reading import C3, CHID, CMRC2018, DRCD
from finetune.tasks.fewclue import FEWCLUE
from finetune.tasks.glue import GLUE
from finetune.tasks.ner import NER
from finetune.tasks.spec import TaskSpec
from finetune.tasks.squad import READING
from finetune.tasks.tianchi import TIANCHI
from tokenization.errors import RecipeError, did_you_mean

SplitScores = Mapping[str, Mapping[str, float]]
"""Split → metric → value."""


@dataclass(frozen=True)
class Suite:
    """Tasks that are evaluated together.

    Attributes:
        tasks: in the order of the table.
        average: task → the metrics whose mean stands for it in the suite's average; tasks left out are not counted.
        test: the split that its board calls the test set, of tasks that have such a one; of the others it is `test`.
    """

    name: str
    tasks: tuple[TaskSpec, ...]
    title: str
    citation: str
    average: Mapping[str, tuple[str, ...]]
    test: str = "test"

    def splits(self, spec: TaskSpec, split: str) -> tuple[str, ...]:
        """The splits of a task that a name stands for in this suite."""
        return spec.named(self.test if split == "test" and self.test in spec.splits else split)


@dataclass(frozen=True)
class Average:
    """A suite's average over what there is.

    Attributes:
        value: the mean over `counted`, in the metrics' own unit; None where nothing counts.
        counted: the tasks in it.
        missing: what the board counts and is not there: tasks, or parts of one as "mnli (dev_mismatched)".
    """

    value: float | None
    counted: tuple[str, ...]
    missing: tuple[str, ...]


def suite_average(suite: Suite, scores: Mapping[str, SplitScores]) -> Average:
    """The mean by the board's rule of the tasks that have scores; it is the board's own only where none is missing.

    Args:
        scores: task → split → metric → value, of one kind of split: all dev, or all test. A task's splits count
            equally; one that has not been scored by the board's metrics is missing.
    """
    values: dict[str, float] = {}
    missing: list[str] = []
    for spec in suite.tasks:
        if spec.name not in suite.average:
            continue
        metrics = suite.average[spec.name]
        parts = {
            split: fmean(found[metric] for metric in metrics)
            for split, found in scores.get(spec.name, {}).items()
            if set(metrics) <= set(found)
        }
        if parts:
            values[spec.name] = fmean(parts.values())
            missing += [f"{spec.name} ({split})" for split in _other_parts(spec, tuple(parts))]
        else:
            missing.append(spec.name)
    return Average(fmean(values.values()) if values else None, tuple(values), tuple(missing))


def _other_parts(spec: TaskSpec, splits: Sequence[str]) -> Iterator[str]:
    """Splits that belong to the same set as those given: MNLI's dev_mismatched beside its dev_matched."""
    for whole in dict.fromkeys(split.partition("_")[0] for split in splits):
        parts = spec.named(whole)
        if set(parts) & set(splits):
            yield from (part for part in parts if part not in splits)


def _of_clue(tasks: tuple[TaskSpec, ...]) -> dict[str, tuple[str, ...]]:
    """CLUE's boards show the accuracy of every task but CMRC2018."""
    return {spec.name: ("exact_match_zh",) if spec is CMRC2018 else _ACCURACY for spec in tasks}


_CLUE_CITATION = "Xu et al. 2020, CLUE: A Chinese Language Understanding Evaluation Benchmark"
_ACCURACY = ("accuracy",)
_CLUE_11 = (AFQMC, TNEWS, IFLYTEK, OCNLI, CLUEWSC2020, CSL, CMRC2018, CHID, C3)
_CLUE_10 = (AFQMC, TNEWS, IFLYTEK, CMNLI, CLUEWSC2020, CSL, CMRC2018, CHID, C3)

SUITES: dict[str, Suite] = {
    "glue": Suite(
        name="glue",
        tasks=GLUE,
        title="GLUE",
        citation="Wang et al. 2018, GLUE: A Multi-Task Benchmark and Analysis Platform",
        average={
            "cola": ("matthews",),
            "sst2": _ACCURACY,
            "mrpc": ("f1", "accuracy"),
            "stsb": ("pearson", "spearman"),
            "qqp": ("f1", "accuracy"),
            "mnli": _ACCURACY,
            "qnli": _ACCURACY,
            "rte": _ACCURACY,
            "wnli": _ACCURACY,
        },
    ),
    "clue": Suite(
        name="clue",
        tasks=(*_CLUE_11, CMNLI, DRCD, CLUE_DIAGNOSTICS),
        title="CLUE 1.1",
        citation=_CLUE_CITATION,
        average=_of_clue(_CLUE_11),
    ),
    "clue10": Suite(
        name="clue10",
        tasks=_CLUE_10,
        title="CLUE 1.0",
        citation=_CLUE_CITATION,
        average=_of_clue(_CLUE_10),
        test="test10",
    ),
    "fewclue": Suite(
        name="fewclue",
        tasks=FEWCLUE,
        title="FewCLUE",
        citation="Xu et al. 2021, FewCLUE: A Chinese Few-shot Learning Evaluation Benchmark",
        average={spec.name: _ACCURACY for spec in FEWCLUE},
    ),
    "tianchi": Suite(
        name="tianchi",
        tasks=TIANCHI,
        title="Tianchi 531841",
        citation="Tianchi 2020, contest 531841: generalisation of Chinese pre-trained models",
        average={spec.name: ("macro_f1",) for spec in TIANCHI},
    ),
    "ner": Suite(
        name="ner",
        tasks=NER,
        title="named entities (no board: the mean of entity F1)",
        citation="Tjong Kim Sang, De Meulder 2003; Xu et al. 2020",
        average={spec.name: ("entity_f1",) for spec in NER},
    ),
    "reading": Suite(
        name="reading",
        tasks=READING,
        title="reading (no board: the mean of SQuAD 1.1's and 2.0's F1)",
        citation="Rajpurkar et al. 2016; Rajpurkar, Jia, Liang 2018",
        average={"squad1": ("span_f1",), "squad2": ("span_f1",)},
    ),
}


def find_suite(name: str) -> Suite:
    """The suite of that name.

    Raises:
        RecipeError: no suite is called so.
    """
    if name not in SUITES:
        raise RecipeError(f"no suite is called {name!r}; suites: {', '.join(SUITES)}{did_you_mean(name, SUITES)}")
    return SUITES[name]
