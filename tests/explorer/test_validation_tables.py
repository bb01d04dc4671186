"""The About tab shows how a simulated catalogue compares with its truth."""

from dataclasses import replace

from explorer.views.about import AboutView

DOCUMENT = {
    "simulated": True,
    "stars": {"oddity": {"blend": 3}},
    "quantities": {
        "teff": {"unit": "K", "stars": 2794, "bias": 6.47, "scatter": 18.7, "pull_scatter": 0.64},
        "k_abs": {"unit": "mag", "stars": 2725, "bias": 0.0011, "scatter": 0.292},
    },
    "intervals": {"j_r": {"stars": 2723, "below": 0.19, "within": 0.7, "above": 0.11}},
    "stream": {"threshold": 0.5, "completeness": 0.98, "purity": None},
    "bits": {
        "LOW_SNR": {"flagged": 40, "purity": 0.21, "completeness": {"ordinary": 0.012, "blend": 0.33}},
        "UNBOUND": {"flagged": 0, "purity": None, "completeness": {"ordinary": 0.0, "blend": 0.0}},
    },
    "oddness": {
        "vetted_share": 0.01,
        "all": {"stars": 167, "auc": 0.971, "seen": 30, "found": 29, "recall": 0.17},
        "kinds": {"blend": {"stars": 18, "auc": 0.97, "found": 0}},
    },
}


def test_every_table_is_there(library):
    text = AboutView(replace(library.products, validation=DOCUMENT)).text()
    for words in ("pull scatter", "18.7", "completeness", "LOW_SNR", "33 %", "21 %", "0.971", "recall"):
        assert words in text
    assert "nan" not in text.lower().split("against the truth")[1].split("<section>")[0]


def test_a_catalogue_without_oddities(library):
    text = AboutView(replace(library.products, validation={**DOCUMENT, "oddness": {}})).text()
    assert "Not judged" in text


def test_without_a_validation_it_says_how_to_make_one(library):
    assert "python -m pipeline validate" in AboutView(library.products).text()
