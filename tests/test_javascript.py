"""The JavaScript of the pages: layout, mistakes, types and unit tests by deno, and rules that deno does not know."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

from explorer.rooms.script_modules import joined
from tests.javascript import MIN_COVERED, PURE, SCRIPTS, TOOLS, bokeh_types, coverage

ROOT = SCRIPTS.parents[1]
PAGES = ("explore/main.js", "explore/columns.js", "vetting/vetting.js")
MODULES = sorted(path.relative_to(SCRIPTS).as_posix() for path in SCRIPTS.glob("*/*.js"))
CODE = [name for name in MODULES if not name.endswith("_test.js")]
INTERNALS = "base/bokeh_internals.js"

PRIVATE = re.compile(r"\?*\._[a-z]\w*|needs_clip|\.constructor\b|documents\.splice|dimension: 2")
PAGE_NAMES = re.compile(r"\b(document|window|navigator|location|localStorage|sessionStorage|Bokeh)\b")

CANARIES = {
    "Bokeh.documents": r"exports\.documents = \[\];",
    "needs_clip": r"renderer_view\.needs_clip\b",
    "computed_renderer_views": r"get computed_renderer_views\(\)",
    "tool_views": r"this\.tool_views = ",
    "_move_exit": r"\b_move_exit\(\) \{",
    "dimension": r"assert\)\(img\.dimension == image_dimension",
    "shape": r"\[height, width\] = img\.shape;",
}
"""Private names of Bokeh in the adapter of the pages, and how Bokeh's script declares or uses each."""


def text_of(name: str) -> str:
    return (SCRIPTS / name).read_text(encoding="utf-8")


def without_comments(text: str) -> str:
    return re.sub(r"/\*\*.*?\*/|(?<![:\"'`])//[^\n]*", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("tool", sorted(TOOLS))
def test_deno_finds_nothing(tool: str) -> None:
    done = TOOLS[tool]()
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]


def test_only_generated_types_are_left_out_of_the_check() -> None:
    """``skipLibCheck``, which Bokeh's declarations need, leaves out every ``.d.ts``."""
    assert [path.name for path in SCRIPTS.rglob("*.d.ts")] == ["protocol.d.ts"]


def test_coverage_is_read_from_a_report() -> None:
    lcov = "SF:/x/assets/js/a/b.js\nDA:1,0\nDA:2,3\nDA:3,1\nDA:4,0\nend_of_record\nSF:/x/y.js\nDA:1,1\nend_of_record\n"
    assert coverage(lcov) == {"a/b.js": 50.0}
    assert MIN_COVERED >= 80.0


@pytest.mark.parametrize("name", MODULES)
def test_lines_are_short(name: str) -> None:
    long = [line for line in text_of(name).splitlines() if len(line) > 120]
    assert not long


@pytest.mark.parametrize("name", PURE)
def test_pure_modules_know_no_page(name: str) -> None:
    assert not PAGE_NAMES.findall(without_comments(text_of(name)))
    assert (SCRIPTS / name.replace(".js", "_test.js")).is_file()
    imported = re.findall(r'^import .* from "\./(.+)"', text_of(name), re.MULTILINE)
    folder = Path(name).parent
    assert {(folder / one).as_posix() for one in imported} <= {*PURE, "base/declared.js"}


@pytest.mark.parametrize("name", [name for name in CODE if name != INTERNALS])
def test_private_names_of_bokeh_stand_in_the_adapter(name: str) -> None:
    assert not PRIVATE.findall(without_comments(text_of(name)))


def test_every_private_name_of_the_adapter_has_a_canary() -> None:
    used = {found.strip("?.") for found in PRIVATE.findall(without_comments(text_of(INTERNALS)))}
    assert used == {"_move_exit", "needs_clip", "constructor", "documents.splice", "dimension: 2"}


@pytest.mark.parametrize("name", sorted(CANARIES))
def test_private_name_of_bokeh_exists(name: str) -> None:
    script = (bokeh_types().parent / "bokeh.js").read_text(encoding="utf-8")
    assert re.search(CANARIES[name], script), f"Bokeh has changed {name}: see {INTERNALS}"


@pytest.mark.parametrize("page", PAGES)
def test_pages_have_neither_tests_nor_comments_on_types(page: str) -> None:
    text = joined(page)
    assert "Deno." not in text
    assert not re.search(r"^\s*/\*\*", text, re.MULTILINE)


def test_every_module_is_on_a_page() -> None:
    served = {line for page in PAGES for line in joined(page).splitlines() if line.startswith("// ")}
    missing = [name for name in CODE if text_of(name).splitlines()[0] not in served]
    assert not missing


def test_wheel_has_no_tools_of_the_scripts() -> None:
    import tomllib

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    left_out = settings["exclude-package-data"]["assets"]
    tools = [path.relative_to(ROOT / "assets").as_posix() for path in SCRIPTS.rglob("*") if path.is_file()]
    shipped = [name for name in tools if not any(fnmatch(name, pattern) for pattern in left_out)]
    assert sorted(shipped) == sorted(f"js/{name}" for name in CODE)


@pytest.mark.parametrize("name", [name for name in CODE if re.search(r"\.\.\.(this\.)?star\.parts", text_of(name))])
def test_a_page_with_a_star_tells_it_of_refusals(name: str) -> None:
    """Otherwise sliders and the button of the refit wait for an answer that never comes."""
    assert re.search(r"refused: .*?star\.refused\(kind\)", text_of(name), re.DOTALL)
