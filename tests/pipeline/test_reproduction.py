"""The reproduction of the paper: each statement against its twin, verdicts, reasons, files."""

import errno
import io
import json
import math
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from pipeline.__main__ import main
from pipeline.config import load_config
from pipeline.domain.columns import REQUIRED
from pipeline.domain.reproduction import Agreement
from pipeline.domain.statistics import robust_scatter
from pipeline.products.catalog import Catalog
from pipeline.products.manifest import Manifest, ProductError
from pipeline.products.product import Products, verify
from pipeline.products.reproduction import published_report, read_report, report_of, report_text
from pipeline.reproduction.declared import BY_KEY, STATEMENTS
from pipeline.reproduction.report import FIGURES, _replaced, measured_report, opened_survey, reproduce
from pipeline.reproduction.statement import Claim, above, counted_stars, exactly, judged, printed
from pipeline.reproduction.survey import Survey
from pipeline.reproduction.table import report_table
from pipeline.science.quality import estimates
from pipeline.science.quality.estimates import Estimate
from pipeline.stages.runner import build
from tests.pipeline.reproduction_factory import CONFIGURATION, invented_stars, write_product
from tests.reference.slow_reproduction import slow_values

LABELS = ("teff", "logg", "m_h", "alpha_m")


@pytest.fixture(scope="module")
def stars():
    return invented_stars()


@pytest.fixture(scope="module")
def other_table(stars, tmp_path_factory):
    """Another catalogue of a third of the stars, in another order."""
    rng = np.random.default_rng(8)
    some = stars.iloc[rng.permutation(len(stars))[:300]]
    table = pd.DataFrame({"obsid": some["obsid"]})
    for name, column in zip(LABELS, ("T_eff", "log_g", "M_H", "alpha_m"), strict=True):
        table[column] = some[name] + rng.normal(0.01, 0.1, len(some))
    path = tmp_path_factory.mktemp("other") / "other.csv"
    table.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def product(stars, tmp_path_factory):
    return write_product(tmp_path_factory.mktemp("reproduced") / "invented", stars)


@pytest.fixture(scope="module")
def survey(product, other_table):
    return opened_survey(product, other_table)


@pytest.fixture(scope="module")
def rows(survey, product):
    return {row.key: row for row in measured_report(survey, product)[0].rows}


@pytest.fixture(scope="module")
def twin(product, stars, other_table):
    table = Products.open(product).catalog.table
    wide = table.astype({name: np.float64 for name in table if table[name].dtype == np.float32})
    wide = wide.assign(**{name: stars[name] for name in stars if name.startswith("official")})
    other = pd.read_csv(other_table).rename(columns={"T_eff": "teff", "log_g": "logg", "M_H": "m_h"})
    matched = {row["obsid"]: row for row in other.to_dict("records")}
    return slow_values(wide.to_dict("records"), matched, lambda section, name: CONFIGURATION[section][name])


@pytest.mark.parametrize("key", BY_KEY)
def test_each_statement_is_what_its_twin_measures(rows, twin, key):
    single = 2e-4 if rows[key].unit == "K" else 2e-6  # precision of a stored value
    assert rows[key].ours == pytest.approx(twin[key], rel=2e-6, abs=single)


def test_the_twin_measures_every_statement(twin):
    assert set(twin) == set(BY_KEY)
    assert len(BY_KEY) == len(STATEMENTS)


def test_stars_that_scatter_as_in_the_paper_agree(rows):
    for key in ("rv-gaia-offset", "rv-gaia-scatter", "cv-scatter-teff", "self-scatter-teff", "r0", "folds"):
        assert rows[key].verdict == Agreement.AGREES, rows[key]
    assert rows["apogee"].verdict == Agreement.DIFFERS
    assert rows["near-plane"].verdict == Agreement.AGREES


