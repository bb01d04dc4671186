"""Memory of the server over many visits."""

import gc
import subprocess
import sys
import weakref

import pytest

from explorer.model.memory import set_aside

_SPREAD_AND_FREE = """
import re
from pathlib import Path
from explorer.model.memory import give_back

def own():
    rollup = Path("/proc/self/smaps_rollup").read_text("ascii")
    return sum(int(kb) for kb in re.findall(r"^Private_\\w+:\\s+(\\d+) kB", rollup, re.MULTILINE))

page = [bytes(2000) for _ in range(50_000)]
kept = page[::200]
del page
before = own()
give_back()
print(before - own())
"""
"""What a page leaves: much that is free between a little that is not."""


class Knot:
    """Something that only the collector of garbage can free."""

    def __init__(self):
        self.self = self


@pytest.fixture
def thawed():
    """Leave the collector as it was found."""
    set_aside.cache_clear()
    yield
    gc.unfreeze()
    set_aside.cache_clear()


@pytest.mark.usefixtures("thawed")
def test_what_was_there_is_searched_no_more_and_what_comes_later_is():
    before, after = Knot(), None
    set_aside()
    assert gc.get_freeze_count() > 10_000
    after = Knot()
    old, new = weakref.ref(before), weakref.ref(after)
    del before, after
    gc.collect()
    assert old() is not None
    assert new() is None


@pytest.mark.usefixtures("thawed")
def test_only_what_is_there_before_the_first_visitor_is_set_aside():
    set_aside()
    frozen = gc.get_freeze_count()
    page = [Knot() for _ in range(1000)]
    set_aside()
    assert gc.get_freeze_count() < frozen + len(page)


@pytest.mark.skipif(sys.platform != "linux", reason="Memory of a process is read from /proc, on Linux.")
def test_memory_of_pages_goes_back_to_the_system():
    done = subprocess.run([sys.executable, "-c", _SPREAD_AND_FREE], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 50_000
