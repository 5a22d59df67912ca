"""The block structure of a docstring (numpydoc, Google, reST or plain): its paragraphs and parameter entries.

Code, doctests, tables, titles, citations and lists of cross-references are left out.
"""

import re
from dataclasses import dataclass, field

from pipeline.pydocs.identity import key
from pipeline.pydocs.markup import is_prose, plain

_UNDERLINE = re.compile(r"^([=\-~^\"*#+'])\1{2,}$")
_DIRECTIVE = re.compile(r"^\.\.(?:\s+([\w:-]+?)::\s*(.*)|\s.*|)$")
_BULLET = re.compile(r"^(?:[-*+•]|\(?\d{1,2}[.)]|#\.)\s+(.*)$")
_FIELD = re.compile(r"^:(\w+)\s*([^:`]*):(?!`)\s*(.*)$")
_GOOGLE = re.compile(r"^([A-Z][A-Za-z ]{2,20}):$")
_GOOGLE_ENTRY = re.compile(r"^(\*{0,2}[\w., /*]{1,60}?)\s*(\([^()]*(?:\([^()]*\)[^()]*)*\))?\s*:(?:\s+(.*))?$")
_VERSION = re.compile(r"^v?\d[\w.]*$")

_SPOKEN_WORDS = "note warning tip important deprecated versionchanged caution attention hint admonition"
_SPOKEN = frozenset(_SPOKEN_WORDS.split())
_ENTRIES_WORDS = (
    "parameters,other parameters,attributes,args,arguments,keyword args,keyword arguments,kwargs,"
    "params,returns,return,yields,raises,warns,receives,methods"
)
_ENTRIES = frozenset(_ENTRIES_WORDS.split(","))
_LEFT_OUT = frozenset(["see also", "references", "methods"])
_GOOGLE_TITLES_WORDS = "example,examples,note,notes,shape,inputs,outputs,references,see also"
_GOOGLE_TITLES = _ENTRIES | frozenset(_GOOGLE_TITLES_WORDS.split(","))


@dataclass(frozen=True)
class Paragraph:
    """One line of plain text.

    Attributes:
        key: what makes it the same as another (see `identity.key`).
        entry: the names it describes when it is an entry such as `x (int): ...`.
    """

    text: str
    key: str
    entry: tuple[str, ...] = ()


def paragraphs(docstring: str) -> tuple[Paragraph, ...]:
    """The paragraphs of a docstring whose indentation is already cleaned, in order."""
    reader = _Reader()
    for line in docstring.expandtabs().split("\n"):
        reader.read(line)
    reader.flush()
    return tuple(reader.done)


@dataclass
class _Reader:
    """Walks over lines. `skip` drops what is indented deeper; `base` is the indentation of a section's entries."""

    done: list[Paragraph] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    indent: int = 0
    entry: tuple[str, ...] = ()
    skip: int | None = None
    doctest: bool = False
    fenced: bool = False
    section: str = ""
    header: int | None = None
    base: int | None = None

    def read(self, line: str) -> None:
        text = line.strip()
        indent = len(line) - len(line.lstrip())
        if not text:
            self.doctest = False
            self.flush()
        elif not self._is_dropped(text, indent):
            self._leave_section(indent)
            if not self._is_structure(text, indent):
                self._prose(text, indent)

    def flush(self) -> None:
        text = plain(" ".join(self.words))
        if is_prose(text):
            self.done.append(Paragraph(text, key(text), self.entry))
        self.words, self.entry = [], ()

    def _is_dropped(self, text: str, indent: int) -> bool:
        """Code of every kind; the state that says where it ends is kept here."""
        if text.startswith(("```", "~~~")):
            self.fenced = not self.fenced
            self.flush()
            return True
        if self.skip is not None and indent > self.skip:
            return True
        self.skip = None
        if text.startswith(">>>"):
            self.doctest = True
            self.flush()
        return self.fenced or self.doctest

    def _leave_section(self, indent: int) -> None:
        if self.header is not None and indent <= self.header:
            self.flush()
            self.section, self.header, self.base = "", None, None

    def _is_structure(self, text: str, indent: int) -> bool:
        """Titles and directives: they change the state and leave no text, or only their argument."""
        google = _GOOGLE.match(text)
        if _UNDERLINE.match(text):
            title = self.words.pop() if self.words else ""
            self.flush()
            self.section, self.header, self.base = title.lower().rstrip(":"), None, None
        elif google and google[1].lower() in _GOOGLE_TITLES:
            self.flush()
            self.section, self.header, self.base = google[1].lower(), indent, None
        elif directive := _DIRECTIVE.match(text):
            self.flush()
            self._directive(directive[1], directive[2], indent)
        else:
            return self.section in _LEFT_OUT
        return True

    def _directive(self, name: str | None, argument: str | None, indent: int) -> None:
        if name not in _SPOKEN:
            self.skip = indent
        elif argument and not _VERSION.match(argument):
            self.words, self.indent = [argument], indent + 1

    def _prose(self, text: str, indent: int) -> None:
        if not self._starts_entry(text, indent):
            bullet = _BULLET.match(text)
            if bullet or (self.words and indent < self.indent):
                self.flush()
            if not self.words:
                self.indent = indent + 1 if bullet else indent
            self.words.append(bullet[1] if bullet else text)
        if text.endswith("::"):  # what follows deeper is a literal block
            self.words[-1] = self.words[-1][:-1]
            self.flush()
            self.skip = indent

    def _starts_entry(self, text: str, indent: int) -> bool:
        named = _FIELD.match(text)
        if named and named[1] in (
            "param",
            "parameter",
            "arg",
            "keyword",
            "raises",
            "return",
            "returns",
            "rtype",
            "type",
        ):
            *kind, name = named[2].split() or [""]
            head = f"{name} ({' '.join(kind)}):" if kind else f"{name}:" if name else ""
            return self._open(f"{head} {named[3]}", (name,), indent)
        if self.section not in _ENTRIES:
            return False
        self.base = indent if self.base is None else self.base
        if indent != self.base:
            return False
        return self._google_entry(text, indent) if self.header is not None else self._numpy_entry(text, indent)

    def _google_entry(self, text: str, indent: int) -> bool:
        match = _GOOGLE_ENTRY.match(text)
        if not match:
            return False
        kind = f" {match[2]}" if match[2] else ""
        return self._open(f"{match[1]}{kind}: {match[3] or ''}", _split_names(match[1]), indent)

    def _numpy_entry(self, text: str, indent: int) -> bool:
        name, colon, kind = text.partition(" : ")
        if colon:
            return self._open(f"{name} ({kind}):", _split_names(name), indent)
        return self._open(f"{text}:", _split_names(text), indent) if len(text.split()) == 1 else False

    def _open(self, head: str, names: tuple[str, ...], indent: int) -> bool:
        self.flush()
        self.words, self.entry, self.indent = [head.strip()], names, indent
        return True


def _split_names(head: str) -> tuple[str, ...]:
    return tuple(name for name in re.split(r"[,\s/`*]+", head) if name)
