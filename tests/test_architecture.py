"""The house's floors: who may import whom, what files may be called, and that importing does nothing."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = ("tokenization", "model", "training", "pretrain", "finetune", "pipeline")
FILES = sorted(file for floor in FLOORS for file in (ROOT / floor).rglob("*.py"))
MODULES = {file: ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in FILES}
DOORS = {ROOT / floor / "__main__.py" for floor in ("tokenization", "pretrain", "finetune")}
DRAWERS = {"utils", "common", "helpers", "core", "misc", "shared", "base"}


def imports(file: Path) -> Iterator[tuple[str, bool]]:
    """Each imported module, and whether at the top; of `from a import b` both `a` and `a.b`, which may be one."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            start = [] if isinstance(node, ast.Import) else [str(node.module)]
            yield from ((".".join([*start, alias.name]), node in tree.body) for alias in node.names)
            yield from ((name, node in tree.body) for name in start)


def imported(file: Path, floor: str = "") -> set[str]:
    return {name for name, _ in imports(file) if name.split(".")[0] == floor or not floor}


def test_imports_only_point_down_but_for_the_doors_which_open_into_the_command_line() -> None:
    for file in FILES:
        above = FLOORS[FLOORS.index(file.relative_to(ROOT).parts[0]) + 1 :]
        found = {name for floor in above for name in imported(file, floor)}
        assert found == ({"pipeline.commands.door", "pipeline.commands.door.enter"} if file in DOORS else set()), file


def test_training_knows_of_the_model_only_what_a_batch_is() -> None:
    for file in (ROOT / "training").rglob("*.py"):
        assert all(name.startswith("model.batch") for name in imported(file, "model")), file


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = {module: imported(file) for file, module in MODULES.items()}
    assert tuple(TopologicalSorter(graph).static_order())  # raises CycleError, which names the cycle


def test_own_modules_are_imported_at_the_top() -> None:
    for file in FILES:
        assert not [name for name, at_top in imports(file) if not at_top and name.split(".")[0] in FLOORS], file


def test_deepspeed_has_one_importer_and_transformers_stays_with_public_checkpoints() -> None:
    assert [file for file in FILES if imported(file, "deepspeed")] == [ROOT / "training" / "zero.py"]
    assert {file.parent.name for file in FILES if imported(file, "transformers")} <= {"model"}


def test_no_file_is_a_drawer() -> None:
    assert not [file for file in FILES if set(re.split(r"[_.]", file.stem)) & DRAWERS or file.parent.name in DRAWERS]


def test_every_path_of_the_readme_s_tree_is_there() -> None:
    """The tree is the fenced block in which each line begins with a path, `name/` or `name.ext`."""
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.M | re.S)
    trees = [block for block in blocks if re.search(r"^tokenization/\s", block, re.M)]
    if not trees:
        pytest.skip("README.md has no fenced tree yet")
    listed = [line.split()[0] for block in trees for line in block.splitlines() if line.strip()]
    assert set(FLOORS) <= {path.rstrip("/") for path in listed}
    assert not [path for path in listed if not (ROOT / path).exists()]


def test_importing_every_module_says_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    names = [module for file, module in MODULES.items() if file not in DOORS]
    program = f"import importlib\nfor name in {names}: importlib.import_module(name)"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not list(tmp_path.iterdir())