@pytest.mark.parametrize(
    ("claim", "ours", "verdict"),
    [
        (printed(4.6, 0.1, "km/s"), Estimate(4.649, 0.0, 99), Agreement.AGREES),
        (printed(4.6, 0.1, "km/s"), Estimate(4.66, 0.0, 99), Agreement.DIFFERS),
        (printed(4.6, 0.1, "km/s"), Estimate(4.66, 0.01, 99), Agreement.AGREES),
        (printed(4.6, 0.1, "km/s", error=0.02), Estimate(4.7, 0.0, 99), Agreement.AGREES),
        (printed(1, 1, "km/s", about=True), Estimate(0.5, 0.0, 99), Agreement.AGREES),
        (printed(1, 1, "km/s"), Estimate(-0.2, 0.1, 99), Agreement.DIFFERS),
        (counted_stars(803), Estimate(900.0, 30.0, 900), Agreement.AGREES),
        (counted_stars(803), Estimate(930.0, math.sqrt(930), 930), Agreement.DIFFERS),
        (above(43_000, "more than 43,000"), Estimate(50_000.0, 1.0, 50_000), Agreement.AGREES),
        (above(43_000, "more than 43,000"), Estimate(42_000.0, 1.0, 42_000), Agreement.DIFFERS),
        (exactly(0), Estimate(1.0, 0.0, 50), Agreement.DIFFERS),
        (exactly(8.34), Estimate(8.34, 0.0, 0), Agreement.AGREES),
    ],
)
def test_a_verdict_follows_from_rounding_and_errors(claim, ours, verdict):
    assert claim.verdict(ours) == verdict


def test_the_interval_of_a_printed_number():
    claim = printed(-21.2, 0.1, "%")
    assert (claim.low, claim.high, claim.printed) == (pytest.approx(-21.25), pytest.approx(-21.15), "-21.2 %")
    assert printed(1, 1, "km/s", about=True).printed == "about 1 km/s"
    assert counted_stars(28_610).error == pytest.approx(math.sqrt(28_610))
    assert Claim("most", 50.0, math.inf).difference(60.0) == 0
    assert Claim("most", 50.0, math.inf).difference(40.0) == -10


@pytest.mark.parametrize("dropped", ["teff_ref", "rv_gaia", "distance_geo", "official", "label_reason", "snr"])
def test_a_missing_column_is_named(stars, tmp_path, dropped):
    survey = Survey.of(Products.open(write_product(tmp_path / "some", stars.drop(columns=dropped))))
    name = "lamost:row" if dropped == "official" else dropped
    concerned = [statement for statement in STATEMENTS if name in statement.needs]
    assert concerned
    for statement in concerned:
        row = judged(statement, survey, tmp_path)
        assert row.verdict == Agreement.NOT_COMPARED
        assert ("LAMOST M-star catalogue is not among" if dropped == "official" else name) in row.reason
        assert (row.ours, row.difference) == (None, None)
    for statement in set(STATEMENTS) - set(concerned):
        judged(statement, survey, tmp_path)


def only(survey, names):
    """The same stars without all other columns."""
    kept = [name for name in survey.table if name in names or name in REQUIRED]
    products = replace(survey.products)
    products.__dict__["catalog"] = Catalog(survey.table[kept])
    other = survey.other if any(name.startswith("other:") for name in names) else None
    return Survey(products, other, {name: values for name, values in survey.derived.items() if name in names})


@pytest.mark.parametrize("key", BY_KEY)
def test_a_statement_needs_no_column_that_it_does_not_declare(survey, tmp_path, key):
    row = judged(BY_KEY[key], only(survey, BY_KEY[key].needs), tmp_path)
    assert row.ours is not None


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.number)
def test_a_figure_needs_no_column_that_it_does_not_declare(survey, figure):
    some = only(survey, figure.needs)
    if figure.number == "3":
        assert "lacks rv_gaia" in figure.missing(some)
        some = only(survey, (*figure.needs, "rv_gaia"))
    if figure.number == "6":
        some = only(survey, (*figure.needs, "teff", "other:teff"))
    assert figure.missing(some) == ""
    assert "stars" in figure.draw(Figure(), some)
    for name in figure.needs:
        lacking = only(survey, [other for other in figure.needs if other != name])
        assert figure.missing(lacking) or name in REQUIRED


@pytest.mark.filterwarnings("error::RuntimeWarning", "error::UserWarning")
@pytest.mark.parametrize("count", [1, 3])
def test_figures_and_statements_of_few_stars_are_made(stars, tmp_path, count):
    few = stars.dropna(subset=["teff_ref", "rv_gaia", "rv_ref", "rv", "alpha_m_ref"])
    few = few[few["official"] != ""].iloc[:count].assign(label_reason="fit", snr_ref=100.0, official_m_h=0.0)
    for bright in (10.0, 200.0):
        directory = write_product(tmp_path / f"some{bright}", few.assign(snr=bright, z_gal=bright))
        survey = Survey.of(Products.open(directory))
        for figure in FIGURES:
            assert figure.missing(survey) or figure.draw(Figure(), survey)
        for statement in STATEMENTS:
            row = judged(statement, survey, directory)
            assert row.ours is None or math.isfinite(row.ours)


