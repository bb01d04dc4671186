"""Requests of the page, by room. Each is a frozen structure with the role that it needs."""

from explorer.protocol.requests.answers import *  # noqa: F403 - each request is declared once, in its room
from explorer.protocol.requests.axes import *  # noqa: F403
from explorer.protocol.requests.base import *  # noqa: F403
from explorer.protocol.requests.base import Request, kind_of
from explorer.protocol.requests.colours import *  # noqa: F403
from explorer.protocol.requests.columns import *  # noqa: F403
from explorer.protocol.requests.computed import *  # noqa: F403
from explorer.protocol.requests.explore import *  # noqa: F403
from explorer.protocol.requests.lines import *  # noqa: F403
from explorer.protocol.requests.overlays import *  # noqa: F403
from explorer.protocol.requests.regions import *  # noqa: F403
from explorer.protocol.requests.sky import *  # noqa: F403
from explorer.protocol.requests.star import *  # noqa: F403
from explorer.protocol.requests.subsets import *  # noqa: F403
from explorer.protocol.requests.table import *  # noqa: F403
from explorer.protocol.requests.thumbnails import *  # noqa: F403
from explorer.protocol.requests.vetting import *  # noqa: F403

REQUESTS: dict[str, type[Request]] = {kind_of(request.__name__): request for request in Request.__subclasses__()}
"""Every request by its kind."""
