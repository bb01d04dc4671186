"""Builds over an old product killed at random moments, and given again until they end: nothing is lost or different."""

import random

from pipeline.products.product import verify
from tests.faults._builds import KILLED, copied, workshop

OLD, NEW = 11, 7


def main(*, quick):
    """SIGKILL at random moments of builds that go on from their checkpoints."""
    with workshop() as shop:
        yield random_kills(shop, 8 if quick else 200)


def random_kills(shop, wanted, seed=1):
    """Kill builds of a seed over a product of another; an undisturbed run of the same command ends each."""
    chance = random.Random(seed)
    old, output = shop.undisturbed(OLD), shop.folder / "out"
    shop.undisturbed(NEW)
    kills = survived = builds = 0
    stages = {}
    while kills < wanted:
        copied(old, output)
        builds, killed_here, whole = builds + 1, 0, True
        while kills < wanted:
            status = shop.run(output, NEW, kill_after=chance.uniform(0.0, shop.seconds))
            if status != KILLED:
                whole &= status == 0
                break
            kills, killed_here = kills + 1, killed_here + 1
            checkpoints = sorted(path.name for path in (shop.folder / "out.work" / "checkpoints").glob("*"))
            last = checkpoints[-1][3:] if checkpoints else "nothing"
            stages[last] = stages.get(last, 0) + 1
            whole &= verify(output) == []
        whole &= shop.run(output, NEW) == 0
        whole &= shop.is_whole(output, NEW)
        survived += killed_here if whole else 0
    yielded = {"fault": "SIGKILL at random moments", "tried": kills, "survived": survived, "builds": builds}
    return yielded | {"killed_after_stage": stages}
