"""Where a run stands, in a few lines; reads only, so it may be asked while the run goes on."""

import json
import os
import socket
import time
from pathlib import Path

from pipeline import wording
from pipeline.contributions import contributions
from pipeline.ledger import told_words
from pipeline.metrics_lines import StepLine, TermLine, last_lines
from pipeline.progress import evaluation_words
from pipeline.run_record import RunRecord, StageRecord, read_run


def status_text(run_dir: Path, now: float | None = None) -> str:
    """Each stage's state, last loss and last evaluation, and who holds the run directory.

    Args:
        now: seconds since the epoch; the present by default.

    Raises:
        RunError: it is no run directory, or one of its files is damaged.
    """
    now = time.time() if now is None else now
    run = read_run(run_dir)
    width = max((len(stage.name) for stage in run.stages), default=0)
    lines = [f"{run.name} in {run_dir}"]
    for stage in run.stages:
        lines += _stage_lines(stage, width, now)
    for seed, further in run.further.items():
        lines += _seed_lines(seed, further, now)
    lines.append("evaluation: " + ("done" if run.scores is not None else "not done"))
    lines.append(_owner(run_dir / "lock", now))
    return "\n".join(lines) + "\n"


def _stage_lines(stage: StageRecord, width: int, now: float) -> list[str]:
    step, evaluation = last_lines(stage.metrics)
    lines = [f"  {stage.name:<{width}}  {_state(stage, step)}"]
    indent = " " * (width + 4)
    if step is not None:
        seen = "" if step.time is None else f"  ({wording.age(now - step.time)})"
        lines.append(f"{indent}last loss {wording.score(step.loss)}{_terms(step)}{seen}")
    if evaluation is not None:
        lines.append(f"{indent}last evaluation, step {evaluation.step}: {evaluation_words(evaluation)}")
    if stage.manifest is not None:
        lines += [f"{indent}{words}" for words in told_words(stage.manifest.get("boundary", {}))]
    lines += [f"{indent}{found}" for found in contributions(stage.saved_state)]
    return lines


def _seed_lines(seed: int, run: RunRecord | None, now: float) -> list[str]:
    """A further seed: the stage that it has come to."""
    if run is None:
        return [f"seed {seed}: not started"]
    stage = run.unfinished
    if stage is None:
        return [f"seed {seed}: " + ("finished" if run.scores is not None else "not evaluated")]
    return [f"seed {seed}:", *_stage_lines(stage, len(stage.name), now)]


def _state(stage: StageRecord, step: StepLine | None) -> str:
    if stage.manifest is not None:
        return f"finished, {wording.count(stage.manifest['state']['step'])} steps"
    if step is None:
        return stage.state
    return f"at step {wording.count(step.step)} of {wording.count(stage.steps)}"


def _terms(step: StepLine) -> str:
    terms = ", ".join(f"{name} {wording.score(term.loss)}{_perplexity(term)}" for name, term in step.terms.items())
    return f" ({terms})" if terms else ""


def _perplexity(term: TermLine) -> str:
    return "" if term.perplexity is None else f", perplexity {wording.compact(term.perplexity)}"


def _owner(lock: Path, now: float) -> str:
    """Who holds the run directory. The file alone proves nothing: a killed process leaves it behind."""
    try:
        owner = json.loads(lock.read_text(encoding="utf-8"))
        pid, host = int(owner["pid"]), str(owner["host"])
    except FileNotFoundError:
        return "no process holds it"
    except (ValueError, KeyError, TypeError):
        return f"{lock} is not readable as a lock"
    words = f"held by process {pid} on {host}"
    if isinstance(owner.get("since"), (int, float)):
        words += f", begun {wording.age(now - owner['since'])}"
    if owner.get("command"):
        words += f": {owner['command']}"
    return words if _alive(pid, host) else f"{words}\nthat process is gone; the next run takes over"


def _alive(pid: int, host: str) -> bool:
    """Whether the process runs; one on another machine is believed to."""
    if host != socket.gethostname():
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
