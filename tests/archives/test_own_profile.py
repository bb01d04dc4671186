"""Profiles that users write: what is refused, and with which words."""

import pytest

from pipeline.sources.archives.profile_reading import ArchiveProfileError, load_archives

WRONG = {
    "seconds without end": ("[service.lamost]\ntimeout_s = inf", r"\[service\.lamost\].* <= 2592000"),
    "no number": ("[service.lamost]\nspacing_s = nan", r"\[service\.lamost\].*>= 0.0"),
    "a phase asked without a pause": ("[service.gaia-ari]\npoll_s = 0.0", r"\[service\.gaia-ari\].*> 0.0.*poll_s"),
    "a time of a job that is over": ("[service.gaia-ari]\njob_s = -1.0", "job_s"),
    "uploads of nothing": ("[service.gaia-ari]\nupload_rows = 0", ">= 1.*upload_rows"),
    "results without rows": ("[query.gaia]\nmax_rows = 0", r"\[query\.gaia\].*>= 1"),
    "a negative size": ("[query.gaia]\nbytes_a_row = -3", "bytes_a_row"),
    "no path": ("[spectra.lamost]\nspectrum = []", "length >= 1.*spectrum"),
    "a field that is not known": ("[spectra.lamost]\nspectrum = ['a/{foo}']", r"it needs the field \{obsid\}"),
    "a field of an object": ("[spectra.lamost]\ncatalogue = '{name.__class__}'", r"it needs the field \{name\}"),
    "a brace too few": ("[spectra.lamost]\nspectrum = ['a/{obsid']", r"it needs the field \{obsid\}"),
    "the same for all": ("[spectra.lamost]\nspectrum = ['a/{release}']", r"it needs the field \{obsid\}"),
    "a release that leads elsewhere": ("[spectra.lamost]\nrelease = '../x'", "release"),
    "no service": ("[query.gaia]\nservices = []", "length >= 1.*services"),
    "a service that nothing uses": ("[service.lamst]\naddress = 'http://x'", r"lamst .*by nothing.*mean lamost"),
    "a service twice": ("[query.gaia]\nservices = ['gaia-ari', 'gaia-ari']", "names the service 'gaia-ari' twice"),
    "a token for TAP": ("[service.gaia-ari]\ntoken_variable = 'X'", "to which no token is sent"),
    "a name that leads elsewhere": ("[file.allStar]\nname = '../../x'", r"\[file\.allStar\]"),
    "a hidden name": ("[file.allStar]\nname = '.x'", "name"),
    "no host": ("[service.lamost]\naddress = 'https://'", "to which paths can be added"),
    "no port": ("[service.lamost]\naddress = 'https://host:99999'", "to which paths can be added"),
    "half an address": ("[service.lamost]\naddress = 'https://[::1'", "to which paths can be added"),
    "a space": ("[service.lamost]\naddress = 'https://ho st'", "to which paths can be added"),
    "a query": ("[service.lamost]\naddress = 'https://host/?a=b'", "to which paths can be added"),
    "a value in the place of a table": ("service = 3", "Expected `object`"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_profile_that_cannot_be_used_is_refused(tmp_path, name):
    text, says = WRONG[name]
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(ArchiveProfileError, match=says):
        load_archives(tmp_path / "own.toml")


def test_a_password_in_an_address_is_refused_without_being_shown(tmp_path):
    (tmp_path / "own.toml").write_text("[service.lamost]\naddress = 'https://me:hidden-word@host'")
    with pytest.raises(ArchiveProfileError, match="user name or a password in its address") as caught:
        load_archives(tmp_path / "own.toml")
    assert "hidden-word" not in str(caught.value)


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "own.toml").write_text("\ufeff[service.lamost]\nspacing_s = 1\n", "utf-8")
    assert load_archives(tmp_path / "own.toml").service["lamost"].spacing_s == 1.0


@pytest.mark.parametrize("address", ["http://[::1]:8080/a", "https://host.example.org:8443/tap/", "http://127.0.0.1"])
def test_addresses_that_work(tmp_path, address):
    (tmp_path / "own.toml").write_text(f"[service.lamost]\naddress = '{address}'\n")
    assert load_archives(tmp_path / "own.toml").service["lamost"].address == address
