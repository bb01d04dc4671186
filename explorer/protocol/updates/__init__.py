"""Messages of the server, by room: parts and all structures inside them."""

from explorer.protocol.updates.answers import *  # noqa: F403 - each part is declared once, in its room
from explorer.protocol.updates.answers import AnswersUpdate
from explorer.protocol.updates.base import *  # noqa: F403
from explorer.protocol.updates.base import CommonUpdate
from explorer.protocol.updates.colours import *  # noqa: F403
from explorer.protocol.updates.columns import *  # noqa: F403
from explorer.protocol.updates.columns import ColumnsUpdate
from explorer.protocol.updates.explore import *  # noqa: F403
from explorer.protocol.updates.explore import ExploreUpdate
from explorer.protocol.updates.figures import *  # noqa: F403
from explorer.protocol.updates.lines import *  # noqa: F403
from explorer.protocol.updates.sky import *  # noqa: F403
from explorer.protocol.updates.sky import SkyUpdate
from explorer.protocol.updates.spectrum import *  # noqa: F403
from explorer.protocol.updates.star import *  # noqa: F403
from explorer.protocol.updates.star import StarUpdate
from explorer.protocol.updates.table import *  # noqa: F403
from explorer.protocol.updates.thumbnails import *  # noqa: F403
from explorer.protocol.updates.thumbnails import ThumbnailUpdate
from explorer.protocol.updates.vetting import *  # noqa: F403
from explorer.protocol.updates.vetting import VettingUpdate


class Update(
    CommonUpdate,
    ExploreUpdate,
    AnswersUpdate,
    StarUpdate,
    SkyUpdate,
    ThumbnailUpdate,
    VettingUpdate,
    ColumnsUpdate,
    total=False,
):
    """A message of the server: any of these parts, which the page applies together."""
