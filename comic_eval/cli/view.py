"""``comic-eval view``: a run as pages to look at."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("run")
@click.option("--runs-dir", default="runs", show_default=True, metavar="DIR", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), metavar="FOLDER", help="Where it goes.  [default: RUN/view]")
@click.option(
    "--benchmark", metavar="NAME|FOLDER", help="The run's benchmark, where it has moved since the run was made."
)
@click.option("--open/--no-open", "opens", default=True, help="Open it in the browser.  [default: open]")
def view(run: str, runs_dir: Path, out: Path | None, benchmark: str | None, opens: bool) -> None:
    """Write a page a sample, with an index, and open it in the browser.

    RUN is the folder of a run, or the name of a run below --runs-dir. Each page shows what the model was shown, with
    target boxes, every crop it took, the conversation, the answer that was read, and the score. The folder needs
    nothing but itself: it can be moved, zipped and served.
    """
    import webbrowser

    from comic_eval.report.source import find_folder
    from comic_eval.report.write import size_of, write_view

    def progress(done: int, total: int) -> None:
        if done < total and sys.stderr.isatty():
            click.echo(f"\r{done:,} of {total:,} pages", nl=False, err=True)

    index = write_view(find_folder(run, runs_dir), out=out, benchmark=benchmark, progress=progress).resolve()
    click.echo(str(index))
    files, size = size_of(index.parent)
    click.echo(f"{files:,} files, {_in_words(size)}", err=True)
    if opens and not webbrowser.open(index.as_uri()):
        click.echo("No browser could be opened; open that file yourself.", err=True)


def _in_words(size: int) -> str:
    """Bytes as ``812 kB`` or ``39.2 MB``."""
    return f"{size / 1e3:,.0f} kB" if size < 1e6 else f"{size / 1e6:,.1f} MB"
