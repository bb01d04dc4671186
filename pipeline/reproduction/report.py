"""Measuring, drawing and writing of the report."""

from __future__ import annotations

import glob
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from pipeline.domain.reproduction import DATA_WORDS, ReproducedFigure, Reproduction
from pipeline.failures import failure_sentence
from pipeline.figures.style import STYLE, WIDTH_INCHES
from pipeline.products.disk import exchange, remove, sync_folder
from pipeline.products.manifest import ProductError, software_versions
from pipeline.products.product import Products
from pipeline.products.reproduction import REPORT_JSON, REPORT_PDF, publish_reproduction, report_text
from pipeline.products.versions import refuse_inside_product
from pipeline.reproduction import figures_labels, figures_space
from pipeline.reproduction.declared import STATEMENTS
from pipeline.reproduction.drawing import PaperFigure
from pipeline.reproduction.labels import PAPER_LABELS
from pipeline.reproduction.pages import pdf_of
from pipeline.reproduction.statement import CONFIDENCE_SIGMA, MIN_STARS, PaperStatement, judged
from pipeline.reproduction.survey import Survey
from pipeline.stages.table_comparison import match_table, recognised_columns

PAPER = "Qiu et al. (2023)"
FIGURES = (*figures_labels.FIGURES, *figures_space.FIGURES)
"""Figures 1 to 11."""

_DPI = 140
_FORMATS = ("png", "svg")
_Draw = Callable[[PaperFigure], tuple[str, dict[str, bytes]]]


def opened_survey(directory: Path, catalogue: Path | None = None, columns: Mapping[str, str] | None = None) -> Survey:
    """A product to measure, with another catalogue's values of its stars if one is given.

    Parameters
    ----------
    directory : Path
        Product directory.
    catalogue : Path, optional
        Another catalogue, in any supported format.
    columns : mapping of str to str, optional
        Its column for each of ours; by default the labels that are recognised.

    Raises
    ------
    ProductError
        If the product cannot be opened.
    ValueError
        If the other catalogue has no label, or no star in common.
    """
    if directory.is_file():
        raise ProductError(
            f"{directory} is a file, not a product directory. Build a product of it first: python -m pipeline build "
            "CONFIG.toml, with the file as [[input.source]] table."
        )
    products = Products.open(directory)
    if catalogue is None:
        return Survey.of(products)
    labels = tuple(label.name for label in PAPER_LABELS)
    named = dict(columns or recognised_columns(catalogue, [name for name in labels if name in products.catalog.table]))
    if not named:
        raise ValueError(
            f"{catalogue.name} has no column that is known to be one of {', '.join(labels)} of {directory}: name them, "
            "for example --column teff=T_eff."
        )
    return Survey.of(products, match_table(products.catalog, str(directory), catalogue, named))


def measured_report(
    survey: Survey,
    directory: Path,
    statements: Sequence[PaperStatement] = STATEMENTS,
    progress: Callable[[float], None] = lambda _: None,
) -> tuple[Reproduction, dict[str, bytes]]:
    """Measure the statements and draw the figures.

    Parameters
    ----------
    survey : Survey
        The product.
    directory : Path
        Its path, for the commands that repeat each measurement.
    statements : sequence of PaperStatement
        What to measure; figures are drawn of all of them only.
    progress : callable
        Called with the fraction done.

    Returns
    -------
    report : Reproduction
        Rows and captions.
    files : dict of str to bytes
        Figures by file name.
    """
    rows = tuple(judged(statement, survey, directory) for statement in statements)
    progress(0.3)
    entries: list[ReproducedFigure] = []
    files: dict[str, bytes] = {}
    for number, declared in enumerate(FIGURES if len(statements) == len(STATEMENTS) else ()):
        entry, drawn = _drawn(declared, survey)
        entries.append(entry)
        files |= drawn
        progress(0.3 + 0.4 * (number + 1) / len(FIGURES))
    manifest = survey.products.manifest
    notes = [manifest.simulated_note]
    if survey.other is not None and survey.other.simulated:
        notes.append(f"{survey.other.name} says that it is simulated.")
    report = Reproduction(
        paper=PAPER,
        name=manifest.name,
        simulated=survey.simulated,
        simulated_note=" ".join(note for note in notes if note),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        build=manifest.build,
        product_created=manifest.created,
        configuration=dict(manifest.configuration),
        versions=software_versions(),
        confidence_sigma=CONFIDENCE_SIGMA,
        min_stars=MIN_STARS,
        rows=rows,
        figures=tuple(entries),
    )
    return report, files


