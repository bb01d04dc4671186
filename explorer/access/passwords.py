"""Passwords are hashed beside the event loop, few at once, so that a flood of sign-ins stops nobody's page."""

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
"""Sign-ins that wait for an answer at once; more are refused before anything is hashed."""

NICENESS = 5
"""Linux counts it for a thread alone: hashes give way to pages."""


class Busy(Exception):  # noqa: N818 - a state of the server, not an error
    """Too many sign-ins wait."""


class PasswordChecks:
    """One hash at a time for strangers, and one for browsers that signed in before: a flood does not hold these up.

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
        """Whether a password is a user's.

        Parameters
        ----------
        name, password : str
            As they were typed.
        address : str
            Where they come from.
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
    """Lower the priority of this thread, where the system has priorities of threads."""
    with suppress(AttributeError, OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
