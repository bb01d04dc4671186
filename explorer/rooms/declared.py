"""Constants that the scripts of the pages share with the server, as a module of ``assets/js``.

``python -m explorer.rooms.declared`` writes ``assets/js/base/declared.js``: limits, keys, files, colours of
figures, and the initial look of spectra. Each is declared in the module that owns it; none of these reads the scripts,
which may lack a constant until it is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

import msgspec

from explorer import protocol
from explorer.charts import journal, palettes, spectrum_numbers
from explorer.model import (
    answer_table,
    appearance,
    colour_maps,
    computed,
    export,
    line_file,
    line_lists,
    members,
    overlay_file,
    overlay_tables,
    proposals,
    samples,
    session_file,
    subsets,
)
from explorer.model.screen import Theme
from explorer.rooms import shortcuts, star_spectrum, uploads
from explorer.state import panels
from explorer.vetting import campaign_files, events, exchange
from pipeline.domain import own_columns

_SWATCH_COLOURS = 8
"""Colours that stand for a colour map in the menu."""


def limits() -> dict[str, int | tuple[float, float]]:
    """Return sizes and numbers that the server refuses to exceed."""
    return {
        "partBytes": uploads.PART_BYTES,
        "memberBytes": members.MAX_BYTES,
        "overlayBytes": overlay_file.MAX_BYTES,
        "overlayName": overlay_tables.MAX_NAME_CHARACTERS,
        "sessionBytes": session_file.MAX_BYTES,
        "lineBytes": line_file.MAX_BYTES,
        "lineListName": line_lists.MAX_NAME_CHARACTERS,
        "recordBytes": exchange.MAX_BYTES,
        "pins": star_spectrum.MAX_PINS,
        "alike": protocol.MAX_ALIKE,
        "tableRows": protocol.MAX_ROWS,
        "subsetName": subsets.MAX_NAME_CHARACTERS,
        "columnName": own_columns.MAX_NAME,
        "columnLabel": own_columns.MAX_LABEL,
        "columnUnit": computed.MAX_UNIT_CHARACTERS,
        "viewName": protocol.MAX_VIEW_NAME_CHARACTERS,
        "campaignName": campaign_files.MAX_NAME_CHARACTERS,
        "note": events.MAX_NOTE_CHARACTERS,
        "className": events.MAX_CLASS_CHARACTERS,
        "reason": proposals.MAX_WHY_CHARACTERS,
        "bins": samples.MAX_BINS,
        "compared": samples.MAX_COLUMNS,
        "cornerFewest": panels.MIN_CORNER,
        "cornerColumns": panels.MAX_CORNER,
        "dotSize": (appearance.MIN_SIZE, appearance.MAX_SIZE),
        "opacity": (appearance.MIN_OPACITY, 1.0),
        "tail": (0.0, appearance.MAX_TAIL),
    }


def key_names() -> dict[str, str]:
    """Return the first key of each action as it is printed in tooltips and hints."""
    page = {key: request for key, request in shortcuts.PAGE_KEYS.items() if not hasattr(request, "value")}
    first = {
        **{name_of(request): key for key, request in page.items()},
        **{request.value: key for key, request in shortcuts.PAGE_KEYS.items() if hasattr(request, "value")},
        **{action: keys[0] for action, keys in shortcuts.STAR_KEYS.items()},
        **{f"tour{action.capitalize()}": keys[0] for action, keys in shortcuts.TOUR_KEYS.items()},
        "comment": shortcuts.VERDICT_KEYS["comment"],
    }
    return {action: shortcuts.written(key) for action, key in first.items()}


def name_of(request: Any) -> str:
    """Return the kind of a request on the wire."""
    return str(msgspec.to_builtins(request)["kind"])


def colour_map_entry(item: colour_maps.ColourMap) -> dict[str, Any]:
    """Return a colour map for the menu: key, title, and its colours on light and dark pages as CSS."""
    ramps = {theme: palettes.ramp_of(item, theme is Theme.DARK) for theme in Theme}
    swatches = {theme.value: palettes.gradient_css(ramp, _SWATCH_COLOURS) for theme, ramp in ramps.items()}
    return {"key": item.key, "title": item.title, "diverging": item.diverging, **swatches}


def declarations() -> Iterator[tuple[str, str, Any]]:
    """Yield name, type in TypeScript ("" where it follows from the value) and value of each constant."""
    page_keys = {key: _sent(request) for key, request in shortcuts.PAGE_KEYS.items()}
    yield "LIMITS", "", limits()
    yield "PAGE_KEYS", 'Record<string, import("../protocol.d.ts").Request>', page_keys
    yield "STAR_KEYS", "", shortcuts.STAR_KEYS
    yield "TOUR_KEYS", "Record<string, string[]>", shortcuts.TOUR_KEYS
    yield "VERDICT_KEYS", "", shortcuts.VERDICT_KEYS
    yield "KEY_NAMES", "", key_names()
    yield "VETTING_HELP", "[keys: string, meaning: string][]", shortcuts.help_rows(shortcuts.vetting_help())
    yield "PICTURE_FORMS", "", tuple(journal.FORMATS)
    forms = [(form, export.FORMS[form].label) for form in answer_table.TEXT_FORMS]
    yield "ANSWER_FORMS", "[form: string, label: string][]", forms
    yield "STAR_FORMS", 'import("../protocol.d.ts").StarFile["form"][]', protocol.STAR_FORMS
    yield "PIN_COLOURS", "", spectrum_numbers.PIN_COLOURS
    yield "INK", "", spectrum_numbers.INK
    yield "FIGURES", "", {theme.value: palettes.figure_colours(dark=theme is Theme.DARK) for theme in Theme}
    yield "SUBSET_COLOURS", "", palettes.CATEGORY_COLOURS
    yield "COLOUR_MAPS", "", [colour_map_entry(item) for item in colour_maps.COLOUR_MAPS.values()]
    yield (
        "DEFAULT_APPEARANCE",
        'Required<import("../protocol.d.ts").Appearance>',
        msgspec.to_builtins(appearance.Appearance()),
    )
    yield "SMOOTHINGS", 'import("../protocol.d.ts").SpectrumLook["smooth"][]', protocol.SMOOTHINGS
    yield "LINE_UNITS", 'import("../protocol.d.ts").LineFile["unit"][]', get_args(line_file.WavelengthUnit)
    yield "DEFAULT_LOOK", 'import("../protocol.d.ts").SpectrumLook', msgspec.to_builtins(protocol.DEFAULT_LOOK)


def script() -> str:
    """Return the text of the module."""
    lines = ["// Generated by python -m explorer.rooms.declared: constants that Python declares.", ""]
    for name, kind, value in declarations():
        if kind:
            lines.append(f"/** @type {{{kind}}} */")
        lines += [f"export const {name} = {json.dumps(value, indent=2, ensure_ascii=False)}", ""]
    return "\n".join(lines)


def _sent(request: Any) -> dict[str, Any]:
    """Return a request as the page sends it, without fields that have their default."""
    fields = {field.encode_name: field.default for field in msgspec.structs.fields(request)}
    sent = dict(msgspec.to_builtins(request))
    return {name: value for name, value in sent.items() if name not in fields or value != fields[name]}


if __name__ == "__main__":
    Path(str(files("assets") / "js" / "base" / "declared.js")).write_text(script(), encoding="utf-8")
