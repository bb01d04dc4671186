"""Bundling of ES modules, and its errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from explorer.rooms import script_modules
from explorer.rooms.script_modules import ScriptError, joined


def _written(folder: Path, **modules: str) -> None:
    (folder / "js").mkdir()
    for name, text in modules.items():
        (folder / "js" / f"{name}.js").write_text(text, encoding="utf-8")


@pytest.fixture
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(script_modules, "files", lambda _: tmp_path)
    joined.cache_clear()
    yield tmp_path
    joined.cache_clear()


def test_imported_module_comes_first_and_once(assets: Path) -> None:
    _written(
        assets,
        main='import { b } from "./b.js"\nimport { a } from "./a.js"\n\nexport function render() { b(a) }\n',
        b='import {\n  a,\n} from "./a.js"\n\nexport function b() { return a }\n',
        a="export const a = 1\n",
    )
    text = joined("main.js")
    assert "import" not in text
    assert re.findall(r"^(?:export )?(?:const|function) \w+", text, re.MULTILINE) == [
        "const a",
        "function b",
        "export function render",
    ]


def test_circle_is_refused(assets: Path) -> None:
    _written(assets, a='import { b } from "./b.js"\n', b='import { a } from "./a.js"\n')
    with pytest.raises(ScriptError, match=r"a\.js -> b\.js -> a\.js"):
        joined("a.js")


def test_name_declared_twice_is_refused(assets: Path) -> None:
    _written(assets, a='import { b } from "./b.js"\nconst size = 1\n', b="const size = 2\nexport const b = 3\n")
    with pytest.raises(ScriptError, match="size more than once"):
        joined("a.js")


@pytest.mark.parametrize("taken", ["[other, size] = [1, 2]", "{ other, length: size } = window"])
def test_name_declared_twice_by_taking_apart_is_refused(assets: Path, taken: str) -> None:
    _written(assets, a='import { b } from "./b.js"\nconst size = 1\n', b=f"const {taken}\nexport const b = 3\n")
    with pytest.raises(ScriptError, match="declare size more than once"):
        joined("a.js")


def test_name_that_is_not_exported_is_refused(assets: Path) -> None:
    _written(assets, a='import { b, size } from "./b.js"\n', b="const size = 2\nexport const b = 3\n")
    with pytest.raises(ScriptError, match=r"a\.js imports size from b\.js, which does not export it"):
        joined("a.js")


@pytest.mark.parametrize("entry", ["explore/main.js", "explore/columns.js", "vetting/vetting.js"])
def test_page_is_one_module(entry: str) -> None:
    text = joined(entry)
    assert not re.search(r"^import ", text, re.MULTILINE)
    assert re.findall(r"^export .*", text, re.MULTILINE) == ["export function render({ model }) {"]
