"""A tiny house: two corpora, three tasks of three kinds and a three-stage recipe, each run of which takes a second."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from pipeline.materials import Materials
from pipeline.recipe.load import load_recipe
from pipeline.recipe.recipe import Recipe
from pipeline.run import Choice, materials_of, run
from pipeline.run_folder import RunFolder
from pipeline.watch import Watch

RECIPE = """
name: tiny
data: data
tokenizer: {train: {corpora: [general], size: 160}}
corpora:
  general: {files: general.txt, held_out: 0.1}
  domain: {files: domain.txt, held_out: 0.1}
tasks:
  topic:
    kind: classification
    fields: [text]
    labels: [sea, land]
    files: {train: topic-train.tsv, dev: topic-dev.tsv}
    length: 32
  alike:
    kind: regression
    fields: [one, two]
    label: score
    range: [0, 5]
    files: {train: alike-train.jsonl, dev: alike-dev.jsonl}
    length: 40
  names:
    kind: tagging
    fields: [words]
    label: tags
    labels: [O, B-PER, I-PER]
    columns: [words, tags]
    files: {train: names-train.conll, dev: names-dev.conll}
    length: 32
encoder: {layers: 1, hidden: 16, heads: 2, feed_forward: 32, positions: 48}
optimizer: {rate: 1e-2}
engine: {micro_batch_tokens: 256}
checkpoint: {every: 5}
logging: {every: 1, tensorboard: false}
evaluation: {ledger: {tokens: 400}}
stages:
  - name: general
    kind: pretrain
    steps: 8
    streams:
      - {source: {pairs_of: general, length: 48}, objectives: [mlm, nsp], amount: {tokens: 400}}
  - name: domain
    kind: adapt
    steps: 6
    streams:
      - {source: {blocks_of: domain, length: 32}, objectives: [mlm], amount: {tokens: 300}}
      - {name: replay, source: {blocks_of: general, length: 32}, objectives: [mlm], amount: {tokens: 100}, weight: 0.5}
  - name: multitask
    kind: finetune
    steps: 40
    sampling: alternate
    evaluate: {every: 8}
    streams:
      - {source: {task: topic}, amount: {examples: 6}}
      - {source: {task: alike}, amount: {examples: 6}}
      - {source: {task: names}, amount: {examples: 6}}
      - name: aux
        source: {text_of: [topic, alike]}
        objectives: [mlm]
        amount: {tokens: 100}
        weight: {kind: exponential, start: 0.2, end: 0.1}
