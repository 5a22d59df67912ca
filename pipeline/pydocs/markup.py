"""Markup inside a line of a docstring: roles, backticks, links and emphasis become the words they show."""

import re

# (a sign without which the pattern cannot match, the pattern, what takes its place), in the order of application
_RULES = tuple(
    (sign, re.compile(pattern), replacement)
    for sign, pattern, replacement in (
        ("[`", r"\[`~?!?([^`\]]*)`\](\([^)]*\))?", r"\1"),  # [`~Trainer.train`] as transformers writes it
        (":`", r":[\w:+.-]+:`([^`<]*?)\s*<[^`]*>`", r"\1"),  # :func:`text <target>`
        (":`", r":[\w:+.-]+:`~(?:[\w.]*\.)?([^`.]+)`", r"\1"),  # :class:`~package.Name` shows Name
        (":`", r":[\w:+.-]+:`!?([^`]*)`", r"\1"),
        ("``", r"``([^`]*)``", r"\1"),
        ("`", r"`([^`<]*?)\s*<[^`]*>`_{0,2}", r"\1"),  # `text <url>`_
        ("`", r"`~?([^`]*)`_{0,2}", r"\1"),
        ("](", r"!?\[([^\]\[]+)\]\([^)]*\)", r"\1"),  # [text](url)
        ("]_", r"\s*\[\w{1,12}\]_(?=\W|$)", ""),  # [1]_
        ("|", r"(?<!\w)\|([\w. -]+)\|(?!\w)", r"\1"),
        ("**", r"\*\*(\w[^*]*)\*\*", r"\1"),
        ("*", r"(?<![\w*])\*(\w[^*]*\w|\w)\*(?![\w*])", r"\1"),
        ("://", r"<?\bhttps?://\S+", ""),
        ("<", r"</?[a-zA-Z][^<>]*>", ""),
        ("`", "`", ""),
        ("\\", r"\\", ""),
        (" .", r"(?<!\S)\.(?=[A-Za-z])", ""),  # `.Axes.plot` as matplotlib writes it
        ("", r"[\x00-\x08\x7f\ud800-\udfff]", ""),  # what no UTF-8 file or tokenizer should meet
    )
)
_LETTERS = re.compile(r"[^\W\d_]+")


def plain(line: str) -> str:
    """The line as a reader sees it, on one line, without backticks."""
    for sign, pattern, replacement in _RULES:
        if sign in line:
            line = pattern.sub(replacement, line)
    return " ".join(line.split())


def is_prose(text: str) -> bool:
    """Whether a line is words rather than a table, code or a formula."""
    words = text.split()
    if len(words) < 3 or "|" in text or ">>>" in text:
        return False
    letters = sum(map(len, _LETTERS.findall(text)))
    return letters + len(words) - 1 >= 0.75 * len(text)
