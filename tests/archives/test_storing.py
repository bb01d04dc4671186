"""Names and words of an archive, made safe for folders and terminals."""

import pytest

from pipeline.sources.archives.storing import json_words, safe_name


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"error": "bad", "description": "no\\nsuch \\u001b[31mthing"}', "bad; no such [31mthing"),
        (b'{"detail": ""}', "{'detail': ''}"),
        (b'["none"]', "['none']"),
        (b'{"error": ', ""),
        (b"<html>", ""),
        (b'{"error": "' + b"a" * 5000 + b'"}', "a" * 200),
    ],
)
def test_words_of_the_archive_are_one_plain_line(content, words):
    assert json_words(content) == words


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("attachment; filename=spec-1.fits.gz", "spec-1.fits.gz"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="C:\\\\x\\\\spec 1.fits"', "spec_1.fits"),
        ("attachment; filename*=UTF-8''sp%C3%A9c.fits", "sp_c.fits"),
        ('attachment; filename=".hidden"', "hidden"),
        ("attachment; filename=a/..", ""),
        ("inline", ""),
        ("", ""),
        (f"attachment; filename={'a' * 500}", "a" * 120),
    ],
)
def test_file_names_of_the_archive_are_made_safe(header, name):
    assert safe_name(header) == name
