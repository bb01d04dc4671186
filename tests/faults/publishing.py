"""A build stopped at each file-system call of publishing, by SIGKILL or by an error of that call."""

import errno
import os
import signal
import sys

from pipeline.products import versions
from pipeline.products.disk import exchange
from pipeline.stages import composing, runner
from tests.faults._builds import FAILED, KILLED, cleared, copied, workshop

OLD, NEW = 11, 7
EVENTS = ("os.rename", "os.link", "os.symlink", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "shutil.rmtree")


class Calls:
    """Counts file-system calls from the start of composing on, and does harm at one of them."""

    def __init__(self, at, harm, counted=None):
        self.at, self.harm, self.count, self.on = at, harm, 0, False
        self.file = counted and os.open(counted, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)

    def call(self, what):
        if self.on:
            self.count += 1
            if self.file:
                os.pwrite(self.file, str(self.count).encode(), 0)
            if self.count == self.at:
                self.on = False
                self.harm(what)

    def install(self):
        """In the child: hook what changes the file system; neither fsync nor renameat2 has an audit event."""

        def heard(event, arguments):
            if event in EVENTS or (event == "open" and isinstance(arguments[2], int) and arguments[2] & 3):
                self.call(event)

        def wrapped(function):
            def call(*arguments):
                self.call(function.__name__)
                return function(*arguments)

            return call

        def composed(*arguments):
            self.on = True
            return compose(*arguments)

        compose, runner.compose = composing.compose, composed
        os.fsync = wrapped(os.fsync)
        versions.exchange = wrapped(versions.exchange)
        sys.addaudithook(heard)
        return self


def kill(*_what):
    """End this process at once."""
    os.kill(os.getpid(), signal.SIGKILL)


def fail(what):
    """Fail as a full or broken disk does."""
    raise OSError(errno.EIO, f"invented error at {what}")


def no_exchange(*_names):
    """The file system of those that cannot exchange two names."""
    return False


def plain(shop, output):
    """The old product as a plain folder, as older programs wrote it."""
    place = shop.folder / "plain"
    cleared(place)
    output.resolve().rename(place)
    output.unlink()
    cleared(output.with_name("out.versions"))
    place.rename(output)


def user_link(shop, output):
    """The old product elsewhere, behind a user's own link."""
    elsewhere = shop.folder / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    cleared(elsewhere / "real")
    cleared(elsewhere / "real.versions")
    plain(shop, output)
    output.rename(elsewhere / "real")
    output.with_name("out.work").rename(elsewhere / "real.work")
    output.symlink_to("elsewhere/real")


KINDS = {
    "version": (lambda *_places: None, exchange),
    "plain folder": (plain, exchange),
    "plain folder, no exchange": (plain, no_exchange),
    "user's link": (user_link, exchange),
}


def main(*, quick):
    """Each call once with SIGKILL and once with an error, over each kind of old product."""
    with workshop() as shop:
        prepare(shop)
        for name in KINDS:
            for harm in (kill, fail):
                yield stopped(shop, name, harm, every=12 if quick else 1)


def prepare(shop):
    """A work folder whose stages have all ended, beside an old product."""
    copied(shop.undisturbed(OLD), shop.folder / "ready")
    shop.undisturbed(NEW)
    assert shop.run(shop.folder / "ready", NEW, before=lambda: setattr(runner, "compose", kill)) == KILLED


def arranged(shop, kind):
    """A fresh copy of that, with one kind of old product; the path to build."""
    output = shop.folder / "out"
    cleared(shop.folder / "elsewhere")
    copied(shop.folder / "ready", output)
    arrange, versions.exchange = KINDS[kind]
    arrange(shop, output)
    return output


def number_of_calls(shop, kind):
    """How many calls an undisturbed build makes from composing on."""
    counted = shop.folder / "calls"
    assert shop.run(arranged(shop, kind), NEW, before=lambda: Calls(0, kill, counted).install()) == 0
    return int(counted.read_text())


def stopped(shop, kind, harm, every=1):
    """Do harm at the first call, the second, and so on, each time to a fresh copy."""
    survived, numbers = 0, range(1, number_of_calls(shop, kind) + 1, every)
    for number in numbers:
        output = arranged(shop, kind)
        status = shop.run(output, NEW, before=lambda number=number: Calls(number, harm).install())
        good = status == KILLED if harm is kill else status in (FAILED, 0)
        good &= shop.is_whole(output, OLD, NEW)
        good &= shop.run(output, NEW) == 0 and shop.is_whole(output, NEW)
        left = (*shop.folder.glob("out.*"), *shop.folder.glob("elsewhere/*.*"))
        good &= all(path.suffix == ".versions" for path in left)
        survived += good
    name = "SIGKILL" if harm is kill else "error"
    return {"fault": f"{name} at a call of publishing, over {kind}", "tried": len(numbers), "survived": survived}
