"""What the server sends, by room: the parts of a message, down to their leaves."""

from explorer.protocol.updates.base import *  # noqa: F403 - each part is declared once, in its room
from explorer.protocol.updates.base import CommonUpdate
from explorer.protocol.updates.columns import *  # noqa: F403
from explorer.protocol.updates.columns import ColumnsUpdate
from explorer.protocol.updates.explore import *  # noqa: F403
from explorer.protocol.updates.explore import ExploreUpdate
from explorer.protocol.updates.figures import *  # noqa: F403
from explorer.protocol.updates.star import *  # noqa: F403
from explorer.protocol.updates.star import StarUpdate
from explorer.protocol.updates.vetting import *  # noqa: F403
from explorer.protocol.updates.vetting import VettingUpdate


class Update(CommonUpdate, ExploreUpdate, StarUpdate, VettingUpdate, ColumnsUpdate, total=False):
    """What the server sends: any of these parts, all of one message at the same moment."""
