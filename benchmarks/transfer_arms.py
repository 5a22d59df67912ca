"""The runs of the transfer benchmark: which recipe, what is set in it, and whose stages it shares."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.recipe.load import dump_resolved, load_recipe
from pipeline.recipe.recipe import Recipe
from pipeline.run_folder import RunFolder
from pipeline.seeds.runs import with_seeds

RECIPES = Path(__file__).resolve().parent.parent / "recipes"
ROWS_OF_SST2 = 67349
STEPS = {1: 200, 10: 400, 100: 800}
"""Per cent of SST-2's train rows → steps of 32 examples, the same for every way to use them."""
WAYS = ("none", "adapt", "auxiliary", "cvt", "pet")
AGAINST_FORGETTING = ("none", "auxiliary", "rehearsal")
"""What runs beside the task: nothing, the LM on the task's text, the LM on general text."""
FORGETTING_AT = (10, 100)
MASS_SHARES = (0.2, 0.5, 0.8)
ULMFIT_WITHOUT = {
    "nothing": (),
    "domain": ("task.parent=forward",),
    "rates": ("task.optimizer.layer_decay=null",),
    "slanted": ("task.schedule.kind=linear",),
    "unfreezing": ("task.unfreeze=null",),
    "concat": ("tasks.sst2.head=row",),
}
"""What is left out of ULMFiT's tuning → how; without `domain` the task begins from the general LM."""
BLEU_SEEDS = 3
ONE_EPOCH = ("tasks.translate.limit={}", "translation.steps=600")
"""All sentences are scored; the 29,000 pairs are seen once, where pre-training weighs more than after two epochs."""


@dataclass(frozen=True)
class Arm:
    """A run under several seeds.

    Attributes:
        name: of its run directory.
        recipe: its file below recipes/.
        sets: settings changed in it.
        lender: the arm whose finished stages it takes over where they are the same; "" of none.
        every: whether every stage is repeated under each seed, not the labelled ones alone.
        most: seeds at most.
    """

    name: str
    recipe: str
    sets: tuple[str, ...] = ()
    lender: str = ""
    every: bool = False
    most: int | None = None

    def seeds(self, asked: int) -> str:
        """What it is given for `--seeds`."""
        count = asked if self.most is None else min(asked, self.most)
        return f"all:{count}" if self.every else str(count)

    @property
    def path(self) -> Path:
        return RECIPES / self.recipe

    def loaded(self, data: Path, asked: int, more: tuple[str, ...] = ()) -> Recipe:
        """Its recipe with all that is set."""
        recipe = load_recipe(self.path, (*self.sets, *more, f"data={data}"))
        return with_seeds(recipe, self.seeds(asked))

    @staticmethod
    def is_of(folder: RunFolder, recipe: Recipe) -> bool:
        """Whether a run directory was last run under just this recipe."""
        return folder.recipe.is_file() and folder.recipe.read_text(encoding="utf-8") == dump_resolved(recipe)


def few_labels(way: str, percent: int) -> Arm:
    """SST-2 with a share of its train rows."""
    steps = STEPS[percent]
    sets = [f"tasks.sst2.limit.train={rows_of(percent)}", f"task.steps={steps}"]
    if way == "adapt":
        sets.append(f"domain.steps={steps}")  # as much of the text as the auxiliary LM reads
    first = few_labels_name(WAYS[0], next(iter(STEPS)))
    name = few_labels_name(way, percent)
    return Arm(name, f"transfer/sst2-{way}.yaml", tuple(sets), "" if name == first else first)


def few_labels_name(way: str, percent: int) -> str:
    return f"{way}-{percent}"


def forgetting_arm(way: str, percent: int) -> Arm:
    """SST-2 from a left-to-right LM, and what it forgets."""
    sets = (f"tasks.sst2.limit.train={rows_of(percent)}", f"task.steps={STEPS[percent]}")
    first, name = forgetting_name(AGAINST_FORGETTING[0], FORGETTING_AT[0]), forgetting_name(way, percent)
    return Arm(name, f"transfer/forgetting-{way}.yaml", sets, "" if name == first else first)


def forgetting_name(way: str, percent: int) -> str:
    return f"forgetting-{way}-{percent}"


def rows_of(percent: int) -> int:
    """A share of SST-2's train rows, to the nearest one."""
    return round(ROWS_OF_SST2 * percent / 100)


def mass_arm(share: float) -> Arm:
    """Translation after MASS with spans of this share, beside the same masked LM."""
    sets = (f"spans.captions-blocks.objectives.mass.share={share}", *ONE_EPOCH)
    return Arm(mass_name(share), "systems/mass.yaml", sets, every=True, most=BLEU_SEEDS)


def mass_name(share: float) -> str:
    return f"mass-{share:g}"


def _translation(name: str) -> Arm:
    return Arm(name, f"transfer/{name}.yaml", ONE_EPOCH, every=True, most=BLEU_SEEDS)


TRANSLATION_ALONE = _translation("translation-alone")
AFTER_WORDS = _translation("translation-after-words")
"""After the masked LM that stands beside MASS, without MASS."""
ELMO = Arm("elmo", "systems/elmo.yaml")


def ulmfit_arm(without: str) -> Arm:
    """ULMFiT without one of its parts; nothing is chosen on the rows that are scored."""
    first, name = (ulmfit_name(part) for part in (next(iter(ULMFIT_WITHOUT)), without))
    sets = (*ULMFIT_WITHOUT[without], "task.carry=last", "task.evaluate=null")
    return Arm(name, "systems/ulmfit.yaml", sets, "" if name == first else first)


def ulmfit_name(without: str) -> str:
    return f"ulmfit-without-{without}"


FIGURES: dict[str, tuple[Arm, ...]] = {
    "few-labels": tuple(few_labels(way, percent) for percent in STEPS for way in WAYS),
    "forgetting": tuple(forgetting_arm(way, percent) for percent in FORGETTING_AT for way in AGAINST_FORGETTING),
    "mass": (TRANSLATION_ALONE, AFTER_WORDS, *(mass_arm(share) for share in MASS_SHARES)),
    "layers": (ELMO,),
    "ulmfit": tuple(ulmfit_arm(without) for without in ULMFIT_WITHOUT),
}


def arms_of(figures: tuple[str, ...]) -> Iterator[Arm]:
    """The runs that figures need, each once."""
    yield from dict.fromkeys(arm for figure in figures for arm in FIGURES[figure])
