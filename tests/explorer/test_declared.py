"""Constants that Python declares for the scripts: current and complete."""

from __future__ import annotations

from collections import Counter

from explorer import protocol
from explorer.charts.journal import FORMATS
from explorer.charts.spectrum_numbers import PIN_COLOURS
from explorer.rooms import star_spectrum
from explorer.rooms.channel import asset
from explorer.rooms.declared import key_names, script
from explorer.rooms.help import SHORTCUTS
from explorer.rooms.shortcuts import (
    PAGE_HELP,
    PAGE_KEYS,
    STAR_KEYS,
    TOUR_KEYS,
    VERDICT_KEYS,
    help_rows,
    vetting_help,
    written,
)
from explorer.vetting.rules import FLAG_KEYS


def test_the_module_of_the_scripts_is_current():
    assert asset("js", "base/declared.js") == script(), "python -m explorer.rooms.declared"


def test_no_key_has_two_meanings_on_a_page():
    star_keys = [key for keys in STAR_KEYS.values() for key in keys]
    tour_keys = [key for keys in TOUR_KEYS.values() for key in keys]
    shared = {key for key, count in Counter([*PAGE_KEYS, *star_keys, *tour_keys]).items() if count > 1}
    assert shared == {"x"}, "x resets the zoom of views and spectrum"
    vetting = Counter([*VERDICT_KEYS.values(), *FLAG_KEYS, *"0123456789", *star_keys])
    assert max(vetting.values()) == 1


def test_help_explains_every_key():
    letters = {key for keys in STAR_KEYS.values() for key in keys if not key.startswith("Shift+")}
    explained = {key for row in PAGE_HELP for key in row.keys}
    assert explained == letters | set(PAGE_KEYS) | {key for keys in TOUR_KEYS.values() for key in keys}
    assert dict(SHORTCUTS)["Shift+U Ctrl+Shift+Z Ctrl+Y"] == "redo"
    vetting = {key for row in vetting_help() for key in row.keys}
    assert set(VERDICT_KEYS.values()) - vetting == {"?"}


def test_keys_are_written_as_printed():
    assert [written(key) for key in ("u", "U", "/", "ArrowLeft")] == ["u", "Shift+U", "/", "←"]
    assert [written(key) for key in ("Ctrl+z", "Ctrl+Z")] == ["Ctrl+Z", "Ctrl+Shift+Z"]
    assert key_names()["redo"] == "Shift+U"
    assert help_rows(PAGE_HELP) == SHORTCUTS


def test_forms_that_the_page_offers_can_be_written():
    assert set(protocol.STAR_FORMS) <= {"fits", *FORMATS}
    assert len(PIN_COLOURS) == star_spectrum.MAX_PINS
