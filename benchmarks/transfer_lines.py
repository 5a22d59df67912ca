"""The figures of the transfer benchmark as text."""

from collections.abc import Iterator

from benchmarks.transfer_figures import Figure


def lines_of(figure: str, found: Figure) -> Iterator[str]:
    """A figure as text."""
    yield f"{figure}: {_HEADS[figure]}"
    yield from _LINES[figure](found)


def _few_label_lines(found: Figure) -> Iterator[str]:
    for way, by_rows in found.items():
        for rows, one in by_rows.items():
            yield f"  {way:12}{int(rows):7,} rows  {_told(one)}{_against(one)}"


def _forgetting_lines(found: Figure) -> Iterator[str]:
    for rows, ways in found.items():
        for way, one in ways.items():
            yield f"  {way:12}{int(rows):7,} rows  {_told(one['forgotten'])} nats; accuracy {_told(one['accuracy'])}"
            if "halved" in one:
                yield f"    {_halved(one)}; score{_against(one['accuracy'])}: {_HELD[one['score_held']]}"


def _mass_lines(found: Figure) -> Iterator[str]:
    for share, one in found.items():
        yield f"  {share:12}BLEU {_told(one)}{_against(one)}"


def _ulmfit_lines(found: Figure) -> Iterator[str]:
    for without, one in found.items():
        yield f"  without {without:12}{_told(one)}{_against(one, 'the whole')}"


def _layer_lines(found: Figure) -> Iterator[str]:
    for task, places in found.items():
        for place, mixed in places.items():
            shares = "  ".join(_told(one, 3) for one in mixed["shares_K"])
            yield f"  {task:12}{place:8}{shares}; γ {_told(mixed['gamma'], 3)}"


def _told(one: Figure, digits: int = 4) -> str:
    sd = "unknown" if one["sd"] is None else f"{one['sd']:.{digits}f}"
    return f"{one['mean']:.{digits}f} (sd {sd})"


def _against(one: Figure, plain: str = "none", digits: int = 4) -> str:
    found = one["against"]
    if found is None:
        return ""
    interval = "" if found["interval"] is None else " ({:+.{d}f} to {:+.{d}f})".format(*found["interval"], d=digits)
    return f"  {found['difference']:+.{digits}f}{interval} against {plain}, {found['verdict']}"


def _halved(one: Figure) -> str:
    if one["halved"] is None:
        return "nothing is forgotten without it"
    against = one["against_half"]
    told = "at least halved" if one["halved"] else "NOT halved"
    return f"forgetting {told} ({against['difference']:+.4f} nats against half, {against['verdict']})"


_HELD = {True: "no lower than noise", False: "LOWER than noise", None: "one seed tells no noise"}
_HEADS = {
    "few-labels": "SST-2 dev accuracy by labelled rows",
    "forgetting": "rise of the held-out LM loss on general text by the task's stage",
    "mass": "Multi30k de-en, BLEU over 100, by the share of the span in MASS",
    "ulmfit": "SST-2 dev accuracy of ULMFiT without one of its parts",
    "layers": "shares of the layers in ELMo's mix, the embeddings first",
}
_LINES = {
    "few-labels": _few_label_lines,
    "forgetting": _forgetting_lines,
    "mass": _mass_lines,
    "ulmfit": _ulmfit_lines,
    "layers": _layer_lines,
}