def test_a_column_without_a_value_is_named(stars, tmp_path):
    empty = stars.assign(rv_gaia=np.nan)
    row = judged(BY_KEY["rv-gaia-offset"], Survey.of(Products.open(write_product(tmp_path / "some", empty))), tmp_path)
    assert row.reason == "no star has a value of rv_gaia"


def test_too_few_stars_give_no_statistic_but_a_number(stars, tmp_path):
    few = stars.dropna(subset=["rv", "rv_gaia"]).iloc[:19]
    survey = Survey.of(Products.open(write_product(tmp_path / "some", few)))
    row = judged(BY_KEY["rv-gaia-scatter"], survey, tmp_path)
    assert (row.verdict, row.ours) == (Agreement.NOT_COMPARED, None)
    assert "too few stars: 19, 20 are needed" in row.reason
    assert judged(BY_KEY["rv-gaia-stars"], survey, tmp_path).ours == 19


def test_a_simulated_survey_says_so_on_each_line_and_has_its_own_numbers(stars, tmp_path, capsys):
    directory = write_product(tmp_path / "simulated", stars, simulated=True)
    assert main(["reproduce", str(directory)]) == 0
    report = read_report(tmp_path / "simulated.reproduction" / "report.json")
    assert all(row.simulated and row.data == "SIMULATED" for row in report.rows)
    assert all(figure.heading.startswith("SIMULATED") for figure in report.figures)
    by_construction = {row.key for row in report.rows if "is set" in row.reason or "are drawn" in row.reason}
    assert {"stars", "apogee", "rv-gaia-stars", "bright", "range-teff"} <= by_construction
    assert all(row.ours is not None for row in report.rows if row.key in by_construction)
    printed_lines = capsys.readouterr().out.splitlines()
    ends = tuple(f"  {row.key}" for row in report.rows)
    table = [line for line in printed_lines if line.endswith(ends)]
    assert len(table) == len(report.rows)
    assert all(line.startswith("SIMULATED") for line in table)


@pytest.mark.parametrize(
    ("section", "changed", "key", "reason"),
    [
        ("velocity", {"apply_zero_points": True}, "rv-gaia-offset", "zero points against these references"),
        ("velocity", {"templates": "data-driven"}, "rv-apogee-offset", "templates are at rest"),
        ("distance", {"parallax": True}, "distance-median", "both use the same parallaxes"),
        ("distance", {"ages": "chemistry"}, "age", "ages are drawn by population"),
    ],
)
def test_what_the_build_fixed_is_no_measurement(stars, tmp_path, section, changed, key, reason):
    configuration = {**CONFIGURATION, section: {**CONFIGURATION[section], **changed}}
    directory = write_product(tmp_path / "some", stars, configuration=configuration)
    row = judged(BY_KEY[key], Survey.of(Products.open(directory)), tmp_path)
    assert row.verdict == Agreement.NOT_COMPARED
    assert reason in row.reason
    assert row.ours is not None


def test_values_of_stages_that_did_not_run_are_not_ours(stars, tmp_path):
    directory = write_product(tmp_path / "some", stars, stages=("read",))
    survey = Survey.of(Products.open(directory))
    for key in ("rv-gaia-scatter", "cv-scatter-teff", "distance-84", "distance-error", "folds", "r0"):
        row = judged(BY_KEY[key], survey, tmp_path)
        assert row.verdict == Agreement.NOT_COMPARED, key
        assert "is not part of this build" in row.reason


