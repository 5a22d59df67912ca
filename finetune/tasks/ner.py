"""Named entities: a tag per word."""

from finetune.tasks.spec import TaskSpec

CONLL2003 = TaskSpec(
    name="conll2003",
    kind="tagging",
    fields=("word",),
    label="entity",
    files={"train": "ner/conll2003/eng.train", "dev": "ner/conll2003/eng.testa", "test": "ner/conll2003/eng.testb"},
    format="conll",
    columns=("word", "part_of_speech", "chunk", "entity"),
    scheme="iob1",
    labels=("O", "B-LOC", "I-LOC", "B-MISC", "I-MISC", "B-ORG", "I-ORG", "B-PER", "I-PER"),
    metrics=("entity_f1", "accuracy"),
    primary="entity_f1",
    citation="Tjong Kim Sang, De Meulder 2003, Introduction to the CoNLL-2003 Shared Task",
)

NER = (CONLL2003,)
