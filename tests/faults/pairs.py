"""Two builds of one output at the same time, with different seeds: one is built, the other one refuses."""

import os
import random
import time

from tests.faults._builds import FAILED, ended, workshop

SEEDS = (7, 11)


def main(*, quick):
    """Pairs that start at once or soon after each other, the second also through a link."""
    with workshop() as shop:
        yield pairs(shop, 2 if quick else 20)


def pairs(shop, wanted, seed=3):
    chance, survived = random.Random(seed), 0
    for one in SEEDS:
        shop.undisturbed(one)
    alias = shop.folder / "alias"
    alias.symlink_to("pair")
    for number in range(wanted):
        outputs = (shop.folder / "pair", alias if number % 2 else shop.folder / "." / "pair")
        children = []
        for one, output in zip(chance.sample(SEEDS, 2), outputs, strict=True):
            children.append(shop.start(output, one))
            time.sleep(chance.uniform(0.0, shop.seconds / 2))
        statuses = sorted(ended(child) for child in children)
        whole = shop.is_whole(outputs[0], *SEEDS)
        survived += statuses in ([0, FAILED], [0, 0]) and whole  # both may end well where one had ended before
        assert os.path.lexists(alias)
    return {"fault": "two builds of one output at once", "tried": wanted, "survived": survived}
