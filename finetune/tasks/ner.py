"""Named entities: a tag per word, or per character where a language parts no words."""

from finetune.tasks.spec import OUTSIDE, Hub, Published, TaskSpec

_CLUENER_TYPES = (
    *("address", "book", "company", "game", "government"),
    *("movie", "name", "organization", "position", "scene"),
)

CONLL2003 = TaskSpec(
    name="conll2003",
    kind="tagging",
    fields=("word",),
    label="entity",
    files={"train": "ner/conll2003/eng.train", "dev": "ner/conll2003/eng.testa", "test": "ner/conll2003/eng.testb"},
    rows={"train": 14041, "dev": 3250, "test": 3453},
    format="conll",
    columns=("word", "part_of_speech", "chunk", "entity"),
    scheme="iob1",
    labels=("O", "B-LOC", "I-LOC", "B-MISC", "I-MISC", "B-ORG", "I-ORG", "B-PER", "I-PER"),
    metrics=("entity_f1", "accuracy"),
    primary="entity_f1",
    hub=Hub(
        "eriktks/conll2003",
        splits={"dev": "validation"},
        columns={"word": "tokens", "entity": "ner_tags"},
    ),
    published=(
        Published("BERT-base", "dev", "entity_f1", 0.964, "Devlin et al. 2019, table 7"),
        Published("BERT-base", "test", "entity_f1", 0.924, "Devlin et al. 2019, table 7"),
        Published("BERT-large", "dev", "entity_f1", 0.966, "Devlin et al. 2019, table 7"),
        Published("BERT-large", "test", "entity_f1", 0.928, "Devlin et al. 2019, table 7"),
    ),
    citation="Tjong Kim Sang, De Meulder 2003, Introduction to the CoNLL-2003 Shared Task",
)

CLUENER = TaskSpec(
    name="cluener",
    kind="tagging",
    fields=("text",),
    label="label",
    files={"train": "ner/cluener/train.json", "dev": "ner/cluener/dev.json", "test": "ner/cluener/test.json"},
    hidden=("test",),
    rows={"train": 10748, "dev": 1343, "test": 1345},
    id="id",
    layout="named_spans",
    labels=(OUTSIDE, *(f"{place}-{kind}" for kind in _CLUENER_TYPES for place in "BI")),
    metrics=("entity_f1", "entity_macro_f1", "accuracy"),
    primary="entity_f1",
    published=(
        Published("BERT-base", "test", "entity_f1", 0.7882, "Xu et al. 2020, CLUENER2020"),
        Published("people", "test", "entity_f1", 0.6341, "Xu et al. 2020, CLUENER2020"),
    ),
    citation="Xu et al. 2020, CLUENER2020: Fine-grained Named Entity Recognition Dataset for Chinese",
)

NER = (CONLL2003, CLUENER)
