"""How numbers and tasks are spelled wherever a run shows them."""

import math

ABSENT = "–"


def score(value: float | None) -> str:
    """Three decimals: `0.610`."""
    return ABSENT if value is None else f"{value:.3f}"


def change(value: float | None) -> str:
    """A difference with its sign: `+0.100`."""
    return ABSENT if value is None else f"{value:+.3f}"


def count(value: int | None) -> str:
    """A whole number in groups of three: `12,345`."""
    return ABSENT if value is None else f"{value:,}"


def compact(value: float | None) -> str:
    """Three significant digits with k, M or G: `19.8k`."""
    if value is None or not math.isfinite(value):
        return ABSENT
    for factor, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= factor * 0.9995:
            return f"{value / factor:#.3g}".rstrip(".") + suffix
    return f"{value:.0f}"


def duration(seconds: float | None) -> str:
    """Hours, minutes and seconds: `2:05`, `1:02:05`."""
    if seconds is None:
        return ABSENT
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def age(seconds: float) -> str:
    """How long ago, in the largest unit that fits: `12 s ago`, `3 min ago`, `2 h ago`, `5 days ago`."""
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{max(0.0, seconds):.0f} s ago"


def task_name(name: str, reduced: bool) -> str:
    """What a row of scores is called: a part of a task never bears the bare name of the whole, `mnli (reduced)`."""
    if not reduced:
        return name
    return f"{name[:-1]}, reduced)" if name.endswith(")") else f"{name} (reduced)"