def test_statistics_have_the_errors_that_samples_show():
    rng = np.random.default_rng(1)
    samples = rng.standard_t(5, (3000, 400))
    for statistic, plain in (
        (estimates.mean, lambda values: values.mean(axis=1)),
        (estimates.root_mean_square, lambda values: np.sqrt((values**2).mean(axis=1))),
        (estimates.standard_deviation, lambda values: values.std(axis=1, ddof=1)),
        (estimates.median, lambda values: np.median(values, axis=1)),
        (estimates.scatter, lambda values: np.array([robust_scatter(sample) for sample in values])),
        (lambda values: estimates.percentile(values, 16.0), lambda values: np.percentile(values, 16.0, axis=1)),
        (lambda values: estimates.share(values > 1.0), lambda values: 100 * (values > 1.0).mean(axis=1)),
    ):
        made = [statistic(sample) for sample in samples[:60]]
        assert [item.value for item in made] == pytest.approx(plain(samples[:60]))
        spread = np.std(plain(samples))
        assert np.sqrt(np.mean([item.error**2 for item in made])) == pytest.approx(spread, rel=0.15)
    assert estimates.number(samples[0] > 0).error == pytest.approx(math.sqrt((samples[0] > 0).sum()))
    whole = rng.standard_normal(20_000)
    assert estimates.median(whole).error == pytest.approx(1.2533 / math.sqrt(whole.size), rel=0.15)
    uncorrelated = [estimates.rank_correlation(*pair) for pair in rng.standard_normal((300, 2, 100))]
    assert np.std([item.value for item in uncorrelated]) == pytest.approx(uncorrelated[0].error, rel=0.15)


def test_statistics_of_nothing_are_missing():
    for statistic in (estimates.mean, estimates.median, estimates.scatter, estimates.standard_deviation):
        assert math.isnan(statistic(np.full(3, np.nan)).value)
    assert math.isnan(estimates.share(np.empty(0, bool)).value)
    assert math.isnan(estimates.mean_of([]).value)
    assert estimates.share(np.ones(30, bool)).error > 0


def test_texts_of_a_report_count_one_and_name_the_minute(survey, product):
    report, _ = measured_report(survey, product)
    first = next(row for row in report.rows if row.verdict == Agreement.DIFFERS)
    one = replace(report, rows=(first,), simulated=False, created="2026-11-30T04:25:52+02:00")
    assert one.summary == "1 statement of the paper: 1 differs."
    assert one.created_text == "2026-11-30 02:25 UTC"
    near = replace(first, digits=1, ours=-0.04, error=0.2, difference=-0.04, unit="km/s")
    assert (near.ours_text, near.difference_text) == ("0.0 ± 0.2 km/s", "+0.0")
    assert report_table(one).splitlines()[4].endswith(f"differs  {first.key}"), "the name for --only"


def test_the_report_survives_json(survey, product):
    report, _ = measured_report(survey, product)
    assert report_of(json.loads(report_text(report))) == report
    with pytest.raises(ValueError, match="rows"):
        report_of({**json.loads(report_text(report)), "rows": [{"key": 3}]})


def test_the_report_is_written_whole_and_published(stars, other_table, tmp_path, capsys):
    directory = write_product(tmp_path / "invented", stars)
    before = Manifest.read(directory).files
    arguments = ["reproduce", str(directory), "--catalogue", str(other_table)]
    assert main([*arguments, "--no-publish"]) == 0
    assert Manifest.read(directory).files == before
    assert published_report(directory) is None
    assert main(arguments) == 0
    output = tmp_path / "invented.reproduction"
    report = read_report(output / "report.json")
    assert {path.name for path in output.iterdir()} == {
        *("report.json", "report.pdf"),
        *(f"figure_{number}.{form}" for number in range(1, 12) for form in ("png", "svg")),
    }
    assert (output / "report.pdf").read_bytes().startswith(b"%PDF")
    assert b"/Type3" not in (output / "report.pdf").read_bytes()
    assert verify(directory) == []
    after = Manifest.read(directory).files
    assert {name: after[name] for name in before} == before
    assert published_report(directory) == report
    assert not list(tmp_path.glob(".part*"))
    told = capsys.readouterr().out
    assert "28,610" in told
    assert "Cannot be compared:" in told or all(row.reason == "" for row in report.rows)


def test_the_command_of_a_row_repeats_it(product, capsys):
    row = judged(BY_KEY["rv-gaia-scatter"], opened_survey(product), product)
    before = sorted(product.parent.iterdir())
    assert main(row.command.split()[3:]) == 0
    assert row.ours_text in capsys.readouterr().out
    assert sorted(product.parent.iterdir()) == before


