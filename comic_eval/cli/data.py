"""``comic-eval data``: build, validate, describe and import benchmarks."""

from __future__ import annotations

from pathlib import Path

import click

from comic_eval.cli.questions import questions

INPUT = click.Path(exists=True, path_type=Path)
OUTPUT = click.Path(path_type=Path)
DEFECTS_FOUND = 2


@click.group()
def data() -> None:
    """Build, validate, describe and import benchmarks."""


@data.command()
@click.argument("pages_folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("out_folder", type=OUTPUT)
@click.option("--seed", default=0, show_default=True, help="Seed of everything that is drawn by lot.")
@click.option("--name", default=None, help="The benchmark's name.  [default: the pages folder's]")
@click.option(
    "--coco", type=INPUT, multiple=True, help="COCO-style annotations (repeatable); PAGES_FOLDER holds the pictures."
)
@click.option("--mapping", type=INPUT, default=None, help="YAML file that says what the COCO file's categories mean.")
def build(
    pages_folder: Path, out_folder: Path, seed: int, name: str | None, coco: tuple[Path, ...], mapping: Path | None
) -> None:
    """Build the seven tasks from the annotated pages in PAGES_FOLDER and write a benchmark to OUT_FOLDER."""
    from comic_eval.benchmark.build import build_benchmark, build_from_pages

    if bool(coco) != (mapping is not None):
        raise click.UsageError("--coco and --mapping go together")
    if mapping is not None:
        from comic_eval.benchmark.build.coco import read_coco

        pages = [page for file in coco for page in read_coco(file, pages_folder, mapping)]
        benchmark = build_from_pages(pages, out_folder, name=name or pages_folder.resolve().name, seed=seed)
    else:
        benchmark = build_benchmark(pages_folder, out_folder, seed=seed, name=name)
    click.echo(f"{benchmark.folder}: {benchmark.name} {benchmark.revision}, {len(benchmark.samples)} samples")
    click.echo(f"Look at it with: comic-eval data stats {benchmark.folder}")


@data.command()
@click.argument("name_or_folder")
@click.option("--json", "as_json", is_flag=True, help="Print the defects as a JSON list.")
def validate(name_or_folder: str, as_json: bool) -> None:
    """List every defect of a benchmark; exit status 2 if there is any."""
    import orjson

    from comic_eval.benchmark.load import locate
    from comic_eval.benchmark.validation import validate as find_defects

    folder = locate(name_or_folder)
    defects = find_defects(folder)
    if as_json:
        click.echo(orjson.dumps([d.model_dump() for d in defects], option=orjson.OPT_INDENT_2))
    else:
        for defect in defects:
            click.echo(str(defect))
        plural = "" if len(defects) == 1 else "s"
        click.echo(f"{folder}: {len(defects)} defect{plural}" if defects else f"{folder}: no defects")
    if defects:
        raise click.exceptions.Exit(DEFECTS_FOUND)


@data.command()
@click.argument("name_or_folder")
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as JSON.")
@click.option("--figure", type=OUTPUT, default=None, help="Also draw them to this new .png, .pdf or .svg file.")
def stats(name_or_folder: str, as_json: bool, figure: Path | None) -> None:
    """Print tasks, types, choices and counts of a benchmark (the paper's Table 2)."""
    from comic_eval.benchmark.load import load_benchmark
    from comic_eval.benchmark.stats import statistics

    numbers = statistics(load_benchmark(name_or_folder))
    if figure is not None:
        from comic_eval.benchmark.figure import draw_stats

        draw_stats(numbers, figure)
    if as_json:
        click.echo(numbers.model_dump_json(indent=2))
        return
    from comic_eval.benchmark.stats_table import print_stats

    print_stats(numbers)
    if figure is not None:
        click.echo(f"Drawn to {figure}")


@data.command(name="import")
@click.argument("source")
@click.argument("out_folder", type=OUTPUT)
@click.option("--mapping", type=INPUT, required=True, help="YAML file that says which column means what.")
@click.option("--skip-bad", is_flag=True, help="Leave bad rows out and list them, instead of refusing.")
def import_(source: str, out_folder: Path, mapping: Path, skip_bad: bool) -> None:
    """Turn a data set with questions about pictures into a benchmark.

    SOURCE is a .parquet, .csv, .json or .jsonl file, a folder that `datasets` loads, or a data set of the Hugging Face
    Hub. An example of a mapping:

    \b
      name: my-comics
      version: "1.0"
      license: CC-BY-4.0
      description: Questions about my comics.
      columns: {image: picture, question: question, answer: gold, choices: [a, b, c, d], task: type}
      constants: {split: test, language: en}
      values: {task: {action: action_recognition, depth: depth_comparison}}
      answers: text        # or letter, index (from 0), index1 (from 1)
      boxes: {order: xywh, scale: pixels}        # or xyxy; unit (0-1), thousand (0-1000)
      regions: [{column: panel_box, role: panel, target: true}]
      marks: [{column: character_boxes}]
    """
    from comic_eval.benchmark.importer import import_dataset

    benchmark, skipped = import_dataset(source, out_folder, mapping, skip_bad=skip_bad)
    for defect in skipped:
        click.echo(f"left out: {defect}", err=True)
    rows = len({defect.line for defect in skipped})
    left_out = f", {rows} rows left out" if rows else ""
    click.echo(f"{benchmark.folder}: {benchmark.name} {benchmark.revision}, {len(benchmark.samples)} samples{left_out}")
    click.echo(f"Check it with: comic-eval data validate {benchmark.folder}")


data.add_command(questions)
