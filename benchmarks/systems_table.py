"""The systems: each a recipe of its name under recipes/systems/, what is measured of it, and whose stages it shares."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import systems_tasks as tasks
from benchmarks import systems_text as text
from benchmarks.systems_entities import entities
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
    System("bert", text.masking, (("task", "sst2"),)),
    System("gpt", text.causality, (("task", "sst2"), ("forward", "described"), ("forward", "written"))),
    System("elmo", tasks.layers_read, (("multitask", "sst2"), ("multitask", "conll2003"))),
    System("ulmfit", tasks.rates, (("task", "sst2"),), ("gpt",)),
    System("siatl", tasks.auxiliary_weight, (("task", "sst2"),), ("gpt",)),
    System("cove", tasks.carried_over, (("translation", "translate"), ("task", "sst2"), ("untrained", "sst2"))),
    System("cvt", tasks.teacher_gradient, (("task", "sst2"),), ("bert",)),
    System("mass", text.spans, (("translation", "translate"),)),
    System("unilm", text.attention_patterns, (("multitask", "sst2"), ("multitask", "translate"))),
    System(
        "mt-dnn",
        tasks.shuffled_batches,
        (
            ("multitask", "sst2"),
            ("multitask", "mrpc"),
            ("multitask", "mnli"),
            ("multitask", "stsb"),
            ("alone", "stsb"),
            ("single", "stsb"),
        ),
        ("bert",),
    ),
    System("ernie", entities, (("task", "conll2003"),)),
    System("contest-heads", tasks.heads, tuple(("multitask", task) for task in CONTEST)),
    System("contest-pet", tasks.verbalisers, tuple(("multitask", task) for task in CONTEST), ("contest-heads",)),
    System("contest-cln", tasks.offsets, tuple(("multitask", task) for task in CONTEST), ("contest-heads",)),
    System("intermediate", tasks.lineage, (("without", "rte"), ("with", "rte")), ("bert",)),
    System("siamese", tasks.stored_vectors, (("apart", "stsb"), ("together", "crossed")), ("bert",)),
    System("feature-extraction", tasks.features, (("features", "sst2"), ("tuned", "sst2")), ("bert",)),
    System("sentences-and-names", tasks.mixed_batches, (("multitask", "sst2"), ("multitask", "conll2003")), ("bert",)),
    System("supervised-pretraining", tasks.counters, (("combined", "sst2"), ("combined", "stsb"))),
)
