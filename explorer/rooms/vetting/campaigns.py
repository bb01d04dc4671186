"""The Campaigns room: summary of a campaign, import and export of the record, and releases."""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from pathlib import Path

from msgspec.structs import asdict, replace

from explorer import protocol
from explorer.audit import audit
from explorer.model.selection import SelectionError
from explorer.model.subsets import describe
from explorer.model.work import EXPORTS, UPLOADS, VERDICTS
from explorer.rooms.uploads import Uploads
from explorer.rooms.vetting.room import VettingRoom
from explorer.rooms.vetting.visit import Visit
from explorer.vetting.commands import VettingCommands
from explorer.vetting.drafts import RefusedError
from explorer.vetting.exchange import (
    MAX_BYTES,
    ExchangeError,
    Source,
    export_record,
    import_record,
    latest_verdicts,
)
from explorer.vetting.overview import Inspector, Overview, overview
from explorer.vetting.people import Role, SingleUser
from explorer.vetting.rules import VettingRules
from pipeline.domain.names import file_name
from pipeline.products.manifest import ProductError
from pipeline.products.release import NAME_PATTERN, failed_physics, freeze
from pipeline.products.vetting import write_verdicts

MAX_STARS = 20_000
"""Maximum number of stars of a campaign, years of work."""


class CampaignsRoom(VettingRoom):
    """The summary of a campaign, and the actions of adjudicators on campaigns.

    Parameters
    ----------
    visit : Visit
        State shared by the vetting rooms.
    releases : Path
        Folder of frozen releases.
    """

    def __init__(self, visit: Visit, releases: Path) -> None:
        super().__init__(visit, "campaigns", Role.VIEWER)
        self.releases = releases
        self.uploads = Uploads(MAX_BYTES)
        self.channel.on(protocol.Start, self._start)
        self.channel.on(protocol.ExportRecord, self._record)
        self.channel.on(protocol.ExportVerdicts, self._verdicts)
        self.channel.on(protocol.RecordPart, self._take_part)
        self.channel.on(protocol.Merge, self._merge)
        self.channel.on(protocol.Freeze, self._freeze)

    def show(self) -> None:
        """Send the whole state of the room."""
        visit, campaign = self.visit, self.campaign()
        state = protocol.CampaignsState(
            **asdict(self.campaign_state()),
            adjudicator=visit.may(Role.ADJUDICATOR),
            role=visit.commands.people.role_of(visit.known.name).name.lower(),
            selected=visit.workspace.n_selected,
            selection=describe(visit.workspace.selection, visit.workspace.table.known),
            chosen=self._chosen(),
            max_stars=MAX_STARS,
            failed=tuple(failed_physics(visit.commands.library.products.directory)),
        )
        if campaign is not None:
            everything = visit.may(Role.ADJUDICATOR) or visit.commands.closed(campaign)
            state = replace(
                state,
                about=(
                    f"Started by {campaign.created_by} on {campaign.created[:10]} for {campaign.catalogue}: "
                    f"{campaign.rules.reviews} blind review{'s' * (campaign.rules.reviews != 1)} per star."
                ),
                imports=tuple(imports_of(visit.commands)),
                overview=overview_numbers(overview(visit.commands, campaign), everything=everything),
            )
        self.channel.send(campaigns=state)

    def _chosen(self) -> str:
        """Which stars of the selection a new campaign takes."""
        table = self.visit.commands.library.table
        return "the oddest" if table.usable("oddness") else "the first of the catalogue, as it has no oddness"

    async def _start(self, request: protocol.Start) -> None:
        """Start a campaign on the stars with the largest oddness of the selection in Explore, or on its first ones."""
        table, workspace = self.visit.commands.library.table, self.visit.workspace
        rows = workspace.rows.nonzero()[0]
        count = request.stars
        if not 1 <= count <= MAX_STARS:
            raise RefusedError(f"A campaign has 1 to {MAX_STARS:,} stars, not {count:,}.")
        if table.usable("oddness"):
            rows = rows[(-table["oddness"][rows]).argsort(kind="stable")]
        stars = [int(star) for star in table["obsid"][rows[:count]]]
        try:
            rules = VettingRules.from_toml(request.rules)
        except ValueError as error:
            raise RefusedError(str(error)) from error
        commands, person, name = self.visit.commands, self.visit.known, request.name
        made = await self.channel.in_background(lambda: commands.create_campaign(person, name, stars, rules), VERDICTS)
        with self.channel.batch():
            self.visit.workspace.campaign = made.id
            self.channel.send(message=f"Campaign {made.name} has started.")

    async def _record(self, _: protocol.ExportRecord) -> None:
        """Send the whole record, to be merged elsewhere."""
        commands = self.visit.commands
        data = await self.channel.in_background(
            lambda: "".join(export_record(commands.store, commands.log)).encode(), EXPORTS
        )
        self.channel.send(download=protocol.Download("vetting_record.jsonl", "application/jsonl", data))

    async def _verdicts(self, _: protocol.ExportVerdicts) -> None:
        """Send the combined verdicts of all campaigns."""
        commands = self.visit.commands
        data = await self.channel.in_background(lambda: verdicts_file(commands), EXPORTS)
        self.channel.send(download=protocol.Download("verdicts.csv", "text/csv", data))

    def _take_part(self, request: protocol.RecordPart) -> None:
        """Store one part of a record that is too large for one message."""
        try:
            self.uploads.part(request)
        except SelectionError as error:
            raise RefusedError(str(error)) from error

    async def _merge(self, request: protocol.Merge) -> None:
        """Merge an uploaded record."""
        try:
            data = self.uploads.given(request)
        except SelectionError as error:
            raise RefusedError(str(error)) from error
        if len(data) > MAX_BYTES:
            raise RefusedError(
                f"This file has {len(data) / 1e6:,.1f} MB; a record of at most {MAX_BYTES // 1_000_000} MB is merged "
                "here. Merge it by command: python -m explorer import-record FILE."
            )
        visit, text = self.visit, data.decode("utf-8", "replace")
        try:
            report = await self.channel.in_background(
                lambda: import_record(visit.commands.store, text, source_of(visit.commands, visit.known.name)), UPLOADS
            )
        except ExchangeError as error:
            raise RefusedError(str(error)) from error
        await self.channel.in_background(visit.commands.prepare, UPLOADS)
        self.show()
        self.channel.send(merged=protocol.Merged(report.summary(), tuple(report.refused[:50])))

    async def _freeze(self, request: protocol.Freeze) -> None:
        """Write a release."""
        name = request.name.strip()
        if not NAME_PATTERN.fullmatch(name):
            self.visit.commands.refuse(
                self.visit.known, "freeze a release", "A release has a name of letters, digits and . _ - only."
            )
        commands = self.visit.commands
        directory = commands.library.products.directory
        reason = request.reason
        output = self.releases / f"{file_name(commands.library.products.manifest.name)}.{name}"
        try:
            commands.library.demand_unchanged()
            written = await self.channel.in_background(
                lambda: freeze(directory, latest_verdicts(commands), name, output, despite=reason), EXPORTS
            )
        except ProductError as error:
            raise RefusedError(str(error)) from error
        counts = {status or "not reviewed": count for status, count in sorted(written.counts.items())}
        audit("freeze", release=output.name, stars=written.stars)
        self.channel.send(frozen=protocol.Frozen(str(written.directory), written.stars, counts))


