"""What tells a source the units that an objective of its stream chooses whole."""

import numpy as np
from numpy.typing import NDArray

from finetune.encoding.word_bounds import continues_words
from pipeline.materials import Materials
from pipeline.recipe.objective_settings import Masks
from pipeline.recipe.stream import Stream
from pretrain.masked_lm import Unit
from pretrain.spans import Units


def mask_unit(stream: Stream) -> Unit:
    """What the stream's masked LM chooses whole, as far as its source must tell it."""
    return next((given.settings.told_unit for given in stream.objectives if isinstance(given.settings, Masks)), "token")


def units_of(materials: Materials, corpus: str, unit: Unit) -> Units | None:
    """What tells the units of a corpus; nothing does where single tokens are masked."""
    if unit == "token":
        return None
    phrases = materials.phrases(corpus) if unit == "phrase" else None
    return Units(materials.corpus(corpus), materials.tokenizer, phrases)


def word_bounds_of(materials: Materials, task: str, split: str) -> NDArray[np.bool_]:
    """Which tokens of a split of a task, as it is encoded, continue a word."""
    length = materials.recipe.tasks[task].length
    return continues_words(materials.task(task).plain, materials.examples(task, split), materials.tokenizer, length)
