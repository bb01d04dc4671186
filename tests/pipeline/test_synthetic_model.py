"""The safe unpickler, and line positions of the embedded model."""

import io
import pickle

import numpy as np
import pytest

from pipeline.domain.wavelength import air_to_vacuum
from pipeline.science.spectra.synthetic import SyntheticModel
from pipeline.sources.embedded import SYNTHETIC_TABLE, load_table
from pipeline.sources.synthetic_model import read_arrays_only


class Evil:
    def __reduce__(self):
        return (print, ("executed",))


def test_code_in_a_pickle_is_refused_and_not_run(capsys):
    with pytest.raises(pickle.UnpicklingError, match="only numpy arrays"):
        read_arrays_only(io.BytesIO(pickle.dumps({"x": Evil()})))
    assert capsys.readouterr().out == ""
    with pytest.raises(pickle.UnpicklingError, match="expected a dict"):
        read_arrays_only(io.BytesIO(pickle.dumps([1, 2])))


def test_ca_triplet_is_at_its_vacuum_wavelengths():
    model = SyntheticModel.from_table(load_table(SYNTHETIC_TABLE))
    flux = model.flux([(4200.0, 1.5, 0.0)])[0]
    wavelength = 10.0**model.log_wavelength
    for line in air_to_vacuum([8498.02, 8542.09, 8662.14]):
        near = np.abs(wavelength - line) < 6.0
        assert wavelength[near][flux[near].argmin()] == pytest.approx(line, abs=0.8)
        assert flux[near].min() < 0.75


def test_labels_beyond_the_range_move_to_its_edge():
    model = SyntheticModel.from_table(load_table(SYNTHETIC_TABLE))
    np.testing.assert_array_equal(model.flux([(2000.0, 1.0, 0.0)]), model.flux([(3500.0, 1.0, 0.0)]))
