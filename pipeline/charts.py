"""Curves as SVG, drawn from metrics lines: the same lines give the same bytes."""

import io
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.metrics_lines import EvaluationLine, StepLine

POINTS = 250  # points of a curve at most: more than a screen shows, and a report of a long run stays small
FEW = 30  # a curve of fewer points shows them
_SIZE = (4.4, 2.4)  # inches
_FRAME = (0.13, 0.12, 0.85, 0.76)  # left, bottom, width, height of the axes: equal, so that panels line up
_TAG = re.compile(r"<[^>]*>")  # where coordinates stand; a number between tags is a label and stays as it is
_LONG_DECIMALS = re.compile(r"(\d\.\d\d)\d+")  # a hundredth of a point is finer than any screen


@dataclass(frozen=True)
class Ink:
    """Colours of a chart: on what it stands decides text, grid and lines; the paper itself stays clear."""

    text: str
    grid: str
    lines: tuple[str, ...]

    def all(self) -> tuple[str, ...]:
        return (self.text, self.grid, *self.lines)


LIGHT = Ink("#41464d", "#d9dce1", ("#2563b8", "#c2571a", "#20805a", "#8a4fb0", "#a8336a", "#6b6f19"))
DARK = Ink("#b4bac3", "#363c45", ("#7db0f5", "#f0a06a", "#6bcf9f", "#c79be6", "#f08bb5", "#c9cd6a"))


@dataclass(frozen=True)
class Curve:
    """Points of one line; `smooth` draws them faintly under their smoothed course, weighed by `counts`."""

    label: str
    steps: tuple[int, ...]
    values: tuple[float, ...]
    counts: tuple[int, ...] = ()
    smooth: bool = False


@dataclass(frozen=True)
class Panel:
    """One small chart."""

    title: str
    curves: tuple[Curve, ...]


def loss_panels(lines: Sequence[StepLine]) -> tuple[Panel, ...]:
    """One panel per `stream/objective`, and the step's loss first where there are several."""
    names = list(dict.fromkeys(name for line in lines for name in line.terms))
    panels = [_term_panel(name, [line for line in lines if name in line.terms]) for name in names]
    if len(names) != 1 and lines:
        total = Curve("loss", tuple(x.step for x in lines), tuple(x.loss for x in lines), smooth=True)
        panels.insert(0, Panel("loss of the step", (total,)))
    return tuple(panels)


def _term_panel(name: str, lines: Sequence[StepLine]) -> Panel:
    terms = [line.terms[name] for line in lines]
    curve = Curve(
        label=name,
        steps=tuple(line.step for line in lines),
        values=tuple(term.loss for term in terms),
        counts=tuple(term.count for term in terms),
        smooth=True,
    )
    return Panel(name, (curve,))


def setting_panels(lines: Sequence[StepLine]) -> tuple[Panel, ...]:
    """Learning rate, gradient norm and speed."""
    rates = _curve("learning rate", [(x.step, x.rate) for x in lines if x.rate is not None])
    norms = _curve("gradient norm", [(x.step, x.grad_norm) for x in lines if x.grad_norm is not None])
    speeds = _curve("real tokens/s", [(x.step, x.tokens / x.seconds) for x in lines if x.seconds])
    curves = (rates, replace(norms, smooth=True), replace(speeds, smooth=True))
    return tuple(Panel(curve.label, (curve,)) for curve in curves if curve.steps)


def evaluation_panels(lines: Sequence[EvaluationLine]) -> tuple[Panel, ...]:
    """One panel per task with a curve per metric, and the joint score first where there is one."""
    joint = [(line.step, line.joint) for line in lines if line.joint is not None]
    panels = [Panel("evaluation: joint", (_curve("joint", joint),))] if joint else []
    for task in dict.fromkeys(task for line in lines for task in line.scores):
        here = [(line.step, line.scores[task]) for line in lines if task in line.scores]
        metrics = list(dict.fromkeys(metric for _, scores in here for metric in scores))
        if not metrics:
            continue
        curves = (_curve(m, [(step, scores[m]) for step, scores in here if m in scores]) for m in metrics)
        title = f"evaluation: {task} {metrics[0]}" if len(metrics) == 1 else f"evaluation: {task}"
        panels.append(Panel(title, tuple(curves)))
    return tuple(panels)


