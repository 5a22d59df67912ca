"""Reading one source file by `ast`: its docstrings, signatures and the names it defines. Nothing is run."""

import ast
import copy
import inspect
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

_Function = ast.FunctionDef | ast.AsyncFunctionDef

# C extensions are documented by calls: add_docstr(torch.abs, """..."""), add_newdoc("numpy", "arange", """...""").
_CALLS = re.compile(r"^add_(docstr|newdoc)")
_SIGNATURE_LINE = re.compile(r"^[A-Za-z_][\w.]*\(.*\)( *-> *[\w\[\], .()]+)?$")
_PLACEHOLDER = re.compile(r"\{\w+\}")


@dataclass(frozen=True)
class Docstring:
    """One docstring as written, with what it documents.

    Attributes:
        name: qualified name inside the module; empty for the module itself.
        parameters: names of the parameters, without self and cls.
        signature: `name(parameters) -> type`, or None for modules and for classes without `__init__`.
    """

    name: str
    text: str
    parameters: tuple[str, ...] = ()
    signature: str | None = None


@dataclass(frozen=True)
class Parsed:
    """What one file holds: docstrings in the file's order, its classes, and the names its annotations use."""

    docstrings: tuple[Docstring, ...]
    classes: frozenset[str]
    annotations: frozenset[str]


def parse(source: bytes) -> Parsed | None:
    """Read a file's bytes; None when they are not Python that this interpreter can parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in somebody else's strings
            tree = ast.parse(source)
        reader = _Reader()
        reader.add("", ast.get_docstring(tree))
        reader.read(tree.body, "")
    except (SyntaxError, ValueError, RecursionError):
        return None
    return Parsed(tuple(reader.docstrings), frozenset(reader.classes), frozenset(reader.annotations))


def topics(source: bytes) -> list[tuple[str, str]]:
    """The (name, text) entries of `pydoc_data/topics.py`, one literal dictionary."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            return sorted(ast.literal_eval(node.value).items())
    return []


class _Reader:
    """Walks over definitions, not over what functions do: most of a file is never looked at."""

    def __init__(self) -> None:
        self.docstrings: list[Docstring] = []
        self.classes: set[str] = set()
        self.annotations: set[str] = set()

    def add(self, name: str, text: str | None, names: tuple[str, ...] = (), signature: str | None = None) -> None:
        if text:
            self.docstrings.append(Docstring(name, text, names, signature))

    def read(self, body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef):
                self.classes.add(node.name)
                self._definition(node, prefix, _constructor(node))
                self.read(node.body, f"{prefix}{node.name}.")
            elif isinstance(node, _Function):
                self._annotations(node)
                self._definition(node, prefix, node)
            elif isinstance(node, ast.If | ast.Try):  # definitions that depend on the platform
                self.read([*node.body, *node.orelse], prefix)
            elif isinstance(node, ast.AnnAssign):
                self.annotations.update(_named(node.annotation))
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                self._attached(node.value)

    def _definition(self, node: ast.ClassDef | _Function, prefix: str, function: _Function | None) -> None:
        text = ast.get_docstring(node)
        if not text or function is None:
            self.add(prefix + node.name, text)
            return
        arguments = _without_self(function.args, bound=prefix != "" or isinstance(node, ast.ClassDef))
        returns = f" -> {ast.unparse(node.returns)}" if isinstance(node, _Function) and node.returns else ""
        names = tuple(argument.arg for argument in _every(arguments))
        self.add(prefix + node.name, text, names, f"{node.name}({ast.unparse(arguments)}){returns}")

    def _annotations(self, node: _Function) -> None:
        for annotation in (node.returns, *(argument.annotation for argument in _every(node.args))):
            if annotation is not None:
                self.annotations.update(_named(annotation))

    def _attached(self, call: ast.Call) -> None:
        function = call.func
        called = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        if not _CALLS.match(called) or len(call.args) < 2:
            return
        target = call.args[0] if called.startswith("add_docstr") else call.args[1]
        name = target.value if isinstance(target, ast.Constant) else ast.unparse(target)
        text = inspect.cleandoc(_literal(call.args[-1]))
        first = text.partition("\n")[0].strip()
        self.add(str(name), text, (), first if _SIGNATURE_LINE.match(first) else None)


def _constructor(node: ast.ClassDef) -> _Function | None:
    return next((item for item in node.body if isinstance(item, _Function) and item.name == "__init__"), None)


def _without_self(arguments: ast.arguments, bound: bool) -> ast.arguments:
    positional = arguments.posonlyargs or arguments.args
    if not bound or not positional or positional[0].arg not in ("self", "cls"):
        return arguments
    trimmed = copy.deepcopy(arguments)
    (trimmed.posonlyargs or trimmed.args).pop(0)
    room = len(trimmed.posonlyargs) + len(trimmed.args)
    trimmed.defaults = trimmed.defaults[-room:] if room else []
    return trimmed


def _every(arguments: ast.arguments) -> list[ast.arg]:
    every = [*arguments.posonlyargs, *arguments.args, arguments.vararg, *arguments.kwonlyargs, arguments.kwarg]
    return [argument for argument in every if argument is not None]


def _literal(node: ast.expr) -> str:
    """The literal parts of a text built by `+`, `.format` or `(name, text)`; what is filled in is left out."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _literal(node.left) + _literal(node.right)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        return _PLACEHOLDER.sub("", _literal(node.func.value))
    if isinstance(node, ast.Tuple) and node.elts:
        return _literal(node.elts[-1])
    return ""


def _named(annotation: ast.expr) -> Iterator[str]:
    for part in ast.walk(annotation):
        if isinstance(part, ast.Attribute):
            yield part.attr
        elif isinstance(part, ast.Name):
            yield part.id
