"""Axes of the views: scale, direction, limits, units, contours, projection, corner plot."""

from __future__ import annotations

from explorer import protocol
from explorer.rooms.channel import Channel
from explorer.rooms.stage import Stage


class ViewAxes:
    """Answers requests about the axes of a view.

    Parameters
    ----------
    stage : Stage
        The grid of views.
    channel : Channel
        The way to the browser.
    """

    def __init__(self, stage: Stage, channel: Channel) -> None:
        self.stage = stage
        channel.on(protocol.AxisScale, self._scale)
        channel.on(protocol.AxisFlip, self._flip)
        channel.on(protocol.AxisLimits, self._limit)
        channel.on(protocol.AxisReset, self._reset)
        channel.on(protocol.Aspect, self._aspect)
        channel.on(protocol.Contours, self._contour)
        channel.on(protocol.AxisRange, self._select_range)
        channel.on(protocol.CornerColumns, self._choose_columns)
        channel.on(protocol.ChooseSky, self._choose_sky)
        channel.on(protocol.TurnSpace, self._turn)

    def _scale(self, request: protocol.AxisScale) -> None:
        chart = self.stage.chart(request.slot)
        self.stage.change(request.slot, chart.with_scale(request.axis, request.scale))

    def _flip(self, request: protocol.AxisFlip) -> None:
        chart = self.stage.chart(request.slot)
        self.stage.change(request.slot, chart.with_flip(request.axis, on=request.on))

    def _limit(self, request: protocol.AxisLimits) -> None:
        chart = self.stage.chart(request.slot)
        self.stage.change(request.slot, chart.with_limits(request.axis, request.low, request.high))

    def _reset(self, request: protocol.AxisReset) -> None:
        self.stage.change(request.slot, self.stage.chart(request.slot).with_whole_axis(request.axis))

    def _aspect(self, request: protocol.Aspect) -> None:
        self.stage.change(request.slot, self.stage.chart(request.slot).with_aspect(equal=request.equal))

    def _contour(self, request: protocol.Contours) -> None:
        chart = self.stage.chart(request.slot)
        self.stage.change(request.slot, chart.with_contours(request.of, request.levels))

    def _select_range(self, request: protocol.AxisRange) -> None:
        region = self.stage.chart(request.slot).range_on(request.axis, request.start, request.end)
        self.stage.select(region, request.keys)

    def _choose_columns(self, request: protocol.CornerColumns) -> None:
        chart = self.stage.chart(request.slot)
        self.stage.change(request.slot, chart.with_columns(request.columns))

    def _choose_sky(self, request: protocol.ChooseSky) -> None:
        chart = self.stage.chart(request.slot)
        state = chart.with_sky(request.projection, request.frame, request.lon, request.lat)
        self.stage.change(request.slot, state)

    def _turn(self, request: protocol.TurnSpace) -> None:
        chart = self.stage.chart(request.slot)
        self.stage.redraw(request.slot, chart.with_turn(request.azimuth, request.elevation))
