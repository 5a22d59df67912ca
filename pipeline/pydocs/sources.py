"""Which source files are read, and where they lie; nothing is imported to find out."""

import importlib.util
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from tokenization.errors import DataError
from tokenization.fingerprint import of_files, of_value

STANDARD_LIBRARY = "python"

# Tests, vendored copies of other packages, and demonstrations: no documentation of the package itself.
_SKIPPED_FOLDERS_WORDS = (
    "test tests testdata _vendor vendor extern externals _externals site-packages dist-packages "
    "lib2to3 idlelib turtledemo ensurepip pydoc_data __pycache__"
)
_SKIPPED_FOLDERS = frozenset(_SKIPPED_FOLDERS_WORDS.split())
# Half of the parsing time, little text for a reader: models that copy one another, the compiler's inside, code pages.
_SKIPPED_PARTS = (
    ("transformers", "models"),
    ("torch", "_dynamo"),
    ("torch", "_functorch"),
    ("torch", "_inductor"),
    ("torch", "testing", "_internal"),
    ("python", "encodings"),
)


@dataclass(frozen=True)
class Plan:
    """Which packages are read, and for what.

    Attributes:
        classes: the labels of the package task, all required; `python` is the standard library.
        domain: packages whose text goes to `domain/` instead of `general/`, all required.
        more: packages read for their text when they are installed.
    """

    classes: tuple[str, ...]
    domain: tuple[str, ...]
    more: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every package once, in the order of the plan; an earlier package keeps a text that two share."""
        return tuple(dict.fromkeys((*self.classes, *self.domain, *self.more)))


DEFAULT_PLAN = Plan(
    classes=(
        STANDARD_LIBRARY,
        "numpy",
        "scipy",
        "sklearn",
        "pandas",
        "matplotlib",
        "transformers",
        "torch",
    ),
    domain=("torch",),
    more=("pydoc_data", "networkx", "datasets", "huggingface_hub", "pydantic", "tensorboard"),
)


@dataclass(frozen=True)
class Module:
    """One source file: its package, its dotted name, and its path."""

    package: str
    name: str
    path: Path


@dataclass(frozen=True)
class Found:
    """The modules of the packages that are installed, sorted by package (in the plan's order) and name."""

    modules: tuple[Module, ...]
    missing: tuple[str, ...]


def find(plan: Plan) -> Found:
    """Locate the plan's packages by their top-level names alone.

    Raises:
        DataError: a package of `classes` or `domain` is not installed.
    """
    roots = {name: _root(name) for name in plan.names}
    missing = tuple(name for name, root in roots.items() if root is None)
    required = [name for name in missing if name in (*plan.classes, *plan.domain)]
    if required:
        raise DataError(
            f"the documentation of {', '.join(required)} is not to be found in this installation "
            f"(needed: {', '.join(dict.fromkeys((*plan.classes, *plan.domain)))}). "
            "Install the missing packages, for example by `pip install -e .` in Triptych's clone, and run the same "
            "command again."
        )
    modules = [module for name, root in roots.items() if root is not None for module in _modules(name, root)]
    return Found(tuple(modules), missing)


def fingerprint(plan: Plan, modules: tuple[Module, ...]) -> str:
    """The content address of what would be written: this reader's own code, and the files' names, sizes and times."""
    own = sorted(Path(__file__).parent.glob("*.py"))
    files = [_stamp(module) for module in modules]
    return of_value([of_files(own), plan.classes, plan.domain, plan.more, files])


def _stamp(module: Module) -> list[str | int]:
    stat = module.path.stat()
    return [module.package, module.name, stat.st_size, stat.st_mtime_ns]


def _root(package: str) -> Path | None:
    if package == STANDARD_LIBRARY:
        return Path(sysconfig.get_paths()["stdlib"])
    spec = importlib.util.find_spec(package)  # a top-level name: its finder looks, nothing is run
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def _modules(package: str, root: Path) -> list[Module]:
    found = []
    for path in root.rglob("*.py"):
        inside = path.relative_to(root)
        if _is_read((package, *inside.parts)):
            found.append(Module(package, _dotted(package, inside), path))
    return sorted(found, key=lambda module: module.name)


def _is_read(parts: tuple[str, ...]) -> bool:
    if _SKIPPED_FOLDERS.intersection(parts[1:-1]) or parts[-1].startswith("test_"):
        return False
    return not any(parts[: len(skipped)] == skipped for skipped in _SKIPPED_PARTS)


def _dotted(package: str, inside: Path) -> str:
    parts = [part for part in inside.with_suffix("").parts if part != "__init__"]
    if package != STANDARD_LIBRARY:
        parts = [package, *parts]
    return ".".join(parts) or package
