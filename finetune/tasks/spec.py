"""A task is data: one frozen literal that says where its rows are and what its labels mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from finetune.cloze.given import Cloze, Part, Prompt
from model.design import ROW, HeadDesign
from model.heads import LM
from model.kinds import KindName

Kind = Literal["classification", "multilabel", "regression", "ranking", "choice", "tagging", "span", "generation"]
Format = Literal["auto", "tsv", "csv", "jsonl", "json", "parquet", "conll"]
Layout = Literal["rows", "marked_pair", "squad", "squad_sentences", "c3", "chid", "named_spans", "parallel_lines"]
Scheme = Literal["bio", "iob1", "bioes"]
Writer = Literal["decoder", "prefix", "left"]
Language = Literal["", "zh"]
TaskAttention = Literal["both", "left", "right", "apart"]

KINDS: tuple[str, ...] = get_args(Kind)
FORMATS: tuple[str, ...] = get_args(Format)
LAYOUTS: tuple[str, ...] = get_args(Layout)
SCHEMES: tuple[str, ...] = get_args(Scheme)
WRITERS: tuple[str, ...] = get_args(Writer)
LANGUAGES: tuple[str, ...] = get_args(Language)
ATTENTIONS: tuple[TaskAttention, ...] = get_args(TaskAttention)
HEAD_OF_WRITER: dict[Writer, str] = {"decoder": "decoder", "prefix": "mlm", "left": "mlm"}
"""The heads of text that write, as `model.heads` names them."""
OUTSIDE = "O"
TRAIN, DEV = "train", "dev"

GROUPED: tuple[str, ...] = ("ranking", "choice")
"""Kinds whose example is several sequences, its candidates, one of which is right."""


@dataclass(frozen=True)
class Hub:
    """Where a task stands on the hub, for `datasets.load_dataset`.

    Attributes:
        path, config: the data set and its configuration.
        splits: our split → theirs, where the names differ.
        columns: our column → theirs, where they differ.
        labels: their name of a class → ours, where they differ.
    """

    path: str
    config: str | None = None
    splits: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Published:
    """A number that somebody published, to stand beside ours.

    Attributes:
        system: whose, such as "BERT-base".
        value: in the metric's own unit, so 0.664 for an accuracy of 66.4 %.
        source: the paper or board, with the table.
    """

    system: str
    split: str
    metric: str
    value: float
    source: str


@dataclass(frozen=True)
class TaskSpec:
    """A labelled task.

    Attributes:
        name: also the name of its head and, unless the recipe says otherwise, of its stream.
        kind: a class or several per sequence, a score, the best of an example's candidates (`ranking` and `choice`
            differ in how their rows are read and scored), a tag per word, a span of a text that answers a question, or
            a text that is written (`generation`).
        fields: the columns of the text, one or two; for tagging the column of the words, for ranking and choice that of
            the candidates last. Three for choice are a context, a question on it, and the options of its answer.
        label: the column of the label (for tagging, of the tags; for ranking and choice, the right candidate's place;
            for generation, the text to write).
        files: path of each split, relative to the data folder; several where a split is spread over files; `hub:` with
            the hub's name of a split that is read from there.
        labels: label names in id order; empty where there are none. In a two-class task the last one is the positive.
        label_values: what the files hold → label name, where that differs; of generation all that they hold → the text
            to write. Labels are matched as text.
        dropped: what stands in the label column of rows that have none ("-" in OCNLI): left out of train and dev.
        metrics, primary: names of `metric_names.METRICS_OF_KIND`; the primary one selects checkpoints.
        range: lowest and highest score of a regression.
        hidden: splits whose labels are not given; what stands in their label column is not read.
        id: the column of a row's own id; without one, or without the column, a row's id is its place in the file.
        format: how a file is cut into rows; "auto" goes by its ending.
        layout: how a row becomes an example; "rows" takes the columns as they are.
        columns: names of the columns of files that have no header row.
        scheme: how the tags of the files are written; ids are always BIO.
        overlap: tokens that the windows of a long text share (spans).
        longest_answer: tokens of the longest answer that is looked for (spans).
        unanswerable: whether a text may hold no answer (spans; SQuAD 2.0): only then is "" answered.
        written_by: what writes a text: a decoder beside the encoder, or the encoder itself behind its source, under
            prefix attention or as a language model that sees to the `left` and goes on (generation).
        language: of the text to write, where BLEU parts its words by other rules than the usual ones (generation).
        beam, length_penalty: hypotheses kept in writing, 1 for the likeliest token at each step, and alpha of Wu et al.
            (2016, equation 14) (generation).
        longest: tokens written at most; never more than a target may have in training (generation).
        carve: share of train that stands in for a dev set where `files` has none.
        limit: rows per split to keep, a fixed random subset; scores on such a split are marked as reduced.
        rows: the official number of rows of each split; a split with fewer is marked as reduced.
        like: the built-in task that it is under another name: the rows of a limit and of a carved dev set are the same.
        head: the task whose head answers, where it is not the task's own (AX is answered by MNLI's).
        design: how the head reads the encoder.
        attention: which tokens of its sequence a token sees: `both` ways, `left` to right as GPT, which is read at the
            last token (Radford et al. 2018, section 3.2), `right` to left, or `apart`: the text in two sequences, one
            of each direction, whose rows are read side by side (Peters et al. 2018, section 3.2).
        condition: the number, from 1 on, by which a batch names the norms of the task's own; 0: it has none.
        cloze, prompt: how the task is put to the head of the language model, in words; None: it has a head of its own.
            A prompt of generation has no answers: they are written.
        hub: where the task stands on the hub.
        published: what others reached.
    """

    name: str
    kind: Kind
    fields: tuple[str, ...]
    label: str
    files: Mapping[str, str | tuple[str, ...]]
    labels: tuple[str, ...] = ()
    label_values: Mapping[str, str] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ("accuracy",)
    primary: str = "accuracy"
    range: tuple[float, float] | None = None
    hidden: tuple[str, ...] = ()
    id: str = ""
    format: Format = "auto"
    layout: Layout = "rows"
    columns: tuple[str, ...] = ()
    scheme: Scheme = "bio"
    overlap: int = 64
    longest_answer: int = 30
    unanswerable: bool = False
    written_by: Writer = "decoder"
    language: Language = ""
    beam: int = 1
    length_penalty: float = 0.6
    longest: int = 64
    carve: float = 0.1
    limit: Mapping[str, int] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    like: str = ""
    head: str = ""
    design: HeadDesign = ROW
    attention: TaskAttention = "both"
    condition: int = 0
    cloze: Cloze | None = None
    prompt: Prompt | None = None
    hub: Hub | None = None
    published: tuple[Published, ...] = ()
    citation: str = ""
    version: int = 1

    @property
    def is_pair(self) -> bool:
        """Whether a sequence holds two texts."""
        return len(self.fields) >= 2 or self.kind == "span" or self.is_glued

    @property
    def is_glued(self) -> bool:
        """Whether the text to write stands behind its source in one sequence."""
        return self.kind == "generation" and self.written_by != "decoder"

    @property
    def goes_on(self) -> bool:
        """Whether the language model goes on with the source."""
        return self.kind == "generation" and self.written_by == "left"

    @property
    def opening(self) -> tuple[Part, ...]:
        """What the language model goes on with: the prompt, or the texts alone."""
        fields = (part for name in self.fields for part in (Part("break"), Part("field", name)))
        return self.prompt.parts if self.prompt else tuple(fields)[1:]

    @property
    def has_items(self) -> bool:
        """Whether an example is several sequences: its candidates, two texts that are read apart, or ways to ask."""
        return self.kind in GROUPED or self.design.pool == "siamese" or self.worded is not None

    @property
    def ways(self) -> tuple[KindName, ...]:
        """The attention kinds of its sequences: each stands in a batch once under each of them."""
        return ("left", "right") if self.attention == "apart" else (self.attention,)

    @property
    def worded(self) -> Cloze | Prompt | None:
        """How the classes of the task are put into words, if they are."""
        return None if self.kind == "generation" else self.cloze or self.prompt

    @property
    def outputs(self) -> int:
        """Logits of the task's head: one per label, one score, or a start and an end."""
        return {"regression": 1, "ranking": 1, "choice": 1, "span": 2}.get(self.kind) or len(self.labels)

    @property
    def score_range(self) -> tuple[float, float]:
        """The range of a regression; the head works on the unit interval between the two."""
        assert self.range is not None, f"{self.name} is no regression"
        return self.range

    @property
    def answered_by(self) -> str:
        """The name of the head that answers."""
        return self.head or self.name

    def read_like(self, answering: TaskSpec) -> TaskSpec:
        """The same task, its text given to the encoder and read as by the task whose head answers."""
        names = dict(zip(answering.fields, self.fields, strict=False))
        cloze = answering.cloze and answering.cloze.renamed(names)
        prompt = answering.prompt and answering.prompt.renamed(names)
        return replace(
            self,
            design=answering.design,
            attention=answering.attention,
            condition=answering.condition,
            cloze=cloze,
            prompt=prompt,
        )

    @property
    def head_name(self) -> str:
        """The head whose logits answer: that of the answering task, unless the task is put to a head of text."""
        if self.kind == "generation":
            return HEAD_OF_WRITER[self.written_by]
        return LM if self.worded else self.answered_by

    @property
    def plain(self) -> TaskSpec:
        """The task as its texts alone have it, in nobody's words."""
        if self.is_plain:
            return self
        return replace(self, cloze=None, prompt=None, attention="both", written_by=TaskSpec.written_by)

    @property
    def is_plain(self) -> bool:
        """Whether its sequences are its texts alone, each between [CLS] and [SEP]."""
        return not self.worded and not self.goes_on

    @property
    def chosen_as(self) -> str:
        """The name by which rows are chosen."""
        return self.like or self.name

    def paths(self, split: str) -> tuple[str, ...]:
        """The files of a split, relative to the data folder."""
        given = self.files[split]
        return (given,) if isinstance(given, str) else tuple(given)

    @property
    def splits(self) -> tuple[str, ...]:
        """Every split that can be read; a dev set is carved from train where no file gives one."""
        carved = (DEV,) if TRAIN in self.files and not _starting(self.files, DEV) else ()
        return (*self.files, *carved)

    def named(self, split: str) -> tuple[str, ...]:
        """The splits that a name stands for: itself, or all that begin with it (MNLI's `dev` is two of them).

        In the order of their names, since `files` may come from a mapping that was written sorted.
        """
        return (split,) if split in self.splits else tuple(sorted(_starting(self.splits, split)))


def _starting(splits: Mapping[str, object] | tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(split for split in splits if split == name or split.startswith(f"{name}_"))