"""

SEA = ["ship", "wave", "harbour", "sail", "tide", "anchor", "whale", "storm", "deck", "gull", "coral", "reef"]
LAND = ["hill", "forest", "field", "river", "road", "stone", "barn", "wolf", "meadow", "oak", "valley", "bridge"]
PEOPLE = ["anna", "boris", "clara", "david", "emma", "felix"]
VERBS = ["sees", "finds", "paints", "likes", "crosses", "leaves"]


def _sentence(luck: random.Random, nouns: Sequence[str]) -> str:
    return f"{luck.choice(PEOPLE)} {luck.choice(VERBS)} the {luck.choice(nouns)} near a {luck.choice(nouns)} ."


def _documents(luck: random.Random, nouns: Sequence[str], count: int) -> str:
    texts = ["\n".join(_sentence(luck, nouns) for _ in range(luck.randint(4, 9))) for _ in range(count)]
    return "\n\n".join(texts) + "\n"


def _topics(luck: random.Random, rows: int) -> str:
    lines = [(luck.choice(("sea", "land"))) for _ in range(rows)]
    return "label\ttext\n" + "".join(f"{t}\t{_sentence(luck, SEA if t == 'sea' else LAND)}\n" for t in lines)


def _alike(luck: random.Random, rows: int) -> str:
    found = []
    for _ in range(rows):
        one, two = (_sentence(luck, SEA + LAND) for _ in range(2))
        shared = len(set(one.split()) & set(two.split()))
        found.append(json.dumps({"one": one, "two": two, "score": min(5, max(0, shared - 3))}) + "\n")
    return "".join(found)


def _names(luck: random.Random, rows: int) -> str:
    sentences = []
    for _ in range(rows):
        words = _sentence(luck, SEA + LAND).split()
        sentences.append("".join(f"{word} {'B-PER' if word in PEOPLE else 'O'}\n" for word in words))
    return "\n".join(sentences)


def write_house(base: Path) -> None:
    """Write recipe and data; the same bytes every time."""
    luck, data = random.Random(7), base / "data"
    data.mkdir(parents=True)
    (base / "tiny.yaml").write_text(RECIPE, encoding="utf-8")
    (data / "general.txt").write_text(_documents(luck, SEA + LAND, 60), encoding="utf-8")
    (data / "domain.txt").write_text(_documents(luck, SEA, 40), encoding="utf-8")
    for split, rows in (("train", 30), ("dev", 14)):
        (data / f"topic-{split}.tsv").write_text(_topics(luck, rows), encoding="utf-8")
        (data / f"alike-{split}.jsonl").write_text(_alike(luck, rows), encoding="utf-8")
        (data / f"names-{split}.conll").write_text(_names(luck, rows), encoding="utf-8")


class Killed(BaseException):
    """Stands for a kill: no handler of ours may catch it."""


@dataclass(frozen=True)
class House:
    """A folder with recipe, data and runs; runs stand beside each other, so they share their tokenised text.

    Attributes:
        file: the recipe, which `recipe`, `run` and `materials` read.
    """

    base: Path

    @property
    def file(self) -> Path:
        return self.base / "tiny.yaml"

    def beside(self, base: Path, tasks: str, stages: str, data: Path | None = None) -> "House":
        """A house of its own with other tasks and stages, on the data of this one or on that of a folder."""
        house = House(base)
        head = self.file.read_text(encoding="utf-8").partition("stages:")[0]
        before, _, after = head.partition("tasks:\n")
        house.file.write_text(f"{before}tasks:{tasks}{after[after.index('encoder:') :]}{stages}", encoding="utf-8")
        (base / "data").symlink_to(data or self.base / "data")
        return house

    def folder(self, name: str) -> RunFolder:
        return RunFolder(self.base / "runs" / name)

    @property
    def environment(self) -> dict[str, str]:
        """For a process of its own: one thread, no data folder."""
        return {**os.environ, "OMP_NUM_THREADS": "1", "TRIPTYCH_DATA": ""}

    def recipe(self, *sets: str) -> Recipe:
        return load_recipe(self.file, sets, {})

    def run(self, name: str, *sets: str, report: bool = False, **choice: Any) -> RunFolder:
        """Run the recipe in this process; without its report, which takes longer than all the rest."""
        with nullcontext() if report else patch("pipeline.run.write_report", lambda root: root / "report.html"):
            run(self.recipe(*sets), self.folder(name).root, Choice(**choice))
        return self.folder(name)

    @contextmanager
    def killed_at(self, stage: str, step: int) -> Iterator[None]:
        """Break a run off within this process once a step's line is written."""
        here: list[str] = []

        def note(watch: Watch, folder: Path, name: str, first: int, steps: int) -> None:
            here[:] = [name]

        def stop(watch: Watch, record: Mapping[str, Any]) -> None:
            if (here, record["step"]) == ([stage], step):
                raise Killed

        with patch.object(Watch, "start", note), patch.object(Watch, "step", stop), pytest.raises(Killed):
            yield

    def materials(self, name: str, *sets: str) -> Materials:
        return materials_of(self.recipe(*sets), self.folder(name))

    def rewrite(self, old: str, new: str) -> None:
        """Change the recipe's text."""
        text = self.file.read_text(encoding="utf-8")
        assert old in text
        self.file.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A house of the test's own."""
    write_house(tmp_path)
    return House(tmp_path)


@pytest.fixture(scope="session")
def shared_house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """One house for all tests that leave its recipe, its data and the run `done` as they are."""
    base = tmp_path_factory.mktemp("house")
    write_house(base)
    return House(base)


@pytest.fixture(scope="session")
def done(shared_house: House) -> RunFolder:
    """The recipe's run in the shared house, finished; to be read, or copied."""
    return shared_house.run("done", report=True)


@pytest.fixture(scope="session")
def lasting() -> Callable[[Path], dict[str, bytes]]:
    """What a run leaves that must not depend on when and how often it was interrupted: path → content.

    Metrics lines and manifests are taken without `clock`; a manifest's `execution` and the environment say how and
    where it was run, the report shows both, and the lock is its holder's.
    """

    def plain(text: str) -> bytes:
        record = json.loads(text)
        kept = {key: value for key, value in record.items() if key not in ("clock", "execution")}
        return json.dumps(kept, sort_keys=True).encode()

    def content(path: Path) -> bytes:
        if path.name == "metrics.jsonl":
            return b"\n".join(plain(line) for line in path.read_text(encoding="utf-8").splitlines())
        return plain(path.read_text(encoding="utf-8")) if path.name == "manifest.json" else path.read_bytes()

    def read(root: Path) -> dict[str, bytes]:
        left_out = {"environment.json", "report.html", "lock", "recipe.yaml"}
        files = [path for path in sorted(root.rglob("*")) if path.is_file() and "tensorboard" not in path.parts]
        return {str(f.relative_to(root)): content(f) for f in files if f.name not in left_out}

    return read


@pytest.fixture(scope="session")
def command() -> Callable[..., subprocess.Popen[str]]:
    """Start the command line in a process of its own."""

    def start(house: House, *words: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [Path(sys.executable).with_name("triptych"), *map(str, words)],
            cwd=house.base,
            env=house.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return start
