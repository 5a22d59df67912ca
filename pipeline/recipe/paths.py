"""Where the paths of a recipe lead."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from tokenization.errors import RecipeError, did_you_mean

# recipes/ and ds_configs/ lie beside the packages, in a clone as in an installation.
INSTALLED = Path(__file__).resolve().parent.parent.parent
PACKAGE = "package:"


def find_recipe(name: str) -> Path:
    """The file of a recipe given by path, or by the bare name of one that comes with the project.

    Raises:
        RecipeError: neither such a file nor such a name.
    """
    path = Path(name).expanduser()
    if path.is_file():
        return path
    shipped = {file.stem: file for file in sorted((INSTALLED / "recipes").rglob("*.yaml"))}
    stem = name.removesuffix(".yaml")
    if stem in shipped and "/" not in name:
        return shipped[stem]
    if path.is_dir():
        raise RecipeError(f"{name}: a folder; give the recipe's YAML file")
    raise RecipeError(
        f"{name}: no such recipe file, and no recipe that comes with the project is called so; "
        f"there are: {', '.join(shipped) or 'none'}{did_you_mean(stem, shipped)}"
    )


def resolve_path(given: str, folders: Sequence[Path]) -> Path | None:
    """The absolute path of an existing file or folder; None if there is none.

    A relative path is tried from the working directory, then from each of `folders`. `package:NAME/PATH` lies in
    an installed Python package, which is located without importing it.
    """
    if given.startswith(PACKAGE):
        return _in_package(given.removeprefix(PACKAGE))
    path = Path(given).expanduser()
    for folder in (Path.cwd(), *folders):
        if (folder / path).exists():
            return (folder / path).absolute()
    return None


def _in_package(given: str) -> Path | None:
    name, _, rest = given.partition("/")
    spec = importlib.util.find_spec(name) if name.isidentifier() else None
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (Path(folder) / rest).exists():
            return Path(folder) / rest
    return None
