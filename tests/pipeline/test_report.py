"""The report of a run directory, finished or not; the oracle is the HTML parser reading the page back."""

import base64
import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from pipeline.charts import POINTS, Curve, Panel, draw, for_dark_paper, smoothed, thinned
from pipeline.report import write_report
from pipeline.tables import grids, remarks
from tokenization.errors import RunError

VOID = {"meta", "img", "source", "br", "link"}
SVG = "data:image/svg+xml;base64,"
RECIPE = """\
name: small & odd
stages:
- {name: general, kind: pretrain, steps: 40}
- {name: multitask, kind: finetune, steps: 20}
"""
SCORES = {
    "joint": 0.613,
    "tasks": {
        "rte": {
            "kind": "pair",
            "metrics": {"accuracy": 0.613, "f1": 0.587},
            "primary": "accuracy",
            "majority": 0.527,
            "rows": 277,
            "reduced": True,
            "best_step": 10,
            "best": 0.631,
        }
    },
    "ledger": {
        "columns": ["start", "general", "multitask"],
        "rows": [
            {"name": "wiki MLM", "corpus": "wiki", "unit": "nats", "better": "lower", "values": [None, 5.123, 5.456]},
            {"name": "rte accuracy", "unit": "", "better": "higher", "values": [None, None, 0.613]},
        ],
    },
    "unigram_entropy": {"wiki": 7.234},
    "notes": ["LM head fitted first: 200 steps"],
}


