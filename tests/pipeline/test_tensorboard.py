"""Event files say what the metrics lines say; the oracle is TensorBoard's own reader."""

import json

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from pipeline.tensorboard import TensorBoardWriter, derive


def step(n):
    return {
        "kind": "step",
        "step": n,
        "loss": 3.0 / n,
        "terms": {
            "pairs/mlm": {"loss": 2.0 / n, "count": 120, "weight": 1.0},
            "rte/classification": {"loss": 1.0 / n, "count": 8 * (n % 2), "weight": 0.25},
        },
        "tokens": 8000 + n,
        "rate": 1e-3 * n,
        "grad_norm": 0.5,
        "clock": {"time": 100.0 + n, "seconds": 0.5},
    }


def evaluation(n):
    return {
        "kind": "evaluation",
        "step": n,
        "scores": {"rte": {"accuracy": 0.5 + n / 100, "f1": None}},
        "joint": 0.5 + n / 100,
        "clock": {"time": 200.0 + n},
    }


def write(folder, records):
    text = "".join(json.dumps(record) + "\n" for record in records)
    (folder / "metrics.jsonl").write_text(text)


def curves(folder):
    """{tag: [(step, value, time), …]} as TensorBoard reads it."""
    reader = EventAccumulator(str(folder / "tensorboard")).Reload()
    return {
        tag: [(event.step, event.value, event.wall_time) for event in reader.Scalars(tag)]
        for tag in reader.Tags()["scalars"]
    }


def f32(value):
    return float(np.float32(value))


def test_a_perplexity_that_a_line_tells_has_a_curve(tmp_path):
    told = {"news/generation": {"perplexity": 7.5}, "books/mlm": {}}
    terms = {name: {"loss": 2.0, "count": 9, "weight": 1.0, **more} for name, more in told.items()}
    write(tmp_path, [{**step(1), "terms": terms}])
    derive(tmp_path)
    found = {tag: value for tag, [(_, value, _)] in curves(tmp_path).items() if tag.startswith("perplexity")}
    assert found == {"perplexity/news/generation": 7.5}


def test_events_equal_the_metrics_lines(tmp_path):
    write(tmp_path, [step(1), step(2), evaluation(2), step(3)])
    derive(tmp_path)
    every = (1, 2, 3)
    assert curves(tmp_path) == {
        "loss/total": [(n, f32(3.0 / n), 100.0 + n) for n in every],
        "loss/pairs/mlm": [(n, f32(2.0 / n), 100.0 + n) for n in every],
        "weight/pairs/mlm": [(n, 1.0, 100.0 + n) for n in every],
        "loss/rte/classification": [(n, f32(1.0 / n), 100.0 + n) for n in (1, 3)],
        "weight/rte/classification": [(n, 0.25, 100.0 + n) for n in (1, 3)],
        "step/tokens": [(n, 8000.0 + n, 100.0 + n) for n in every],
        "step/tokens_per_second": [(n, (8000.0 + n) / 0.5, 100.0 + n) for n in every],
        "step/rate": [(n, f32(1e-3 * n), 100.0 + n) for n in every],
        "step/grad_norm": [(n, 0.5, 100.0 + n) for n in every],
        "evaluation/rte/accuracy": [(2, f32(0.52), 202.0)],
        "evaluation/joint": [(2, f32(0.52), 202.0)],
    }


def test_appending_while_running_gives_what_rebuilding_from_the_lines_gives(tmp_path):
    records = [step(1), step(2), evaluation(2), step(3)]
    write(tmp_path, records[:1])
    writer = TensorBoardWriter(tmp_path)
    for record in records[1:]:
        writer.add(record)
    seen_while_running = curves(tmp_path)
    writer.close()
    write(tmp_path, records)
    derive(tmp_path)
    assert seen_while_running == curves(tmp_path)


def test_lines_cut_back_by_a_resume_vanish_from_the_curves(tmp_path):
    write(tmp_path, [step(n) for n in range(1, 8)])
    TensorBoardWriter(tmp_path).close()
    write(tmp_path, [step(n) for n in range(1, 4)])
    writer = TensorBoardWriter(tmp_path)
    writer.add(step(4))
    writer.close()
    assert [n for n, _, _ in curves(tmp_path)["loss/total"]] == [1, 2, 3, 4]
    assert len(list((tmp_path / "tensorboard").iterdir())) == 1


@pytest.mark.parametrize("make_file", [True, False])
def test_a_stage_without_lines_has_an_event_file_without_curves(tmp_path, make_file):
    if make_file:
        write(tmp_path, [])
    derive(tmp_path)
    assert curves(tmp_path) == {}
