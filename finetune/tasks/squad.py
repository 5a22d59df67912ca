"""Reading: the span of a text that answers a question, with SQuAD's layout, and the sentence that holds it."""

from dataclasses import replace

from finetune.tasks.clue_reading import CMRC2018
from finetune.tasks.spec import Hub, Published, TaskSpec

SQUAD1 = TaskSpec(
    name="squad1",
    kind="span",
    fields=("question", "context"),
    label="answers",
    files={"train": "squad/train-v1.1.json", "dev": "squad/dev-v1.1.json"},
    rows={"train": 87599, "dev": 10570},
    id="id",
    format="json",
    layout="squad",
    overlap=128,
    metrics=("span_f1", "exact_match"),
    primary="span_f1",
    hub=Hub("rajpurkar/squad", splits={"dev": "validation"}),
    published=(
        Published("BERT-base", "dev", "exact_match", 0.808, "Devlin et al. 2019, table 2"),
        Published("BERT-base", "dev", "span_f1", 0.885, "Devlin et al. 2019, table 2"),
        Published("BERT-large", "dev", "exact_match", 0.841, "Devlin et al. 2019, table 2"),
        Published("BERT-large", "dev", "span_f1", 0.909, "Devlin et al. 2019, table 2"),
    ),
    citation="Rajpurkar et al. 2016, SQuAD: 100,000+ Questions for Machine Comprehension of Text",
)

SQUAD2 = TaskSpec(
    name="squad2",
    kind="span",
    fields=("question", "context"),
    label="answers",
    files={"train": "squad/train-v2.0.json", "dev": "squad/dev-v2.0.json"},
    rows={"train": 130319, "dev": 11873},
    id="id",
    format="json",
    layout="squad",
    overlap=128,
    unanswerable=True,
    metrics=("span_f1", "exact_match"),
    primary="span_f1",
    hub=Hub("rajpurkar/squad_v2", splits={"dev": "validation"}),
    published=(
        Published("BERT-large", "dev", "exact_match", 0.787, "Devlin et al. 2019, table 3"),
        Published("BERT-large", "dev", "span_f1", 0.819, "Devlin et al. 2019, table 3"),
        Published("people", "dev", "exact_match", 0.863, "Devlin et al. 2019, table 3"),
        Published("people", "dev", "span_f1", 0.890, "Devlin et al. 2019, table 3"),
    ),
    citation="Rajpurkar, Jia, Liang 2018, Know What You Don't Know: Unanswerable Questions for SQuAD",
)

CMRC2018_SENTENCES = replace(
    CMRC2018,
    name="cmrc2018-sentences",
    kind="ranking",
    files={split: CMRC2018.files[split] for split in ("train", "dev")},
    hidden=(),
    rows={split: CMRC2018.rows[split] for split in ("train", "dev")},
    layout="squad_sentences",
    metrics=("accuracy", "mrr"),
    primary="accuracy",
    overlap=TaskSpec.overlap,
    longest_answer=TaskSpec.longest_answer,
    published=(),
)
"""Which sentence of a text holds the answer: ranking as in Liu et al. 2019, MT-DNN, equation 5."""

READING = (SQUAD1, SQUAD2, CMRC2018_SENTENCES)
