"""Images of the sky and names of the focused star, requested by the visitor only."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

import numpy as np

from explorer import protocol
from explorer.charts.sky_marks import marks_of
from explorer.model.sky import FIELDS_ARCMIN, NamesResult, Sky, SkyError, SkyPicture
from explorer.model.work import SKY, BusyError, StoppedError
from explorer.rooms.channel import Channel, submitted
from explorer.rooms.star_context import StarContext

SIMULATED = "Simulated stars have no image of the sky."
OFF = (
    "Images of the sky and SIMBAD names are off. The keeper of this server switches them on by starting it with "
    "--sky-images on; a click then sends the star's coordinates from the server to the CDS."
)
NO_PLACE = "This star has no coordinates."
LEFT = "Another star is shown now."
ENDED = "The request was ended because another star was shown."

Result = TypeVar("Result")


class SkyRefusedError(Exception):
    """A request for an image or names is not sent; the message is a sentence."""


class StarSky:
    """Connects images and names of one room's star to its page.

    Parameters
    ----------
    context : StarContext
        The focused star.
    channel : Channel
        The way to the browser.
    sky : Sky or None
        Images and names; None where they are off.
    """

    def __init__(self, context: StarContext, channel: Channel, sky: Sky | None) -> None:
        self.context, self.channel, self.sky = context, channel, sky
        self._waiting: Future[SkyPicture] | None = None
        channel.on(protocol.SkyImage, self._image)
        channel.on(protocol.SkyNames, self._names)
        context.workspace.param.watch(lambda _: channel.drop_background(SKY), "focus")

    @property
    def off(self) -> str:
        """The reason why nothing can be requested; "" if it can."""
        if self.context.library.products.manifest.simulated:
            return SIMULATED
        return OFF if self.sky is None else ""

    def setup(self) -> protocol.SkySetup:
        """Menus, and what a request sends to whom."""
        if self.sky is None or self.off:
            return protocol.SkySetup(self.off, (), FIELDS_ARCMIN, "", "")
        client = self.sky.client
        sent = "This server sends the star's coordinates to {}; nothing about you is sent."
        return protocol.SkySetup(
            sentence="",
            surveys=tuple(protocol.SurveyChoice(*survey) for survey in self.sky.surveys),
            fields_arcmin=FIELDS_ARCMIN,
            image_privacy=sent.format(client.image_site),
            name_privacy=sent.format(client.name_site),
        )

    async def _image(self, request: protocol.SkyImage) -> None:
        """Fetch an image; one that this page waits for is not sent any more unless it is under way."""
        if self._waiting is not None:
            self._waiting.cancel()
        try:
            sky, row, ra, dec = self._place(request.obsid)
            titles = dict(sky.surveys)
            if request.survey not in titles or request.field_arcmin not in FIELDS_ARCMIN:
                raise ValueError(f"no survey {request.survey!r} of {request.field_arcmin} arcmin")
            work = partial(sky.picture, request.survey, ra, dec, request.field_arcmin)
            self._waiting = submitted(work, SKY, self.channel)
            picture = await _received(self._waiting)
        except (SkyRefusedError, SkyError, BusyError) as error:
            again = not isinstance(error, SkyRefusedError)
            answer = protocol.NoSkyView(request.obsid, request.number, str(error), again=again)
            self.channel.send(sky_view=answer)
            return
        marks = marks_of(request.field_arcmin, *(_value(self.context, name, row) for name in ("pmra", "pmdec")))
        title, width = titles[request.survey], f"{request.field_arcmin}′ x {request.field_arcmin}′"
        site = sky.client.image_site
        about = f"{title}, {width} around obsid {request.obsid}, North up and East to the left. {marks.motion}"
        self.channel.send(
            sky_view=protocol.SkyView(
                obsid=request.obsid,
                number=request.number,
                mime=picture.mime,
                data=picture.data,
                strokes=tuple(
                    protocol.SkyStroke(item.kind, item.x0, item.y0, item.x1, item.y1) for item in marks.strokes
                ),
                labels=tuple(protocol.SkyLabel(item.text, item.x, item.y) for item in marks.labels),
                about=about.strip(),
                caption=f"{title}, {width} around {ra:.5f} {dec:+.5f}; {site}. {marks.motion}".strip(),
            )
        )

    async def _names(self, request: protocol.SkyNames) -> None:
        """Fetch names."""
        try:
            sky, _, ra, dec = self._place(request.obsid)
            result = await _received(submitted(lambda: sky.names(ra, dec), SKY, self.channel))
        except (SkyRefusedError, SkyError, BusyError) as error:
            again = not isinstance(error, SkyRefusedError)
            self.channel.send(sky_names=protocol.NoNames(request.obsid, str(error), again=again))
            return
        self.channel.send(sky_names=_listed(request.obsid, result, sky))

    def _place(self, obsid: str) -> tuple[Sky, int, float, float]:
        """What a request needs: the service, and row and position of the focused star.

        Raises
        ------
        SkyRefusedError
            If nothing may be sent for this star.
        """
        if self.sky is None or self.off:
            raise SkyRefusedError(self.off)
        row, focus = self.context.workspace.focus_row, self.context.workspace.focus
        if row is None or str(focus) != obsid:
            raise SkyRefusedError(LEFT)
        ra, dec = (_value(self.context, name, row) for name in ("ra", "dec"))
        if not (np.isfinite(ra) and abs(dec) <= 90.0):
            raise SkyRefusedError(NO_PLACE)
        return self.sky, row, ra, dec


async def _received(future: Future[Result]) -> Result:
    """The result of background work.

    Raises
    ------
    SkyError
        If the work was dropped: another star is shown, perhaps in another room of the page.
    """
    try:
        return await asyncio.wrap_future(future)
    except StoppedError:
        raise SkyError(ENDED) from None
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():  # the server ends
            raise
        raise SkyError(ENDED) from None


def _value(context: StarContext, name: str, row: int) -> float:
    """A value of the catalogue; NaN if it has no such column."""
    table = context.workspace.table
    return table.value(name, row) if name in table else float("nan")


def _listed(obsid: str, result: NamesResult, sky: Sky) -> protocol.NamesList:
    """Names for the page."""
    site, radius = sky.client.name_site, f"{sky.radius_arcsec:g}″"
    return protocol.NamesList(
        obsid=obsid,
        objects=tuple(
            protocol.NamedObject(star.name, star.kind, star.others, f"{star.separation_arcsec:.2f}″")
            for star in result.stars
        ),
        source=f"{site}, within {radius}, {result.day.isoformat()}"
        if result.stars
        else f"No object within {radius} of this star; {site}, {result.day.isoformat()}.",
    )
