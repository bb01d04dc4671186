"""The page that is shown while the products are being built."""

from __future__ import annotations

from html import escape

import panel as pn
import panel_material_ui as pmui
import param
from panel.custom import JSComponent
from panel.io.callbacks import PeriodicCallback
from panel.viewable import Viewable, Viewer

from explorer.model.building import BuildProgress, BuildRunner, BuildStatus
from explorer.rooms.base import html

_POLL_MS = 500


class ReloadOnce(JSComponent):
    """Reloads the page when it is notified.

    A component of its own, as the page's Content-Security-Policy lets no callback be made of text. It waits a moment,
    so that nothing is still on its way to the page that goes.
    """

    done = param.Boolean(default=False, doc="Set once.")

    _esm = "export function render({model}) { model.on('done', () => setTimeout(() => window.location.reload(), 400)) }"


class ProgressView(Viewer):
    """Stage, progress bar, remaining time and errors of a build; reloads the page at the end.

    Parameters
    ----------
    runner : BuildRunner
        The build, shared by all visitors.
    """

    def __init__(self, runner: BuildRunner) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.runner = runner
        self._poll: PeriodicCallback | None = None
        self.pane = html(sizing_mode="stretch_width")
        self.leave = ReloadOnce(width=0, height=0)  # type: ignore[no-untyped-call]
        self.retry = pmui.Button(label="Try again", visible=False, align="center")
        self.retry.on_click(lambda _: self._start())
        self._start()

    def _start(self) -> None:
        self.runner.start()
        self.refresh()

    def refresh(self) -> None:
        """Update the progress."""
        progress = self.runner.progress()
        if progress.status is BuildStatus.DONE:  # nothing may be sent after this: the browser leaves the page
            if self._poll is not None:
                self._poll.stop()
            self.leave.done = True
            return
        self.pane.object = progress_html(progress)
        self.retry.visible = progress.status is BuildStatus.FAILED

    def __panel__(self) -> Viewable:
        self._poll = pn.state.add_periodic_callback(self.refresh, period=_POLL_MS)
        return pn.Column(self.pane, self.retry, self.leave, sizing_mode="stretch_both")


def progress_html(progress: BuildProgress) -> str:
    """The progress as text and bar."""
    if progress.status is BuildStatus.FAILED:
        return (
            '<div class="progress" role="alert"><h1>The build failed</h1>'
            f'<p class="error">{escape(progress.message)}</p></div>'
        )
    if progress.status is BuildStatus.DONE:
        return '<div class="progress"><h1>Opening the explorer</h1></div>'
    percent = 100.0 * progress.fraction
    stage = f"Stage {progress.index + 1} of {progress.count}: {progress.stage}" if progress.count else "Starting"
    left = f"about {time_words(progress.seconds_left)} left" if progress.seconds_left is not None else ""
    return (
        '<div class="progress" role="status"><h1>Building the simulated survey</h1>'
        "<p>This happens once. The explorer opens automatically afterwards.</p>"
        f'<div class="track" role="progressbar" aria-valuenow="{percent:.0f}" aria-valuemin="0" aria-valuemax="100">'
        f'<i style="width:{percent:.1f}%"></i></div>'
        f"<p><b>{escape(stage)}</b> ({percent:.0f} %) {left}</p><p>{escape(progress.message)}</p></div>"
    )


def time_words(seconds: float) -> str:
    """Format a duration."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    return f"{round(seconds / 60)} min"
