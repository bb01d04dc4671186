"""Numbers and figures of the paper beside those of the catalogue, as a part of the Validate room."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Iterable
from html import escape

import panel as pn
import panel_material_ui as pmui
import param
from panel.viewable import Viewable

from explorer.model.library import Library, kept_by_library
from explorer.model.reproduced import EVERY, figure_choices, report_file, report_of, rows_of, verdict_choices
from explorer.rooms.base import View, html, in_turn, sentence
from explorer.rooms.page import Rooms
from explorer.rooms.validate import ValidateView
from explorer.state.workspace import Workspace
from pipeline.domain.reproduction import Agreement, ReproducedFigure, ReproducedRow, Reproduction
from pipeline.products.manifest import ProductError
from pipeline.products.reproduction import REPORT_JSON, REPORT_PDF

COMPARISONS, PAPER = "Comparisons", "The paper's numbers"
_MISSING = "Missing: python -m pipeline reproduce DIR measures every number of the paper and draws its figures."
_HEAD = ("data", "in the paper", "quantity", "paper", "ours", "difference", "verdict", "notes")
_CLASSES = {Agreement.AGREES: "agrees", Agreement.DIFFERS: "differs", Agreement.NOT_COMPARED: "not-compared"}


class ReproductionView(View):
    """Report of the reproduction: rows by verdict and figure, figures, files.

    Parameters
    ----------
    workspace : Workspace
        State of the visit.
    library : Library
        Shared products.
    """

    verdict: param.Selector[str] = param.Selector(default=EVERY, objects=[EVERY], doc="Verdict of the shown rows.")
    figure: param.Selector[str] = param.Selector(
        default=EVERY, objects=[EVERY], doc="Figure that is shown with its rows."
    )

    def __init__(self, workspace: Workspace, library: Library) -> None:
        super().__init__(workspace=workspace)  # type: ignore[no-untyped-call]
        self.library = library
        self.report: Reproduction | None = None
        self.trouble = _MISSING
        try:
            self.report = report_of(library)
        except ProductError as error:
            self.trouble = str(error)
        self.rows = html(sizing_mode="stretch_width")
        self.picture = html(sizing_mode="stretch_width")
        if self.report is not None:
            self.param.verdict.objects = verdict_choices(self.report)
            self.param.figure.objects = figure_choices(self.report)
            self.refresh()
        self.param.watch(lambda _: self.refresh(), ["verdict", "figure"])

    def refresh(self) -> None:
        """Show the rows of the choice, and its figure.

        One figure at a time is on the page: eleven are 2 MB in each session.
        """
        report = self.report
        if report is None:
            return
        shown = rows_of(report, self.verdict, self.figure)
        self.rows.object = rows_html(shown)
        chosen = next((figure for figure in report.figures if figure.number == self.figure), None)
        self.picture.object = "" if chosen is None else figure_html(self.library, chosen)

    def file(self, name: str) -> io.BytesIO:
        """A file of the report for a download."""
        return io.BytesIO(report_file(self.library, name))

    def body(self) -> Viewable:
        """Choices, rows, figures; or the command that makes them."""
        report = self.report
        if report is None:
            return sentence(self.trouble)
        small = {"size": "small", "margin": (6, 6)}
        choices = pn.Row(
            pmui.Select.from_param(self.param.verdict, label="Verdict", width=230, **small),
            pmui.RadioButtonGroup.from_param(
                self.param.figure,
                label="",
                description=None,
                size="small",
                align="center",
                margin=(6, 6),
                sx={"& .MuiToggleButton-root": {"textTransform": "none", "whiteSpace": "nowrap", "padding": "4px 7px"}},
            ),
            self._download(REPORT_PDF, "Report as PDF"),
            self._download(REPORT_JSON, "Numbers as JSON"),
            margin=(4, 8, 0, 8),
            styles={"flex-wrap": "wrap"},
            sizing_mode="stretch_width",
        )
        summary = html(f'<p class="note">{escape(_summary(report))}</p>', sizing_mode="stretch_width")
        return pn.Column(
            *(choices, summary, self.picture, self.rows), sizing_mode="stretch_both", scroll="y-auto", margin=0
        )

    def _download(self, name: str, label: str) -> pmui.FileDownload:
        return pmui.FileDownload(
            callback=lambda: self.file(name), filename=name, label=label, size="small", align="center", embed=False
        )


def validate_room(workspace: Workspace, library: Library) -> Viewable:
    """The Validate room: comparisons of the catalogue, and the paper's numbers beside its own.

    A part is built when it is first shown, and hidden afterwards: figures would not survive being taken off the page.
    """
    builders: Rooms = {
        COMPARISONS: lambda: ValidateView(workspace, library),
        PAPER: lambda: ReproductionView(workspace, library),
    }
    frames = [pn.Column(sizing_mode="stretch_both", margin=0, visible=number == 0) for number in range(len(builders))]
    frames[0].append(builders[COMPARISONS]())
    tabs = pmui.Tabs(
        *((name, pn.Spacer(height=0)) for name in builders),
        height=34,
        margin=0,
        sizing_mode="stretch_width",
        sx={
            "& .MuiTabs-root": {"minHeight": "34px", "height": "34px"},
            "& .MuiTabScrollButton-root": {"display": "none"},  # two tabs fit
            "& .MuiTab-root": {"textTransform": "none", "minHeight": "34px", "padding": "4px 14px"},
        },
    )

    def turn() -> None:
        if not len(frames[tabs.active]):
            frames[tabs.active].append(list(builders.values())[tabs.active]())
        for number, frame in enumerate(frames):
            frame.visible = number == tabs.active

    tabs.param.watch(lambda _: in_turn(turn), "active")
    return pn.Column(tabs, *frames, sizing_mode="stretch_both", margin=0)


def rows_html(rows: Iterable[ReproducedRow]) -> str:
    """Rows of the report as a table."""
    body = "".join(_row(row) for row in rows)
    head = "".join(f"<th>{title}</th>" for title in _HEAD)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if body else "<p>No statement.</p>"
    return f'<article class="reproduction">{table}</article>'


def _row(row: ReproducedRow) -> str:
    data = f'<span class="{"simulated" if row.simulated else "real"}">{escape(row.data)}</span>'
    verdict = f'<span class="verdict {_CLASSES[Agreement(row.verdict)]}">{escape(str(row.verdict))}</span>'
    numbers = "".join(f'<td class="number">{escape(text)}</td>' for text in (row.ours_text, row.difference_text))
    return (
        f"<tr><td>{data}</td><td>{escape(row.place)}</td><td>{escape(row.quantity)}</td>"
        f"<td>{escape(row.paper)}</td>{numbers}<td>{verdict}</td><td>{_notes(row)}</td></tr>"
    )


def _notes(row: ReproducedRow) -> str:
    reason = f"<b>{escape(_capital(row.reason))}.</b> " if row.reason else ""
    stars = f"{row.stars:,} stars. " if row.stars else ""
    allowed = f" Allowed: ± {row.allowed:.3g}{f' {row.unit}' if row.unit else ''}." if row.allowed else ""
    return f"{reason}{stars}{escape(_capital(row.how))}.{allowed}<code>{escape(row.command)}</code>"


@kept_by_library(16)
def figure_html(library: Library, figure: ReproducedFigure) -> str:
    """A figure with both captions; the same text for all visitors."""
    picture = f"<p>Not drawn: {escape(figure.reason)}.</p>"
    name = figure.file(".png")
    if name:
        try:
            encoded = b64encode(report_file(library, name)).decode("ascii")
            picture = f'<img alt="{escape(figure.heading)}" src="data:image/png;base64,{encoded}">'
        except ProductError as error:
            picture = f"<p>{escape(str(error))}</p>"
    ours = f"<p><b>Ours:</b> {escape(figure.ours)}</p>" if figure.ours else ""
    return (
        f'<article class="reproduction"><figure><h2>{escape(figure.heading)}</h2>{picture}'
        f"<figcaption><p><b>The paper:</b> {escape(figure.paper)}</p>{ours}</figcaption></figure></article>"
    )


def _summary(report: Reproduction) -> str:
    return (
        f"{report.paper}: {report.summary} A number agrees inside the interval of values that are printed like the "
        f"paper's, or outside by at most {report.confidence_sigma:g} standard errors. Made {report.created_text}."
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