def _curve(label: str, points: Sequence[tuple[int, float]]) -> Curve:
    return Curve(label, tuple(step for step, _ in points), tuple(value for _, value in points))


def draw(panel: Panel) -> str:
    """The panel as SVG for light paper, without a date in it."""
    with matplotlib.rc_context(_style(LIGHT)), warnings.catch_warnings():
        # The reader's fonts show the text, Chinese names included; matplotlib only guesses its width.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        figure = Figure(figsize=_SIZE)
        _draw_on(figure.add_axes(_FRAME), panel)
        svg = io.BytesIO()
        figure.savefig(svg, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    return _TAG.sub(lambda tag: _LONG_DECIMALS.sub(r"\1", tag[0]), svg.getvalue().decode("utf-8"))


def for_dark_paper(svg: str) -> str:
    """The same drawing in the other ink; drawing it twice would take twice as long."""
    for light, dark in zip(LIGHT.all(), DARK.all(), strict=True):
        svg = svg.replace(light, dark)
    return svg


def _draw_on(axis: Axes, panel: Panel) -> None:
    for number, curve in enumerate(panel.curves):
        colour = LIGHT.lines[number % len(LIGHT.lines)]
        points = thinned(curve.steps, curve.values)
        if curve.smooth:
            axis.plot(*points, color=colour, alpha=0.3, linewidth=0.8)
            points = thinned(curve.steps, smoothed(curve.values, curve.counts))
        marker = "o" if len(curve.steps) < FEW else ""
        axis.plot(*points, color=colour, label=curve.label, marker=marker, markersize=3)
    axis.set_title(panel.title, loc="left")
    axis.xaxis.set_major_formatter(_plain_number)
    axis.yaxis.set_major_formatter(_plain_number)
    if len(panel.curves) > 1:
        axis.legend(loc="best", frameon=False)


def _plain_number(value: float, _place: float) -> str:
    """Tick labels that need no `1e-4` beside the axis."""
    return f"{value:,.6g}"


def smoothed(values: Sequence[float], counts: Sequence[int] = ()) -> list[float]:
    """Each value's mean with its neighbours on both sides, a twentieth of the curve each way, weighed by counts.

    Looking both ways, it does not lag behind a falling loss as a running mean does.
    """
    weights = counts or (1,) * len(values)
    sums = [0.0, *accumulate(value * weight for value, weight in zip(values, weights, strict=True))]
    totals = [0, *accumulate(weights)]
    size, reach = len(values), len(values) // 20
    spans = [(max(0, i - reach), min(size, i + reach + 1)) for i in range(size)]
    return [(sums[b] - sums[a]) / (totals[b] - totals[a]) for a, b in spans]


def thinned(steps: Sequence[int], values: Sequence[float], most: int = POINTS) -> tuple[list[float], list[float]]:
    """At most `most` points: the means of runs of neighbours, as equal in length as can be."""
    size = len(steps)
    edges = [round(i * size / most) for i in range(most + 1)] if size > most else list(range(size + 1))
    spans = list(pairwise(edges))
    return [sum(steps[a:b]) / (b - a) for a, b in spans], [sum(values[a:b]) / (b - a) for a, b in spans]


def _style(ink: Ink) -> dict[str, object]:
    return {
        "svg.fonttype": "none",  # text stays text: small, sharp, and read aloud
        "svg.hashsalt": "triptych",  # otherwise ids are random and no two reports are alike
        "font.family": "sans-serif",
        "font.size": 9,
        "axes.titlesize": 10,
        "axes.edgecolor": ink.grid,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "grid.color": ink.grid,
        "grid.linewidth": 0.6,
        "lines.linewidth": 1.6,
        "text.color": ink.text,
        "axes.labelcolor": ink.text,
        "axes.titlecolor": ink.text,
        "xtick.color": ink.text,
        "ytick.color": ink.text,
        "xtick.major.size": 0,
        "ytick.major.size": 0,
        "savefig.transparent": True,
        "text.parse_math": False,  # a `$` in a stream's name is a dollar
    }
