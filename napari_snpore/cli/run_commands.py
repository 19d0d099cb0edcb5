"""Commands on whole runs: ``snpore demo``, ``snpore run`` and ``snpore view``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from napari_snpore.cli.compare_command import end_study
from napari_snpore.cli.options import ByBlocks, Image, MemoryLimit, memory_bytes
from napari_snpore.cli.progress import watched
from napari_snpore.cli.stop_signals import answer_stop_signals
from napari_snpore.engines import Engine
from napari_snpore.errors import InputError, MissingExtraError, MissingFileError
from napari_snpore.outputs.places import check_apart
from napari_snpore.study.cluster import existing_cluster, local_cluster
from napari_snpore.study.demo import run_demo
from napari_snpore.study.errors_of_run import twin_cost
from napari_snpore.study.pipeline import run_study
from napari_snpore.study.recipe import MOST_TWINS, InputSection, Recipe, read_recipe
from napari_snpore.study.states.study_demo import run_demo_study


def demo(
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Folder; default: demo_output, with --study demo_study."
        ),
    ] = None,
    study: Annotated[
        bool,
        typer.Option(
            "--study",
            help="Three states instead: phantoms from tilts to their comparison, each number and each difference "
            "beside its planted truth.",
        ),
    ] = False,
) -> None:
    """Run the shipped needle series and two phantoms, realistic and easy, from tilts to tables and
    figures; print each number of the phantoms beside its truth.
    """
    if study:
        demo_of_states(output or Path("demo_study"))
        return
    output = output or Path("demo_output")
    with watched() as monitor:
        text = run_demo(output, monitor=monitor, say=lambda words: typer.echo(words, err=True))
    typer.echo(text)
    typer.echo(f"Results: {output}")


def demo_of_states(output: Path) -> None:
    """Run the study of three phantoms, and print their truth table."""
    with answer_stop_signals(before_end=end_study), watched() as monitor:
        found = run_demo_study(
            output, monitor=monitor, say=lambda words: typer.echo(words, err=True)
        )
    typer.echo(found.outcome.summary)
    typer.echo(found.text)
    typer.echo(f"Results: {output}")


def run(
    recipe: Annotated[
        Path,
        typer.Argument(help="A recipe (.toml), or a tilt series, which is run with all defaults."),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder of the results; default: RECIPE_results beside the recipe.",
        ),
    ] = None,
    image: Image = None,
    memory_limit_mb: MemoryLimit = None,
    twins: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=MOST_TWINS,
            help="Digital twins for the errors of the numbers; each repeats reconstruction and polishing; "
            "default: as in the recipe, else 1.",
        ),
    ] = None,
    no_twin: Annotated[
        bool, typer.Option("--no-twin", help="No digital twin: the numbers are not corrected.")
    ] = False,
    blocks: ByBlocks = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Work by blocks in so many processes on this machine (the extra cluster); default: threads of one.",
        ),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            help="Work by blocks on the workers of a scheduler of dask.distributed, such as tcp://node7:8786 (the extra "
            "cluster); default: on this machine."
        ),
    ] = None,
) -> None:
    """Run all steps of a recipe into one folder: align, reconstruct, segment, measure, draw."""
    steps = (
        read_recipe(recipe)
        if recipe.suffix.lower() == ".toml"
        else Recipe(name=recipe.stem, input=InputSection(tilt_series=str(recipe)))
    )
    if image is not None:
        steps = steps.model_copy(update={"input": steps.input.model_copy(update={"image": image})})
    if no_twin and twins:
        raise InputError(f"--no-twin and --twins {twins} contradict each other.")
    if no_twin or twins is not None:
        section = steps.uncertainty.model_copy(update={"twins": twins or 0})
        steps = steps.model_copy(update={"uncertainty": section})
    if blocks is not None:
        chosen = steps.blocks.model_copy(update={"enabled": blocks})
        steps = steps.model_copy(update={"blocks": chosen})
    if workers is not None and cluster is not None:
        raise InputError(
            "--workers starts processes here, --cluster uses others; give one of them."
        )
    out = output or recipe.with_name(f"{recipe.stem}_results")
    check_apart(out, [recipe])
    count = steps.uncertainty.twins
    if count and steps.input.tilt_series is not None:
        typer.echo(f"{twin_cost(count, {})} --no-twin leaves it out.", err=True)
    with _engine(workers, cluster) as engine, watched() as monitor:
        result = run_study(
            steps,
            out,
            monitor=monitor,
            memory_limit=memory_bytes(memory_limit_mb),
            say=lambda sentence: typer.echo(sentence, err=True),
            engine=engine,
        )
    typer.echo(result.summary)
    typer.echo(f"Results: {out}")


@contextmanager
def _engine(workers: int | None, cluster: str | None) -> Iterator[Engine | None]:
    """Yield the processes that work on blocks; None where none are asked for."""
    if workers is None and cluster is None:
        yield None
        return
    started = local_cluster(workers) if workers is not None else existing_cluster(cluster or "")
    with started as engine:
        typer.echo(engine.words, err=True)
        yield engine


def view(
    path: Annotated[
        list[Path],
        typer.Argument(help="The folder of a finished run, or files that napari can open."),
    ],
) -> None:
    """Open a finished run, or files, in napari."""
    for one in path:
        if not one.exists():
            raise MissingFileError(f"There is no {one}.")
    try:
        from napari_snpore.viewer.open.open_run import launch
    except MissingExtraError:
        raise
    except ImportError as error:
        raise MissingExtraError(
            "The window needs a Qt binding: pip install 'napari-snpore[gui]', or [pyside]."
        ) from error
    launch(path)
