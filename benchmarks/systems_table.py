"""The systems: each a recipe of its name under recipes/systems/, what is measured of it, and whose stages it shares."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import systems_mechanisms as measured
from benchmarks.systems_finished import Finished


@dataclass(frozen=True)
class System:
    """A system.

    Attributes:
        name: of its recipe.
        mechanism: what is measured of its finished run.
        scores: the task scores that its row shows, as (stage, task).
        shares: earlier systems whose finished stages it takes over where they are the same.
    """

    name: str
    mechanism: Callable[[Finished], str]
    scores: tuple[tuple[str, str], ...]
    shares: tuple[str, ...] = ()


CONTEST = ("tianchi-ocnli", "ocemotion", "tianchi-tnews")

SYSTEMS: tuple[System, ...] = (
    System("bert", measured.masking, (("task", "sst2"),)),
    System("gpt", measured.causality, (("task", "sst2"), ("forward", "described"))),
    System("elmo", measured.layers_read, (("multitask", "sst2"), ("multitask", "conll2003"))),
    System("ulmfit", measured.rates, (("task", "sst2"),), ("gpt",)),
    System("siatl", measured.auxiliary_weight, (("task", "sst2"),), ("gpt",)),
    System("cove", measured.carried_over, (("translation", "translate"), ("task", "sst2"))),
    System("cvt", measured.teacher_gradient, (("task", "sst2"),), ("bert",)),
    System("mass", measured.spans, (("translation", "translate"),)),
    System("unilm", measured.attention_patterns, (("multitask", "sst2"), ("multitask", "translate"))),
    System(
        "mt-dnn",
        measured.shuffled_batches,
        (("multitask", "sst2"), ("multitask", "mrpc"), ("multitask", "mnli"), ("multitask", "stsb"), ("alone", "stsb")),
        ("bert",),
    ),
    System("ernie", measured.whole_entries, (("task", "conll2003"),)),
    System("contest-heads", measured.heads, tuple(("multitask", task) for task in CONTEST)),
    System("contest-pet", measured.verbalisers, tuple(("multitask", task) for task in CONTEST), ("contest-heads",)),
    System("contest-cln", measured.offsets, tuple(("multitask", task) for task in CONTEST), ("contest-heads",)),
    System("intermediate", measured.lineage, (("without", "rte"), ("with", "rte")), ("bert",)),
    System("siamese", measured.stored_vectors, (("apart", "stsb"), ("together", "crossed")), ("bert",)),
    System("feature-extraction", measured.features, (("features", "sst2"), ("tuned", "sst2")), ("bert",)),
    System(
        "sentences-and-names", measured.mixed_batches, (("multitask", "sst2"), ("multitask", "conll2003")), ("bert",)
    ),
    System("supervised-pretraining", measured.counters, (("combined", "sst2"), ("combined", "stsb"))),
)