def test_other_folders_and_wrong_arguments_are_refused(product, tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("!")
    assert main(["reproduce", str(product), "--output", str(tmp_path / "mine")]) == 2
    assert "holds other files" in capsys.readouterr().err
    assert main(["reproduce", str(product), "--only", "rv-gaia-scater"]) == 2
    assert "Did you mean 'rv-gaia-scatter'?" in capsys.readouterr().err
    assert main(["reproduce", str(product), "--output", str(product / "inside")]) == 2
    assert "inside the product" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["reproduce", str(product), "--column", "teff=T"])
    with pytest.raises(ProductError):
        reproduce(tmp_path / "nothing", tmp_path / "out")
    (tmp_path / "stars.csv").write_text("obsid\n1\n")
    assert main(["reproduce", str(tmp_path / "stars.csv")]) == 2
    assert "stars.csv is a file, not a product directory. Build a product of it first" in capsys.readouterr().err
    two = ["--catalogue", str(tmp_path / "stars.csv"), "--column", "teff=a", "--column", "teff=b"]
    assert main(["reproduce", str(product), *two]) == 2
    assert "a column of ours has two of theirs" in capsys.readouterr().err


def test_a_product_that_cannot_be_written_still_has_its_report(product, tmp_path, monkeypatch, capsys):
    def refuse(directory, *_):
        raise OSError(errno.EROFS, "Read-only file system", f"{directory}.lock")

    monkeypatch.setattr("pipeline.reproduction.report.publish_reproduction", refuse)
    assert main(["reproduce", str(product), "--output", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert f"The report is complete in {tmp_path / 'out'}, but is not published in {product}" in error
    assert "the file system is read-only" in error
    assert "With --no-publish" in error
    assert json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))["rows"]


def test_a_draft_of_a_killed_process_is_removed_and_that_of_a_running_one_kept(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left, running = (tmp_path / f".part-{number}.out" for number in (ended.pid, os.getppid()))
    other = tmp_path / f".part-{ended.pid}.another"
    for folder in (left, running, other):
        folder.mkdir()
        (folder / "report.json").write_text("{")
    with _replaced(tmp_path / "out") as draft:
        (draft / "report.json").write_text("{}")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([running.name, other.name, "out"])


def test_a_catalogue_without_labels_is_refused(product, tmp_path, capsys):
    pd.DataFrame({"obsid": [1000, 1001], "flux": [1.0, 2.0]}).to_csv(tmp_path / "other.csv", index=False)
    assert main(["reproduce", str(product), "--catalogue", str(tmp_path / "other.csv"), "--only", "other-stars"]) == 2
    assert "has no column that is known" in capsys.readouterr().err


def test_a_damaged_report_is_refused_with_its_remedy(stars, tmp_path):
    directory = write_product(tmp_path / "invented", stars)
    reproduce(directory, tmp_path / "out")
    path = directory / "reproduction" / "report.json"
    path.write_text("{}", "utf-8")
    with pytest.raises(ProductError, match="reproduce DIR` again"):
        published_report(directory)
    assert any("report.json" in breach for breach in verify(directory))


def test_a_simulated_build_reproduces(tiny, tmp_path):
    directory = tmp_path / "tiny"
    shutil.copytree(tiny, directory)
    report = reproduce(directory, tmp_path / "out")
    assert verify(directory) == []
    assert {Agreement(row.verdict) for row in report.rows} == set(Agreement)
    drawn = {figure.number for figure in report.figures if figure.files}
    assert drawn == {figure.number for figure in FIGURES} - {"1", "6"}
    assert all(row.ours is not None for row in report.rows if row.key.startswith(("cv-bias", "coverage", "rv-")))


@pytest.mark.shared
def test_real_tables_reproduce_as_far_as_they_go(shared_data, tmp_path, monkeypatch):
    monkeypatch.setenv("MGIANT_DATA", str(shared_data))
    config = load_config("real-tables")
    config = replace(config, kinematics=replace(config.kinematics, draws=0, membership=False))
    directory = tmp_path / "real-tables"
    build(config, directory, progress_file=tmp_path / "progress.jsonl", quiet=True)
    report = reproduce(directory, tmp_path / "out")
    rows = {row.key: row for row in report.rows}
    assert not report.simulated
    assert all(row.data == "real" for row in report.rows)
    assert "lacks" in rows["cv-scatter-teff"].reason
    assert rows["near-plane"].stars > 10_000
    assert "SIMULATED" not in report_text(report)
    assert {figure.number for figure in report.figures if figure.files} >= {"8", "10", "11"}
    with io.BytesIO((tmp_path / "out" / "report.pdf").read_bytes()) as pdf:
        assert pdf.read(4) == b"%PDF"
