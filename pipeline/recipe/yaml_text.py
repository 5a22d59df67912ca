"""YAML as recipes are written: the 1.2 core rules, no key twice, whole numbers as keys taken for text, errors with
their line.

PyYAML reads by YAML 1.1, where `5e-4` is text, `no` is false and `1:30` is ninety.
"""

import re
from collections.abc import Hashable
from typing import Any

import yaml

from tokenization.errors import RecipeError

_INT = "tag:yaml.org,2002:int"
_CORE = (
    ("tag:yaml.org,2002:null", r"~|null|Null|NULL|", "~nN\0"),
    ("tag:yaml.org,2002:bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    (_INT, r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    (
        "tag:yaml.org,2002:float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
    ),
)


def _resolvers(into: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """PyYAML's table, first character to (tag, pattern), with the core schema's rows added."""
    table = {first: list(rows) for first, rows in into.items()}
    for tag, pattern, firsts in _CORE:
        for first in firsts:
            table.setdefault("" if first == "\0" else first, []).append((tag, re.compile(rf"^(?:{pattern})$")))
    return table


class _Loader(yaml.SafeLoader):
    """Plain scalars by the core schema of YAML 1.2; a repeated key is an error."""

    yaml_implicit_resolvers = _resolvers({})

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag == _INT:
                key_node.tag = self.DEFAULT_SCALAR_TAG  # `{1: 0.4}`: all keys of a recipe are text, these as written
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(
                    None, None, f"a key must be text: given {key!r}; write it in quotes", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key}' stands here a second time", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


class _Dumper(yaml.SafeDumper):
    """Quotes text that either set of rules would read as something else, so that any reader gets text."""

    yaml_implicit_resolvers = _resolvers(yaml.SafeDumper.yaml_implicit_resolvers)

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_str(self, data: str) -> yaml.ScalarNode:
        # PyYAML writes Unicode's own line breaks as they are, and reads them back as spaces.
        style = '"' if any(mark in data for mark in "\x85\u2028\u2029") else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _Dumper.represent_str)


def read_yaml(text: str, origin: str) -> Any:
    """The value that a YAML text stands for.

    Raises:
        RecipeError: not YAML, or a key twice; `origin` with line and column.
    """
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" line {mark.line + 1}, column {mark.column + 1}:" if mark else ""
        raise RecipeError(f"{origin}:{where} {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise RecipeError(f"{origin}: not YAML: {error}") from None


def write_yaml(value: Any) -> str:
    """YAML that `read_yaml` reads back equal, keys in the given order."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
