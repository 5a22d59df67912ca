"""The report of a run: one HTML file that needs nothing beside itself, of a finished run or of one under way."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from pipeline import charts, wording
from pipeline.contributions import stream_grid
from pipeline.layer_shares import share_grid
from pipeline.metrics_lines import EvaluationLine, StepLine, read_lines
from pipeline.run_record import RunRecord, StageRecord, read_run
from pipeline.seeds.tables import seed_grid, seed_remarks
from pipeline.tables import Grid, grids, remarks
from tokenization.atomic import write_text

TEMPLATE = "report.html.j2"


@dataclass(frozen=True)
class Picture:
    """A chart in two inks as data URIs, with the words that stand for it."""

    words: str
    light: str
    dark: str


@dataclass(frozen=True)
class StageView:
    """What the report shows of one stage; no pictures where nothing has been logged yet."""

    name: str
    kind: str
    state: str
    pictures: tuple[Picture, ...]


def write_report(run_dir: Path) -> Path:
    """Write `RUN/report.html` from the run's files alone; the same files give the same bytes.

    Raises:
        RunError: it is no run directory, or one of its files is damaged.
    """
    path = run_dir / "report.html"
    write_text(path, report_html(read_run(run_dir)))
    return path


def report_html(run: RunRecord) -> str:
    """The whole page."""
    lines = {stage.name: read_lines(stage.metrics) for stage in run.stages}
    steps = {name: [x for x in found if isinstance(x, StepLine)] for name, found in lines.items()}
    evaluations = {name: [x for x in found if isinstance(x, EvaluationLine)] for name, found in lines.items()}
    scores, shares = run.scores or {}, share_grid(run.stages)
    return (
        _environment()
        .get_template(TEMPLATE)
        .render(
            name=run.name,
            joint=wording.score(scores["joint"]) if scores.get("joint") is not None else None,
            missing=_missing(run, steps),
            grids=(
                *grids(scores),
                *([seed_grid(run.over_seeds)] if run.over_seeds else []),
                *([shares] if shares else []),
            ),
            remarks=(*remarks(scores), *(seed_remarks(run.over_seeds) if run.over_seeds else [])),
            lineage=_stage_grid(run, steps),
            streams=stream_grid(run),
            stages=[_view(stage, steps[stage.name], evaluations[stage.name]) for stage in run.stages],
            recipe=run.recipe_text,
            environment=_rows(run.environment or {}),
        )
    )


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,  # recipes, paths and notes are the user's words
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _missing(run: RunRecord, steps: dict[str, list[StepLine]]) -> list[str]:
    """What an unfinished run still lacks, in words; nothing for a finished one."""
    lacking = [f"stage {stage.name}: {_state(stage, steps[stage.name])}" for stage in run.stages if not stage.manifest]
    if run.scores is None:
        lacking.append("scores and ledger: not evaluated yet")
    if run.environment is None:
        lacking.append("environment: environment.json is not there")
    for seed, further in run.further.items():
        if further is None or further.scores is None:
            lacking.append(f"seed {seed}: {'begun' if further else 'not started'}")
    return lacking


def _state(stage: StageRecord, steps: list[StepLine]) -> str:
    if stage.manifest is not None or not steps:
        return stage.state
    return f"at step {wording.count(steps[-1].step)} of {wording.count(stage.steps)}"


def _stage_grid(run: RunRecord, steps: dict[str, list[StepLine]]) -> Grid:
    """Which stage came from which, what it read and how long it took."""
    rows = tuple(_stage_cells(stage, _state(stage, steps[stage.name])) for stage in run.stages)
    return Grid(
        title="Stages",
        header=("stage", "kind", "from", "state", "steps", "tokens", "time"),
        rows=rows,
        words=frozenset({0, 1, 2, 3, 5}),
        standings=tuple("plain" for _ in rows),
    )


def _stage_cells(stage: StageRecord, state: str) -> tuple[str, ...]:
    manifest = stage.manifest or {}
    reached = manifest.get("state", {})
    tokens = ", ".join(f"{name} {wording.count(n)}" for name, n in reached.get("tokens", {}).items())
    parent = manifest.get("parent") or ("fresh start" if manifest else wording.ABSENT)
    return (
        stage.name,
        stage.kind,
        str(parent),
        state,
        wording.count(reached.get("step", stage.steps)),
        tokens or wording.ABSENT,
        wording.duration(manifest.get("clock", {}).get("seconds")),
    )


def _view(stage: StageRecord, steps: list[StepLine], evaluations: list[EvaluationLine]) -> StageView:
    panels = (
        *charts.loss_panels(steps),
        *charts.evaluation_panels(evaluations),
        *charts.setting_panels(steps),
    )
    return StageView(stage.name, stage.kind, _state(stage, steps), tuple(_picture(p, stage.name) for p in panels))


def _picture(panel: charts.Panel, stage: str) -> Picture:
    ends = "; ".join(f"{c.label} {c.values[0]:.4g} to {c.values[-1]:.4g}" for c in panel.curves)
    svg = charts.draw(panel)
    return Picture(f"stage {stage}, {panel.title}: {ends}", _data_uri(svg), _data_uri(charts.for_dark_paper(svg)))


def _data_uri(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode("ascii")


def _rows(environment: Any, prefix: str = "") -> list[tuple[str, str]]:
    """A JSON object as rows of `path.to.key` and value; lists stay whole."""
    rows = []
    for key, value in environment.items():
        if isinstance(value, dict):
            rows += _rows(value, f"{prefix}{key}.")
        else:
            rows.append((f"{prefix}{key}", value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)))
    return rows