class Page(HTMLParser):
    """Collects text, attributes and ids, and checks that every element is closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.words, self.links, self.pictures, self.ids, self.tags = [], [], [], [], set(), set()
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "srcset", "href", "action", "data", "poster"):
                self.links.append(value)
            if name == "id":
                self.ids.add(value)
            assert not name.startswith("on")
        if tag == "img":
            self.pictures.append(dict(attrs))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data.strip())


def step(n):
    return {
        "kind": "step",
        "step": n,
        "loss": 3.0 + 1 / n,
        "terms": {
            "pairs/mlm": {"loss": 2.0 + 1 / n, "count": 9, "weight": 1.0},
            "pairs/nsp": {"loss": 1.0, "count": 4},
        },
        "tokens": 800,
        "rate": 1e-3 / n,
        "grad_norm": 0.5,
        "clock": {"time": 100.0 + n, "seconds": 0.5},
    }


def evaluation(n):
    scores = {"rte": {"accuracy": 0.5 + n / 100, "f1": 0.4 + n / 100}}
    return {"kind": "evaluation", "step": n, "scores": scores, "joint": 0.5 + n / 100, "clock": {"time": 1.0}}


def finished_run(folder, recipe=RECIPE, scores=SCORES):
    for stage, steps, parent in (("general", 40, None), ("multitask", 20, "general")):
        here = folder / "stages" / stage
        here.mkdir(parents=True)
        lines = [step(n) for n in range(1, steps + 1)]
        lines += [evaluation(10), evaluation(20)] if parent else []
        (here / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        state = {"step": steps, "tokens": {"pairs": 800 * steps}}
        manifest = {"stage": stage, "parent": parent, "steps": 2 * steps, "state": state, "clock": {"seconds": 65}}
        (here / "manifest.json").write_text(json.dumps(manifest))
    (folder / "recipe.yaml").write_text(recipe)
    (folder / "environment.json").write_text(json.dumps({"machine": {"cores": 2}, "commit": "abc123", "argv": ["run"]}))
    (folder / "evaluation").mkdir()
    (folder / "evaluation" / "scores.json").write_text(json.dumps(scores))
    return folder


def svgs(page):
    return [base64.b64decode(link.removeprefix(SVG)).decode() for link in page.links if link.startswith(SVG)]


def test_the_page_holds_every_cell_of_the_tables_and_every_remark(tmp_path):
    page = Page(write_report(finished_run(tmp_path)).read_text())
    shown = set(page.words)
    cells = {cell for grid in grids(SCORES) for row in (grid.header, *grid.rows) for cell in row}
    assert {"0.613", "0.587", "0.527", "5.123", "5.456", "+0.333", "worse"} <= cells
    assert cells | set(remarks(SCORES)) <= shown | {""}


def test_the_page_shows_stages_with_lineage_and_tokens_the_recipe_and_the_environment(tmp_path):
    shown = Page(write_report(finished_run(tmp_path)).read_text()).words
    row = [word for word in shown if word]
    row = row[row.index("fresh start") - 2 :]
    assert row[:7] == [
        "general", "pretrain", "fresh start", "finished", "40", "pairs 32,000", "1:05",
    ]  # fmt: skip
    assert RECIPE.strip() in shown
    assert {"machine.cores", "2", "commit", "abc123", "argv", '["run"]'} <= set(shown)


def test_the_page_needs_nothing_beside_itself(tmp_path):
    text = write_report(finished_run(tmp_path)).read_text()
    page = Page(text)
    assert page.tags.isdisjoint({"script", "link", "iframe", "object"})
    assert "url(" not in text
    assert "@import" not in text
    for link in page.links:
        assert link.startswith(SVG) or link.removeprefix("#") in page.ids
    for svg in svgs(page):
        references = re.findall(r'(?:href="|url\()([^")]*)', svg)
        assert all(reference.startswith("#") for reference in references)


def test_each_objective_evaluation_and_setting_has_a_curve_with_words_for_it(tmp_path):
    page = Page(write_report(finished_run(tmp_path)).read_text())
    words = [picture["alt"] for picture in page.pictures]
    assert "stage general, pairs/mlm: pairs/mlm 3 to 2.025" in words
    assert "stage multitask, evaluation: rte: accuracy 0.6 to 0.7; f1 0.5 to 0.6" in words
    assert "stage multitask, evaluation: joint: joint 0.6 to 0.7" in words
    assert len(words) == (3 + 3) + (3 + 2 + 3)
    for svg in svgs(page):
        ElementTree.fromstring(svg)


def test_the_same_files_give_the_same_bytes(tmp_path):
    run = finished_run(tmp_path)
    first = write_report(run).read_bytes()
    assert write_report(run).read_bytes() == first


def test_words_of_the_user_are_text_never_markup(tmp_path):
    evil = "<script>alert('1')</script>"
    recipe = RECIPE.replace("small & odd", f'"{evil}"').replace("general", '"<b>&{{1}}"')
    scores = {**SCORES, "notes": [evil]}
    run = finished_run(tmp_path, scores=scores)
    (run / "recipe.yaml").write_text(recipe)
    text = write_report(run).read_text()
    page = Page(text)
    assert "<script" not in text
    assert page.tags.isdisjoint({"script", "b"})
    assert page.words.count(evil) == 2  # heading and note
    assert "<b>&{{1}}" in page.words


@pytest.mark.parametrize("name", ["<i>&$x_1$", "情感/mlm"])
def test_a_stream_of_any_name_keeps_it_in_the_chart(name):
    svg = draw(Panel(name, (Curve("loss", (1, 2), (1.0, 2.0)),)))
    texts = [element.text for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    assert name in texts


def test_an_unfinished_run_says_what_is_missing(tmp_path):
    run = finished_run(tmp_path)
    (run / "stages" / "multitask" / "manifest.json").unlink()
    (run / "evaluation" / "scores.json").unlink()
    (run / "environment.json").unlink()
    metrics = run / "stages" / "multitask" / "metrics.jsonl"
    metrics.write_text("".join(json.dumps(step(n)) + "\n" for n in range(1, 13)) + '{"kind": "st')
    shown = Page(write_report(run).read_text()).words
    assert "stage multitask: at step 12 of 20" in shown
    assert "scores and ledger: not evaluated yet" in shown
    assert "environment: environment.json is not there" in shown


def test_a_finished_run_misses_nothing(tmp_path):
    assert "This run is not finished." not in Page(write_report(finished_run(tmp_path)).read_text()).words


def test_a_run_that_has_only_its_recipe_has_a_report(tmp_path):
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    page = Page(write_report(tmp_path).read_text())
    assert "stage general: not started" in page.words
    assert page.words.count("Nothing logged yet.") == 2


def test_a_folder_that_is_no_run_is_refused_with_the_way_out(tmp_path):
    with pytest.raises(RunError, match=r"holds no recipe\.yaml.*runs/<recipe name>"):
        write_report(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["recipe.yaml", "environment.json", "stages/general/manifest.json"])
def test_a_damaged_file_is_named(tmp_path, name):
    run = finished_run(tmp_path)
    (run / name).write_text("[1, ")
    with pytest.raises(RunError, match=re.escape(name)):
        write_report(run)


def test_a_long_curve_is_thinned_to_means_that_keep_its_mean():
    steps, values = thinned(range(10 * POINTS), [float(n) for n in range(10 * POINTS)])
    assert len(steps) == POINTS
    assert values[0] == pytest.approx(4.5)
    assert steps == values
    assert thinned([3, 4], [1.0, 2.0]) == ([3.0, 4.0], [1.0, 2.0])


def test_smoothing_leaves_a_straight_line_alone_away_from_its_ends():
    line = [3.0 - 0.01 * n for n in range(100)]
    assert smoothed(line)[5:-5] == pytest.approx(line[5:-5])


def test_smoothing_weighs_by_counts():
    values, counts = [1.0] * 20 + [4.0] + [1.0] * 19, [2] * 20 + [6] + [2] * 19
    reach = len(values) // 20
    assert smoothed(values, counts)[20] == pytest.approx((6 * 4.0 + 2 * 2 * reach) / (6 + 2 * 2 * reach))


def test_dark_paper_changes_the_ink_and_nothing_else():
    svg = draw(Panel("p", (Curve("a", (1, 2), (1.0, 2.0)), Curve("b", (1, 2), (2.0, 1.0)))))
    colour = re.compile("#[0-9a-f]{6}")
    dark = for_dark_paper(svg)
    assert colour.sub("", dark) == colour.sub("", svg)
    used = set(colour.findall(svg)) - {"#000000"}
    assert len(used) >= 4
    assert used.isdisjoint(colour.findall(dark))


def test_small_rates_keep_their_digits_on_the_axis():
    svg = draw(Panel("rate", (Curve("rate", (0, 100), (0.0, 0.0005)),)))
    texts = {element.text for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")}
    assert {"0.0001", "0.0005"} <= texts
