"""`triptych rank`."""

from pathlib import Path

import click

from pipeline import wording
from pipeline.answer import open_model
from pipeline.commands.options import MODEL
from pipeline.output_places import refuse_output_file, refuse_output_folder
from pipeline.rank import Ranker
from pipeline.rank_files import ranked_text, texts_of, write_ranked

_FILE = click.Path(path_type=Path)


@click.command()
@MODEL
@click.option("--task", required=True, help="A task with a Siamese head.")
@click.option(
    "--candidates",
    "candidate_file",
    type=_FILE,
    required=True,
    help="A text a line (.txt), or rows with the column of the task's second text.",
)
@click.option(
    "--queries",
    "query_file",
    type=_FILE,
    required=True,
    help="A text a line (.txt), or rows with the column of the task's first text.",
)
@click.option("--label", help="The class whose probability ranks; default: the last one.")
@click.option("--top", type=click.IntRange(min=1), default=5, show_default=True, help="Candidates told of each query.")
@click.option("--store", type=_FILE, help="Folder in which the candidates' vectors are kept and looked up.")
@click.option("--out", type=_FILE, help="JSON lines of query and ranked candidates, instead of a table.")
def command(
    model: Path,
    task: str,
    candidate_file: Path,
    query_file: Path,
    label: str | None,
    top: int,
    store: Path | None,
    out: Path | None,
) -> None:
    """Rank candidates for each query; theirs are vectors, computed once."""

    refuse_output_folder("--store", store)
    if out is not None:
        refuse_output_file("--out", out, {"--candidates": candidate_file, "--queries": query_file})
    opened = open_model(model, few_rows=True)
    ranker = Ranker(opened, task, label)
    spec, _ = opened.task(task)
    queries = texts_of(query_file, spec, spec.fields[0], "--queries")
    candidates = texts_of(candidate_file, spec, spec.fields[1], "--candidates")
    vectors, computed = ranker.vectors(candidates, store)
    told = f"{wording.count(len(candidates))} candidates, {wording.count(computed)} vectors computed"
    click.echo(f"{told}{f', the others from {store}' if store else ''}", err=True)
    ranked = [ranker.best(query, vectors, top) for query in queries]
    if out is None:
        click.echo(ranked_text(queries, candidates, ranked), nl=False)
    else:
        write_ranked(out, queries, candidates, ranked)
        click.echo(f"{wording.count(len(queries))} queries: {out}")
