import dataclasses

import pytest

from explorer.model.proposals import Proposal

PROPOSAL = Proposal(
    obsid=17,
    labels=(("teff", 3812.5), ("logg", 0.71), ("rv", -45.2)),
    errors=(("teff", 21.0), ("logg", 0.1), ("rv", 0.0)),
    fixed=("rv",),
    masked=((6500.0, 6510.5),),
    chi2=1234.5,
    n_pixels=2700,
    published_chi2=1999.0,
    model="f00d",
    catalogue="mock 2026-01-01T00:00:00+00:00",
    why="cosmic ray at Hα",
)


def test_a_proposal_survives_storage():
    text = PROPOSAL.to_json()
    assert Proposal.from_json(text) == PROPOSAL
    assert Proposal.from_json(text).to_json() == text
    assert "Hα" in text
    assert PROPOSAL.label("logg") == 0.71


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"labels": (("teff", float("nan")), ("rv", 0.0))}, "teff = nan"),
        ({"fixed": ("m_h",)}, "m_h"),
        ({"masked": ((6510.0, 6500.0),)}, "6510.0 to 6500.0"),
    ],
)
def test_a_senseless_proposal_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(PROPOSAL, **change)


@pytest.mark.parametrize("text", ["", "[]", '{"obsid": 3}', '{"obsid": 1, "labels": 4}'])
def test_damaged_text_says_so(text):
    with pytest.raises(ValueError, match="damaged"):
        Proposal.from_json(text)