def _drawn(declared: PaperFigure, survey: Survey) -> tuple[ReproducedFigure, dict[str, bytes]]:
    """A figure's entry and its files."""
    number, title, simulated = declared.number, declared.title, survey.simulated
    reason = declared.missing(survey)
    if reason:
        return ReproducedFigure(number, title, declared.paper, "", reason, (), simulated), {}
    files = {}
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_INCHES, declared.height_inches + 0.25), layout="constrained")
        ours = declared.draw(figure, survey)
        label = f"{DATA_WORDS[True]}: " if simulated else ""
        figure.suptitle(f"{label}Figure {number}: {title}", fontsize=8)
        for form in _FORMATS:
            target = io.BytesIO()
            figure.savefig(target, format=form, dpi=_DPI, metadata={"Date": None} if form == "svg" else {})
            files[f"figure_{number}.{form}"] = target.getvalue()
    return ReproducedFigure(number, title, declared.paper, ours, "", tuple(files), simulated), files


def reproduce(
    directory: Path,
    output: Path,
    *,
    catalogue: Path | None = None,
    columns: Mapping[str, str] | None = None,
    publish: bool = True,
    progress: Callable[[float], None] = lambda _: None,
) -> Reproduction:
    """Measure every number and draw every figure of the paper, and write the report.

    Parameters
    ----------
    directory : Path
        Product directory.
    output : Path
        Folder of the report, which is replaced as a whole.
    catalogue, columns
        Another catalogue, see :func:`opened_survey`.
    publish : bool
        Whether the report is published inside the product too, where the explorer shows it.
    progress : callable
        Called with the fraction done.

    Returns
    -------
    Reproduction
        The report.

    Raises
    ------
    ProductError
        If the product cannot be opened, or was built again meanwhile, or the output is not a report's folder.
    """
    refuse_inside_product(output / REPORT_JSON)
    _refuse_foreign(output)
    survey = opened_survey(directory, catalogue, columns)
    report, files = measured_report(survey, directory, progress=progress)
    files[REPORT_PDF] = pdf_of(report, FIGURES, survey)
    files[REPORT_JSON] = report_text(report).encode()
    progress(0.95)
    with _replaced(output) as draft:
        for name, data in files.items():
            (draft / name).write_bytes(data)
    if publish:
        try:
            publish_reproduction(directory, survey.products.directory, files)
        except OSError as error:
            raise ProductError(
                f"The report is complete in {output}, but is not published in {directory}, which the explorer shows: "
                f"{failure_sentence(error, directory)} With --no-publish the product is left as it is."
            ) from error
    progress(1.0)
    return report


def _refuse_foreign(output: Path) -> None:
    """Refuse to replace a folder that holds anything but a report."""
    if output.is_symlink() or (output.exists() and not output.is_dir()):
        raise ProductError(f"{output} is no folder. Name another one with --output.")
    if output.is_dir() and any(output.iterdir()) and not _is_report(output / REPORT_JSON):
        raise ProductError(f"{output} holds other files than a reproduction. Name another folder with --output.")


def _is_report(path: Path) -> bool:
    try:
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(document, dict) and {"paper", "rows", "figures"} <= set(document)


@contextmanager
def _replaced(output: Path) -> Iterator[Path]:
    """An empty folder that takes the place of another one at the end of the block, whole or not at all."""
    output = output.absolute()
    draft = output.with_name(f".part-{os.getpid()}.{output.name}")
    output.parent.mkdir(parents=True, exist_ok=True)
    for left in output.parent.glob(f".part-*.{glob.escape(output.name)}"):
        if not _is_of_running_process(left):
            remove(left)
    remove(draft)
    draft.mkdir()
    try:
        yield draft
        if output.exists() and exchange(draft, output):
            sync_folder(output.parent)
            return
        remove(output)
        draft.rename(output)
        sync_folder(output.parent)
    finally:
        remove(draft)


def _is_of_running_process(draft: Path) -> bool:
    """Whether the process that writes a draft runs; one that was killed leaves it."""
    number = draft.name.split(".")[1].removeprefix("part-")
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except (OSError, ValueError):  # another user's, or a name that is none of ours
        return True
    return True
