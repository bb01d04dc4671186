"""The language of the code: first lines of docstrings, names, and sentences on screen are plain technical English."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("explorer", "pipeline", "assets")
MAX_FIRST_LINE = 100
"""Characters of the first line of a docstring."""

VAGUE_FIRST_WORDS = frozenset(
    (
        *("What", "Whatever", "Which", "Who", "Whoever", "Whose", "Where", "When", "Those", "Its", "As", "So", "Of"),
        *("Tell", "Tells", "Told", "Say", "Says", "Said", "Hold", "Holds", "Give", "Gives", "Take", "Takes"),
        *("Nobody", "Somebody", "Everybody", "Something", "Everything"),
    )
)
"""First words that neither name the thing nor say what a function does; "Whether" and "Why" state what is returned."""

NAME_WORDS = {
    "tell": "send or format",
    "tells": "send or format",
    "told": "sent or reported",
    "stir": "flush",
    "hello": "connect",
    "heard": "received",
    "door": "commands",
    "doors": "commands",
    "desk": "commands or claim",
    "ledger": "queries or store",
    "standing": "status",
    "tally": "counts",
    "whoever": "user",
    "found": "result",
    "one": "item",
    "said": "verdict or text",
}
"""Words that no name contains, and what to use in their place."""

LIMIT_PREFIXES = ("MOST_", "LEAST_")
"""Limits are named MAX_ and MIN_."""

SCREEN_PHRASES = (
    "lies there",
    "take the record",
    "on another desk",
    "whoever",
    "is told",
    "was told",
    "stands again",
    "was said",
    "nobody doubts",
    "under the lens",
    "goes on",
    "perhaps somebody",
    "honest errors",
    "how many views",
    "show me around",
)
"""Phrases that no text of the user interface contains, in lower case."""


class Source(NamedTuple):
    """What the tests read of a file: each text with its line number."""

    name: str
    first_lines: list[tuple[int, str]]
    names: list[tuple[int, str]]
    texts: list[tuple[int, str]]


@cache
def sources():
    """Every source file of the program, parsed once."""
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")] + [ROOT / "run_app.py"]
    return tuple(source_of(path) for path in sorted(files))


def source_of(path):
    tree = ast.parse(path.read_text("utf-8"))
    names, texts, docstrings = [], [], set()
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                names.append((node.lineno, node.name))
            case ast.arg():
                names.append((node.lineno, node.arg))
            case ast.Name(ctx=ast.Store()):
                names.append((node.lineno, node.id))
            case ast.Attribute(ctx=ast.Store()):
                names.append((node.lineno, node.attr))
            case ast.Expr(value=ast.Constant()):
                docstrings.add(id(node.value))
            case ast.Constant(value=str()):
                texts.append(node)
    spoken = [(node.lineno, node.value) for node in texts if id(node) not in docstrings]
    return Source(str(path.relative_to(ROOT)), list(public_docstrings(tree)), names, spoken)


def public_docstrings(tree):
    """Line number and first line of the docstring of a module and of each public class, function and method."""
    bodies = [tree]
    while bodies:
        node = bodies.pop()
        docstring = ast.get_docstring(node)
        if docstring:
            yield node.body[0].lineno, docstring.splitlines()[0]
        bodies += [
            item
            for item in node.body
            if isinstance(item, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and (not item.name.startswith("_") or item.name.startswith("__"))
        ]


def first_line_problem(line):
    """Why a first line is not plain; "" when it is."""
    if len(line) > MAX_FIRST_LINE:
        return f"has {len(line)} characters, at most {MAX_FIRST_LINE} are allowed"
    if not line.endswith("."):
        return "does not end with a period"
    if line[0].isalpha() and not line[0].isupper():
        return "does not begin with a capital letter"
    word = re.match(r"[A-Za-z]*", line)[0]
    return f"begins with {word!r}: name the thing, or say what the function does" if word in VAGUE_FIRST_WORDS else ""


@cache
def name_problem(name):
    """Why a name is not plain; "" when it is."""
    if name.startswith(LIMIT_PREFIXES):
        return "limits are named MAX_ and MIN_"
    words = {word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)}
    return "; ".join(f"use {NAME_WORDS[word]} for {word!r}" for word in sorted(words & NAME_WORDS.keys()))


def problems(kind, problem_of):
    """Findings, as sentences that name file and line."""
    return [
        f"{source.name}:{line}: {text!r} {problem}"
        for source in sources()
        for line, text in getattr(source, kind)
        if (problem := problem_of(text)) != ""
    ]


def texts_of_script(path):
    """Line number and text of each quoted string of a script."""
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        for text in re.findall(r'"([^"]*)"|`([^`]*)`', line):
            yield number, "".join(text)


def odd_phrase(text):
    return next((phrase for phrase in SCREEN_PHRASES if phrase in text.lower()), "")


def test_first_lines_of_public_docstrings_are_plain():
    wrong = problems("first_lines", first_line_problem)
    assert not wrong, "\n".join(wrong)


def test_names_have_no_word_of_the_old_language():
    wrong = problems("names", name_problem)
    assert not wrong, "\n".join(wrong)


def test_limits_are_named_max_and_min_everywhere():
    names = [(source.name, *text) for source in sources() for text in source.names]
    assert len(names) > 10_000
    assert not [item for item in names if item[2].startswith(LIMIT_PREFIXES)]


def test_texts_on_screen_have_no_odd_phrase():
    texts = [(source.name, *text) for source in sources() for text in source.texts]
    scripts = sorted(path for path in (ROOT / "assets/js").rglob("*.js") if "test" not in path.name)
    texts += [(path.name, *text) for path in scripts for text in texts_of_script(path)]
    assert len(scripts) > 10
    wrong = [f"{name}:{line}: {phrase!r} in {text!r}" for name, line, text in texts if (phrase := odd_phrase(text))]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("What cannot be used.", "begins with 'What'"),
        ("unusable spectra.", "capital"),
        ("Unusable spectra", "period"),
        ("U" * 101, "101 characters"),
        ("Unusable spectra.", ""),
        ("``path`` without a prefix.", ""),
    ],
)
def test_a_first_line_is_judged_by_its_rule(line, problem):
    assert problem in first_line_problem(line)
    assert bool(problem) == bool(first_line_problem(line))


@pytest.mark.parametrize(
    ("name", "is_plain"),
    [
        ("Desk", False),
        ("last_told", False),
        ("LedgerOfStars", False),
        ("MOST_ROWS", False),
        ("alone", True),
        ("MAX", True),
    ],
)
def test_a_name_is_judged_word_by_word(name, is_plain):
    assert (name_problem(name) == "") == is_plain
