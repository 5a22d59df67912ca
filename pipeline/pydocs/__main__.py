"""The door: `python -m pipeline.pydocs --to DIR` writes the embedded corpus and its tasks into a folder."""

from pathlib import Path

import click

from pipeline.pydocs.write import Written, write
from tokenization.errors import TriptychError


@click.command()
@click.option("--to", required=True, type=click.Path(path_type=Path), help="The data folder to write.")
@click.option("--jobs", default=2, show_default=True, type=click.IntRange(min=1), help="Processes that read files.")
def main(to: Path, jobs: int) -> None:
    """Write the documentation of this Python installation, and three tasks made of it, as a data folder."""
    try:
        click.echo(_said(write(to, jobs)))
    except TriptychError as error:
        raise click.ClickException(str(error)) from None


def _said(written: Written) -> str:
    if not written.fresh:
        return f"{written.folder}: nothing to do, the documentation of this installation is there"
    lines = [f"{written.folder}: {sum(written.manifest['modules'].values())} modules read"]
    for package, corpus in written.manifest["corpora"].items():
        place = f"{corpus['kind']}/{package}"
        lines.append(f"  {place:<26}{corpus['documents']:>7} documents {corpus['tokens_about']:>10} tokens, about")
    for name, task in written.manifest["tasks"].items():
        counts = ", ".join(f"{rows} {split}" for split, rows in task["rows"].items())
        lines.append(f"  tasks/{name:<20}{counts}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
