"""The libraries and tables that decide what shards hold: with another version of one, ids, bounds or texts may differ.

Nodes that build one corpus must have exactly the same versions. A corpus that is there is asked less: it is built anew
only where a release may bring other results. Splitters and segmenters are rules and dictionaries, which any release
may mend. `tokenizers` and `datasketch` carry out what a file or a paper lays down, and their patch releases keep to it;
`numpy` is arithmetic on whole numbers here.
"""

import unicodedata
from importlib.metadata import PackageNotFoundError, version

from tokenization.sentences import splitter_of
from tokenization.spec import CorpusSpec
from tokenization.words.segmenters import SEGMENTERS, require_installed

LIBRARIES = ("numpy", "tokenizers", "sentencex", "datasketch", *SEGMENTERS)
_BY_RELEASE = ("tokenizers", "datasketch")


def library_versions() -> dict[str, str]:
    """The versions here of all these libraries; those not installed are left out."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def deciding_versions(spec: CorpusSpec) -> dict[str, str]:
    """Of what decides this corpus, the versions that are part of its identity.

    Raises:
        RecipeError: there is no such segmenter, or it is not installed.
    """
    found = library_versions()
    names = ["tokenizers"]
    if splitter_of(spec.language, spec.splitter) == "sentencex":
        names.append("sentencex")
    if spec.clean.near is not None:
        names.append("datasketch")
    if spec.segmenter is not None:
        require_installed(spec.segmenter)
        names.append(spec.segmenter)
    tables = {"unicode": unicodedata.unidata_version} if _looks_up_characters(spec) else {}
    return {name: _release(found[name]) if name in _BY_RELEASE else found[name] for name in names} | tables


def _looks_up_characters(spec: CorpusSpec) -> bool:
    """Whether Unicode's tables are asked: by cleaning, for n-grams, or for what continues a word."""
    clean = spec.clean
    cleaned = clean.unicode != "keep" or clean.control or clean.script_share > 0
    return cleaned or clean.near is not None or clean.decontaminate is not None or spec.segmenter is not None


def _release(number: str) -> str:
    return ".".join(number.split(".")[:2])
