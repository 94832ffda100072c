"""NetCDF files, read again by another library than writes them."""

import dataclasses
import sys

import h5py
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbounce import ConfigurationError
from jaxbounce.files.evolution import COLUMNS, write
from jaxbounce.files.netcdf import write_netcdf
from jaxbounce.yields import Evolution

COLUMN = np.array([1.0, np.nan, 1e-300])


def test_variables_and_attributes_come_back(tmp_path):
    path = tmp_path / "points.nc"
    codes = np.array([1, 6, 1], np.int8)
    write_netcdf(path, "point", {"Y_B": COLUMN, "status": codes}, {"sha256": "abc"})
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["Y_B"], COLUMN)
        np.testing.assert_array_equal(file["status"], codes)
        assert np.asarray(file["status"]).dtype == np.int8
        assert "_FillValue" not in file["Y_B"].attrs
        assert file.attrs["sha256"] in ("abc", b"abc")
    assert [found.name for found in tmp_path.iterdir()] == ["points.nc"]


def test_an_evolution_keeps_its_columns_and_inputs(tmp_path):
    numbers = (jnp.asarray(k + COLUMN) for k in range(len(dataclasses.fields(Evolution)) - 1))
    found = Evolution(*numbers, status=jnp.asarray([1, 1, 6]))
    path = tmp_path / "evolution.nc"
    write(path, found, '{"v_w": 0.3}')
    names = {"T_GeV": "T", "area_density_v_w_over_beta": "area_density"}
    with h5py.File(path) as file:
        for name in COLUMNS:
            np.testing.assert_array_equal(file[name], getattr(found, names.get(name, name)))
            assert {"units", "long_name"} <= set(file[name].attrs)
        assert file["T_GeV"].attrs["units"] in ("GeV", b"GeV")
        assert file.attrs["inputs"] in ('{"v_w": 0.3}', b'{"v_w": 0.3}')
        assert "jaxbounce_version" in file.attrs


@pytest.mark.parametrize("missing", ["xarray", "h5netcdf"])
def test_a_missing_library_is_named_in_one_line(tmp_path, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    path = tmp_path / "points.nc"
    with pytest.raises(ConfigurationError, match=f"points.nc: netCDF needs {missing}") as refusal:
        write_netcdf(path, "point", {"Y_B": COLUMN}, {})
    assert "\n" not in str(refusal.value)
    assert not list(tmp_path.iterdir())
