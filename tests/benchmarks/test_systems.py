"""The table of systems against the recipes: what it names is there, and each recipe is short."""

import argparse
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.systems import RECIPES, begun
from benchmarks.systems_entities import EntityCloze
from benchmarks.systems_table import SYSTEMS, System
from pipeline.recipe.identity import identity
from pipeline.recipe.load import load_recipe
from training.address import key_of
from training.sequences import Sequences

BASES = {"base", "contest-base"}
KEY = key_of("test")
NAMES = [system.name for system in SYSTEMS]


def test_every_recipe_of_the_folder_is_a_system_of_its_name_or_a_base() -> None:
    assert sorted([*NAMES, *BASES]) == sorted(path.stem for path in RECIPES.glob("*.yaml"))


@pytest.mark.parametrize("name", [*NAMES, *sorted(BASES)])
def test_a_recipe_has_sixty_lines_at_most(name: str) -> None:
    assert len((RECIPES / f"{name}.yaml").read_text(encoding="utf-8").splitlines()) <= 60


@pytest.mark.parametrize("system", SYSTEMS, ids=NAMES)
def test_the_scores_of_a_row_are_of_tasks_and_stages_that_there_are(system: System) -> None:
    recipe = load_recipe(RECIPES / f"{system.name}.yaml", (), {})
    for stage, task in system.scores:
        assert recipe.stage(stage)
        assert task in recipe.tasks


@pytest.mark.parametrize("system", [system for system in SYSTEMS if system.shares], ids=lambda system: system.name)
def test_a_system_shares_the_first_stage_of_an_earlier_one(system: System) -> None:
    own = load_recipe(RECIPES / f"{system.name}.yaml", (), {})
    first = own.stages[0].name
    for other in system.shares:
        assert NAMES.index(other) < NAMES.index(system.name)
        its = load_recipe(RECIPES / f"{other}.yaml", (), {})
        assert identity(own, first) == identity(its, first)


def test_an_entity_is_the_first_unit_of_more_than_one_word_in_each_sequence() -> None:
    # Pieces 7 and 9 continue a word: a #b | c d | e #f g, then a #b alone, then ? d | c d.
    tokens = [2, 6, 7, 10, 11, 8, 9, 12, 3, 2, 6, 7, 3, 2, 1, 11, 10, 11, 3]
    joined = [0, 0, 1, 0, 1, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0]
    tokens_T, continues_T = np.array(tokens), np.array(joined, dtype=np.bool_)
    sequences = Sequences(
        tokens_T, tokens_T * 0, tokens_T >= 5, np.array([0, 9, 13, 19]), np.arange(3), continues_T=continues_T
    )
    continues_V = np.isin(np.arange(16), [7, 9])
    masked, rows = EntityCloze(4, continues_V).apply(sequences, KEY)
    # The first of the last sequence holds an unknown token.
    assert rows.rows_M.tolist() == [3, 4, 16, 17]
    assert rows.labels_M.tolist() == [10, 11, 10, 11]
    assert masked.tokens_T[rows.rows_M].tolist() == [4] * 4
    unasked_T = np.delete(np.arange(len(tokens)), rows.rows_M)
    assert masked.tokens_T[unasked_T].tolist() == tokens_T[unasked_T].tolist()


def test_several_at_a_time_a_system_waits_for_those_it_shares_stages_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[str] = []
    both = threading.Barrier(2, timeout=20)

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        name = Path(command[2]).stem
        if name in ("bert", "gpt"):
            both.wait()  # these two run at a time, or this breaks
        if name == "siatl":
            assert "gpt" in ended
        ended.append(name)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    given = argparse.Namespace(runs=tmp_path, data=Path("nowhere"), jobs=2)
    chosen = [system for system in SYSTEMS if system.name in ("bert", "gpt", "siatl", "cvt")]
    with ThreadPoolExecutor(2) as pool:
        for _, future in begun(chosen, given, pool):
            future.result()
    assert sorted(ended) == ["bert", "cvt", "gpt", "siatl"]


def test_a_run_that_fails_is_named_with_where_it_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 3))
    given = argparse.Namespace(runs=tmp_path, data=Path("nowhere"), jobs=2)
    with ThreadPoolExecutor(2) as pool:
        ((_, future),) = begun(SYSTEMS[:1], given, pool)
        with pytest.raises(SystemExit, match=r"bert: its run ended with 3 \(.*bert.log says why\)"):
            future.result()