def verdicts_file(commands: VettingCommands) -> bytes:
    """Combined verdicts of all campaigns as a CSV file for the release stage."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "verdicts.csv"
        write_verdicts(latest_verdicts(commands), path, simulated=commands.library.products.manifest.simulated)
        return path.read_bytes()


def source_of(commands: VettingCommands, user: str) -> Source:
    """Checks of a file that a user of this server merges; a single-user server has no roles to check."""
    people = None if isinstance(commands.people, SingleUser) else commands.people
    return Source(user, people, commands.published, commands.clock())


def imports_of(commands: VettingCommands) -> list[str]:
    """Sentences about imports: number of events, user and day."""
    counts = Counter((event.by, event.utc[:10]) for event in tuple(commands.log.imported.values()))
    return [
        f"{count:,} events were imported by {user} on {day}." if day else f"{count:,} events were imported by {user}."
        for (user, day), count in sorted(counts.items(), key=lambda item: item[0][::-1])
    ]


def overview_numbers(overview: Overview, *, everything: bool) -> protocol.OverviewNumbers:
    """Format an overview as text.

    The agreement of reviews and the consistency of inspectors are left out unless ``everything`` may be seen: an
    inspector who can still change a verdict could infer that of another one.
    """
    numbers = protocol.OverviewNumbers(
        stars=overview.stars,
        controls=overview.controls,
        reviews=protocol.ReviewCount(overview.reviews_done, overview.reviews_needed),
        left=duration(overview.seconds_left),
        inspectors=tuple(
            (inspector.name, str(inspector.reviews), _pace(inspector)) for inspector in overview.inspectors
        ),
    )
    if not everything:
        return numbers
    return replace(
        numbers,
        done=tuple(protocol.StatusCount(status.value, count) for status, count in overview.done.items()),
        fleiss=protocol.FleissKappa(number(overview.fleiss), overview.fleiss_stars),
        inspectors=tuple(
            (
                inspector.name,
                str(inspector.reviews),
                _pace(inspector),
                str(inspector.adjudications),
                str(inspector.repeats),
                f"{100 * inspector.same:.0f} %" if math.isfinite(inspector.same) else "–",
                number(inspector.gap),
            )
            for inspector in overview.inspectors
        ),
        pairs=tuple(
            protocol.PairAgreement(" and ".join(pair.names), str(pair.stars), number(pair.kappa), number(pair.weighted))
            for pair in overview.pairs
        ),
    )


def _pace(inspector: Inspector) -> str:
    return (
        f"{number(inspector.seconds, 0 if inspector.seconds >= 10 else 1)} s"
        if math.isfinite(inspector.seconds)
        else "–"
    )


def number(value: float, digits: int = 2) -> str:
    """Format a number, or a dash for NaN."""
    return f"{value:.{digits}f}" if math.isfinite(value) else "–"


def duration(seconds: float) -> str:
    """Format a working time."""
    if not math.isfinite(seconds):
        return "–"
    minutes = seconds / 60.0
    if 0 < minutes < 1:
        return "under 1 min"
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
