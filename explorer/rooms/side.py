"""The side panel: filter expressions, named subsets, member lists, saved views."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cached_property, partial
from typing import Literal

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from explorer import protocol
from explorer.charts.palettes import fresh_colour
from explorer.model.completion import completions
from explorer.model.damaged import brief
from explorer.model.definitions import check_size
from explorer.model.expression import Reading, read
from explorer.model.library import Library
from explorer.model.links import LinkStore
from explorer.model.members import MAX_BYTES, read_members
from explorer.model.selection import InCategory, InIds, Named, Selection, SelectionError, SelectionMode
from explorer.model.subsets import Subset, category_names, describe, parts
from explorer.model.table import MAX_CATEGORIES
from explorer.model.tokens import ExpressionError
from explorer.model.vocabulary import Names, Vocabulary, names_of
from explorer.model.work import LINKS, UPLOADS
from explorer.rooms.channel import Channel
from explorer.rooms.columns_menu import column_choices
from explorer.rooms.computed import ComputedColumns
from explorer.rooms.overlay_tables import OverlayTables
from explorer.rooms.owner import Owner
from explorer.rooms.uploads import Uploads
from explorer.state.workspace import Workspace
from explorer.vetting.reader import RecordReader
from pipeline.domain.own_columns import single_line

_MAX_DEEP = 6
_MAX_NODES = 200
"""Maximum number of listed parts of a subset."""


class Side:
    """Connects the side panel to a Workspace.

    Parameters
    ----------
    workspace : Workspace
        State of the visit.
    library : Library
        Shared products.
    links : LinkStore
        Store of saved views.
    channel : Channel
        The way to the browser.
    record : RecordReader
        Vetting record, as the visitor may see it.
    owner : Owner
        Owner of saved views.
    """

    def __init__(
        self,
        workspace: Workspace,
        library: Library,
        links: LinkStore,
        channel: Channel,
        record: RecordReader,
        owner: Owner,
    ) -> None:
        self.workspace, self.library, self.links, self.channel = workspace, library, links, channel
        self.record, self.owner = record, owner
        self.uploads = Uploads(MAX_BYTES)
        self.open = False
        self._replaces = ""
        self._aggregates: dict[Hashable, tuple[Selection | None, float, int]] = {}
        channel.on(protocol.Side, self._toggle)
        channel.on(protocol.Check, self._check)
        channel.on(protocol.Filter, self._filter)
        channel.on(protocol.SaveSubset, self._save_subset)
        channel.on(protocol.Subset, self._use_subset)
        channel.on(protocol.ShowSubset, lambda request: workspace.paint_subset(request.name, visible=request.visible))
        channel.on(protocol.ColourSubset, lambda request: workspace.paint_subset(request.name, colour=request.colour))
        channel.on(protocol.RenameSubset, self._rename_subset)
        channel.on(protocol.MoveSubset, lambda request: workspace.move_subset(request.name, request.by))
        channel.on(protocol.Categories, self._by_category)
        channel.on(protocol.Upload, self._take_part)
        channel.on(protocol.Members, self._upload)
        channel.on(protocol.Verdicts, self._by_verdict)
        channel.on(protocol.SaveView, self._save_view)
        channel.on(protocol.View, self._show_view)
        channel.on(protocol.ForgetView, self._forget_view)
        self.computed = ComputedColumns(workspace, channel, lambda: self.vocabulary, self._send)
        self.overlays = OverlayTables(workspace, channel, self.uploads, self._send_open)
        workspace.param.watch(lambda *_: self._send_subsets(), ["subsets", "computed"])
        workspace.param.watch(lambda _: self._columns_changed(), "computed")

    @property
    def catalog(self) -> str:
        """Catalogue name of saved views."""
        return self.library.products.manifest.name

    def show(self) -> None:
        """Open the panel."""
        self._toggle(protocol.Side(open=True))

    def _toggle(self, request: protocol.Side) -> None:
        self.open = not self.open if request.open is None else request.open
        lists = self.record.verdict_lists() if self.open else {}
        table = self.workspace.table
        self._send(
            protocol.SideState(
                open=self.open,
                views=self.views,
                verdicts=tuple(
                    protocol.VerdictList(name, f"{name} ({len(obsids):,})") for name, obsids in lists.items()
                ),
                categories=column_choices(table, table.categorical()),
                computed=self.computed.listed() if self.open else UNSET,
                overlays=self.overlays.listed() if self.open else UNSET,
                overlay_columns=column_choices(table, table.axes()) if self.open else UNSET,
            )
        )
        self._send_subsets()

    def _columns_changed(self) -> None:
        """Follow a change of the computed columns."""
        self.__dict__.pop("names", None)
        self._aggregates.clear()
        if self.open:
            table = self.workspace.table
            choices = column_choices(table, table.axes())
            self._send(protocol.SideState(computed=self.computed.listed(), overlay_columns=choices))

    @property
    def views(self) -> tuple[str, ...]:
        """Names of the saved views."""
        return tuple(self.links.views(self.catalog))

    def _send(self, state: protocol.SideState) -> None:
        self.channel.send(side=protocol.merged(self.channel.queued("side", protocol.SideState), state))

    def _send_open(self, state: protocol.SideState) -> None:
        """Send a change of what only an open panel shows."""
        if self.open:
            self._send(state)

    def _report(self, text: str, place: Literal["list", "refused", "subset"] | UnsetType = UNSET) -> None:
        self._send(protocol.SideState(report=text, place=place))

    def _send_subsets(self) -> None:
        if not self.open:
            return
        table = self.workspace.table
        subsets = tuple(
            protocol.SubsetState(
                name=subset.name,
                colour=subset.colour,
                count=f"{self.workspace.count_of(subset):,}",
                description=describe(subset.selection, table.known),
                visible=subset.visible,
            )
            for subset in self.workspace.subsets
        )
        self._send(protocol.SideState(subsets=subsets))

    def parse(self, text: str) -> Selection:
        """Parse an expression with this catalogue's columns and the visitor's subsets."""
        return self.read(text).selection

    def read(self, text: str) -> Reading:
        """Parse an expression, with notes on how it was understood."""
        reading = read(text, self.vocabulary)
        check_size(reading.selection)
        return reading

    @property
    def vocabulary(self) -> Vocabulary:
        """Names of this catalogue and of the visitor's subsets, and the stars for aggregates."""
        workspace = self.workspace
        subsets = {subset.name: subset.selection for subset in workspace.subsets}
        return Vocabulary(
            self.names, subsets, workspace.table, workspace.selection, workspace.mask_of, self._aggregates
        )

    @cached_property
    def names(self) -> Names:
        """Columns with values."""
        return names_of(self.workspace.table)

    def _check(self, request: protocol.Check) -> None:
        """Answer a keystroke: validity, number of stars, completions."""
        text, cursor = request.text, request.cursor
        names = [subset.name for subset in self.workspace.subsets]
        start, completed = completions(text, cursor, self.names, names)
        suggestions = tuple(protocol.Suggestion(completion.word, completion.help) for completion in completed)
        state = protocol.CheckResult(text=text, cursor=cursor, start=start, suggestions=suggestions)
        try:
            if text.strip():
                reading = self.read(text)
                count = int(self.workspace.mask_of(reading.selection).sum())
                fit = f"{count:,} stars fit" if count != 1 else "1 star fits"
                state = replace(state, count=fit, notes=reading.notes or UNSET)
        except ExpressionError as error:
            state = replace(state, error=protocol.ExpressionFault(str(error), error.start, error.end))
        except SelectionError as error:  # of the whole expression
            state = replace(state, error=protocol.ExpressionFault(str(error), 0, len(text)))
        self._send(protocol.SideState(check=state))

    def _filter(self, request: protocol.Filter) -> None:
        text = request.text
        if text.strip():
            self.workspace.gesture(self.parse(text))
        else:
            self.workspace.clear()

    def _save_subset(self, request: protocol.SaveSubset) -> None:
        known = [subset.name for subset in self.workspace.subsets]
        name = single_line(request.name)
        taken = [subset.colour for subset in self.workspace.subsets]
        colour = self.workspace.subset(name).colour if name in known else fresh_colour(taken)
        self._named(lambda: self.workspace.define_subset(name, self.workspace.selection, colour))

    def _rename_subset(self, request: protocol.RenameSubset) -> None:
        self._named(lambda: self.workspace.rename_subset(request.name, request.new.strip()))

    def _named(self, action: Callable[[], None]) -> None:
        """Name a subset; what is wrong is reported beside the list."""
        try:
            action()
        except SelectionError as error:
            self._report(str(error), "subset")

    def _by_category(self, request: protocol.Categories) -> None:
        """Create a subset for each value of a column."""
        name, table = request.column, self.workspace.table
        values = table.category_values(name) if name in table else ()
        if not values:
            raise SelectionError(
                f"Column {name!r:.60} has one value, or more than {MAX_CATEGORIES}: use the filter for it."
            )
        known = {subset.name: subset.colour for subset in self.workspace.subsets}
        taken, added = list(known.values()), []
        for value, title in zip(values, category_names(name, values), strict=True):
            colour = known.get(title) or fresh_colour(taken)
            taken.append(colour)
            added.append(Subset(title, InCategory(name, value), colour))
        self.workspace.define_subsets(added)

    def _use_subset(self, request: protocol.Subset) -> None:
        name, action = request.name, request.action
        subset = self.workspace.subset(name)
        if action == "remove":
            self.workspace.remove_subset(name)
        elif action == "open":
            self._send(protocol.SideState(children=protocol.SubsetParts(name, self._nodes(subset.selection))))
        else:
            mode = SelectionMode(action)
            self.workspace.gesture(Named(subset.name, subset.selection), mode)

    def _nodes(self, selection: Selection) -> list[protocol.SelectionNode]:
        """Parts of a selection with counts, upper levels first, in a limited number."""
        top: list[protocol.SelectionNode] = []
        level = [(list(parts(selection)) or [("", selection)], top)]
        listed = 0
        for _ in range(_MAX_DEEP):
            below = []
            for made_of, nodes in level:
                for joint, part in made_of[: max(_MAX_NODES - listed, 0)]:
                    count = f"{int(self.workspace.mask_of(part).sum()):,}"
                    description = describe(part, self.workspace.table.known)
                    nodes.append(protocol.SelectionNode(joint, description, count, []))
                    below.append((list(parts(part)), nodes[-1].nodes))
                if len(nodes) < len(made_of):
                    nodes.append(protocol.SelectionNode("", f"{len(made_of) - len(nodes):,} more", "", []))
                listed += len(nodes)
            level = below
        return top

    def _take_part(self, request: protocol.Upload) -> None:
        try:
            self.uploads.part(request)
        except SelectionError as error:
            self._report(str(error), "refused")

    async def _upload(self, request: protocol.Members) -> None:
        if request.size > MAX_BYTES:
            self._report(f"The list has {request.size:,} bytes; at most {MAX_BYTES:,} are read.", "refused")
            return
        try:
            data = self.uploads.given(request)
            members = await self.channel.in_background(partial(read_members, data, self.workspace.table), UPLOADS)
        except SelectionError as error:
            self._report(str(error), "refused")
            return
        with self.channel.batch():
            self._report(members.sentence, "list")
            self.workspace.gesture(members.selection)

    def _by_verdict(self, request: protocol.Verdicts) -> None:
        """Select the current stars of a verdict list."""
        name = request.name
        stars = self.record.verdict_lists().get(name)
        if stars is None:
            raise SelectionError(f"The list {brief(name)} is empty now.")
        self.workspace.gesture(Named(name, InIds(stars)))

    async def _save_view(self, request: protocol.SaveView) -> None:
        name = request.name.strip()[: protocol.MAX_VIEW_NAME_CHARACTERS]
        if not name:
            self._report("Enter a name for the view first.")
            return
        if name in self.links.views(self.catalog) and name != self._replaces:
            self._replaces = name
            self._report(f"A view {name!r} exists already, perhaps of another user: save again to replace it.")
            return
        self._replaces = ""
        state, owner = self.workspace.to_dict(), self.owner
        await self.channel.in_background(
            lambda: self.links.save_view(self.catalog, name, state, owner.name, may_replace=owner.may_replace), LINKS
        )
        self._send(protocol.SideState(views=self.views, saved=True, report=f"Saved {name!r}."))

    def _show_view(self, request: protocol.View) -> None:
        token = self.links.views(self.catalog).get(request.name)
        state = self.links.get(token) if token else None
        if state is None:
            self._send(protocol.SideState(views=self.views, report="This view does not exist any more."))
        else:
            self.workspace.restore(state)

    async def _forget_view(self, request: protocol.ForgetView) -> None:
        name, owner = request.name, self.owner
        await self.channel.in_background(
            lambda: self.links.forget_view(self.catalog, name, owner.name, may_replace=owner.may_replace), LINKS
        )
        self._send(protocol.SideState(views=self.views))
