"""Password hashing in threads, limited in number, so that many sign-ins do not block pages."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from explorer.vetting.attempts import network_of
from explorer.vetting.people import UserFile

MAX_WAITING = 60
MAX_WAITING_OF_ADDRESS = 8
"""Maximum number of waiting sign-ins of an address; more are refused before hashing."""

NICENESS = 5
"""Priority of hashing threads, below that of pages; Linux sets it for single threads."""


class Busy(Exception):  # noqa: N818 - a state of the server, not an error
    """Too many sign-ins are waiting."""


class PasswordChecks:
    """Separate queues of password checks for unknown browsers and for those that signed in before.

    Parameters
    ----------
    users : UserFile
        Names and hashes.
    """

    def __init__(self, users: UserFile) -> None:
        self.users = users
        self._pools = {
            known: ThreadPoolExecutor(1, f"sign-in {known}", initializer=_give_way) for known in (False, True)
        }
        self._waiting: dict[bool, Counter[str]] = {False: Counter(), True: Counter()}

    async def check(self, name: str, password: str, address: str, delay_s: float = 0.0, *, known: bool = False) -> bool:
        """Whether a password is correct.

        Parameters
        ----------
        name, password : str
            Name and password as typed.
        address : str
            Address of the browser.
        delay_s : float
            Seconds that the answer is held back.
        known : bool
            Whether the browser is one that this user signed in with before.

        Raises
        ------
        Busy
            If too many sign-ins wait, of this address or of all.
        UserError
            If the file of users cannot be read.
        """
        network, waiting = network_of(address), self._waiting[known]
        if waiting.total() >= MAX_WAITING or waiting[network] >= MAX_WAITING_OF_ADDRESS:
            raise Busy
        waiting[network] += 1
        try:
            await asyncio.sleep(delay_s)
            return await asyncio.get_running_loop().run_in_executor(
                self._pools[known], self.users.check, name, password
            )
        finally:
            waiting[network] -= 1
            if not waiting[network]:
                del waiting[network]


def _give_way() -> None:
    """Lower the priority of this thread if the system supports that."""
    with suppress(AttributeError, OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
