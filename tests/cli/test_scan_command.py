"""`jaxbounce scan` and `jaxbounce show`: files in, stores, pictures and messages out."""

import numpy as np
import pytest
import xarray as xr

from jaxbounce import Status, load, predict
from jaxbounce.cli import main
from jaxbounce.inference import likelihood
from jaxbounce.scan.summary import log_likelihood
from scans import GRID, SOBOL, written


@pytest.mark.slow
def test_the_store_opens_with_labels_and_holds_predictions(tmp_path, capsys):
    assert main(["scan", str(written(tmp_path, GRID))]) == 0
    assert "180  SUCCESS" in capsys.readouterr().out
    data = xr.open_zarr(tmp_path / "scan.zarr")
    assert data.rho_B.dims == ("v_w", "f_chi", "P")
    at = data.sel(v_w=0.3, P=0.1, method="nearest").isel(f_chi=4)
    model = load(preset="exact").replace(v_w=float(at.v_w), P=0.1, f_chi=float(at.f_chi))
    single = predict(model)
    for name in ("Y_B", "Y_chi", "rho_B", "rho_DM"):
        np.testing.assert_allclose(float(at[name]), getattr(single, name), rtol=1e-12)
    assert data.rho_DM.attrs["long_name"].startswith("dark-matter density")
    assert data.attrs["scan"]["config"]["m_chi_GeV"] == 0.95
    assert len(data.attrs["sha256"]) == 64
    assert (data.status == Status.SUCCESS).all()


def test_points_of_a_sequence_are_kept_beside_their_results(tmp_path):
    assert main(["scan", str(written(tmp_path, SOBOL))]) == 0
    data = xr.open_zarr(tmp_path / "scan.zarr")
    assert set(data.coords) == {"v_w", "f_chi"}
    assert data.rho_B.dims == ("point",)
    model = load(preset="benchmark")
    for i in (0, 63, 64, 299):
        one = data.isel(point=i)
        single = predict(model.replace(v_w=float(one.v_w), f_chi=float(one.f_chi)))
        np.testing.assert_allclose(float(one.rho_B), single.rho_B, rtol=1e-12)


def test_points_from_a_file_and_impossible_ones(tmp_path, capsys):
    rng = np.random.default_rng(1)
    v_w, P = rng.uniform(0.1, 0.9, 200), rng.uniform(0, 1, 200)
    v_w[50], P[120] = 1.5, np.nan
    rows = "\n".join(f"{a!r},{b!r}" for a, b in zip(v_w.tolist(), P.tolist(), strict=True))
    written(tmp_path, "v_w,P_chi_to_B\n" + rows, "points.csv")
    path = written(tmp_path, 'design = "file"\nfile = "points.csv"\nchunk = 50\n')
    assert main(["scan", str(path)]) == 0
    captured = capsys.readouterr()
    assert "v_w: 1 of 200 values are not in (0, 1) (such as 1.5)" in captured.err
    assert "2  INVALID_PARAMETER" in captured.out
    data = xr.open_zarr(tmp_path / "scan.zarr")
    bad = np.isin(np.arange(200), [50, 120])
    np.testing.assert_array_equal(data.status == Status.INVALID_PARAMETER, bad)
    np.testing.assert_array_equal(np.isnan(data.rho_B), bad)
    np.testing.assert_array_equal(data.v_w, v_w)


def test_show_summarises_draws_and_exports(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    assert main(["scan", str(written(tmp_path, GRID))]) == 0
    store = tmp_path / "scan.zarr"
    data = xr.open_zarr(store)
    capsys.readouterr()
    picture, table = tmp_path / "map.png", tmp_path / "points.csv"
    arguments = ["--plot", str(picture), "--quantity", "log_likelihood", "--out", str(table)]
    assert main(["show", str(store), *arguments, "--x", "f_chi", "--y", "v_w"]) == 0
    text = capsys.readouterr().out
    assert f"{float(data.rho_B.max()):#.6g}" in text
    assert picture.read_bytes().startswith(b"\x89PNG")
    header = table.read_text(encoding="utf-8").splitlines()[0].split(",")
    assert {"v_w", "Y_B", "rho_B [kg m-3]", "status"} <= set(header)
    rows = np.genfromtxt(table, delimiter=",", skip_header=1, names=[h.split()[0] for h in header])
    np.testing.assert_array_equal(rows["rho_B"], data.rho_B.values.ravel())
    np.testing.assert_array_equal(rows["P"].reshape(9, 10, 2)[0, 0], [0.1, 0.3])
    planck = likelihood()
    for suffix in (".parquet", ".nc"):
        flat = tmp_path / f"points{suffix}"
        assert main(["show", str(store), "--out", str(flat)]) == 0
        if suffix == ".nc":
            exported = xr.load_dataset(flat)
            assert {"v_w", "f_chi", "P"} <= set(exported.coords)
            assert exported.rho_B.attrs["units"] == "kg m-3"
            assert exported.v_w.attrs["units"] == "1"
            assert "baryon density" in exported.rho_B.attrs["long_name"]
            assert "SUCCESS" in exported.status.attrs["flag_meanings"].split()
        else:
            import pandas

            exported = pandas.read_parquet(flat).to_xarray()
        np.testing.assert_array_equal(exported.rho_DM, data.rho_DM.values.ravel())
    found = log_likelihood(planck, data.rho_B.values, data.rho_DM.values)
    one = predict(load(preset="exact").replace(v_w=0.1, f_chi=1e-9, P=0.3))
    np.testing.assert_allclose(found[0, 0, 1], -0.5 * planck.chi2(one), rtol=1e-9)


def test_show_of_an_unfinished_store(tmp_path, capsys):
    assert main(["scan", str(written(tmp_path, SOBOL))]) == 0
    store = tmp_path / "scan.zarr"
    (store / "status" / "c" / "0").unlink()
    capsys.readouterr()
    table = tmp_path / "points.csv"
    assert main(["show", str(store), "--out", str(table)]) == 0
    text = capsys.readouterr().out
    assert "240 of 300 points computed" in text
    assert "240 points" in text
    assert len(table.read_text().splitlines()) == 241


def test_dry_run_stores_nothing(tmp_path, capsys, monkeypatch):
    from jaxbounce.scan import engine

    monkeypatch.setattr(engine, "_TRIED_SECONDS", 0.1)
    assert main(["scan", str(written(tmp_path, SOBOL)), "--dry-run"]) == 0
    text = capsys.readouterr().out
    for word in ("points      300", "chunks      5 of up to 60", "memory", "rate", "time"):
        assert word in text
    assert [p.name for p in tmp_path.iterdir()] == ["scan.toml"]


def test_bad_use_of_the_command(tmp_path, capsys):
    path = str(written(tmp_path, SOBOL))
    for arguments, message in (
        (["scan"], "SCAN.toml: missing"),
        (["scan", path, "--resume"], "there is no"),
        (["scan", path, "--workers", "0"], "--workers = 0"),
        (["scan", path, "--workers", "1", "--scheduler", "tcp://x:1"], "both given"),
        (["scan", path, "--out", f"{path}/store.zarr"], "cannot be written"),
        (["show", str(tmp_path)], "is not a store of a scan"),
    ):
        assert main(arguments) == 2
        message_there = capsys.readouterr().err
        assert message in message_there
        assert message_there.count("\n") == 1


@pytest.mark.slow
def test_single_precision_states_its_error(tmp_path, capsys):
    path = written(tmp_path, SOBOL)
    assert main(["scan", str(path), "--set", "precision=float32"]) == 0
    data = xr.open_zarr(tmp_path / "scan.zarr")
    assert data.rho_B.dtype == np.float32
    stated = data.attrs["float32_relative_error"]
    assert main(["scan", str(path), "--out", str(tmp_path / "double.zarr")]) == 0
    exact = xr.open_zarr(tmp_path / "double.zarr")
    error = float(np.abs(data.rho_B / exact.rho_B - 1).max())
    assert 1e-9 < error < 2e-5
    assert 0.1 * error < stated["rho_B"] < 2e-5
    assert main(["show", str(tmp_path / "scan.zarr")]) == 0
    assert "rho_B: " in capsys.readouterr().out


def test_show_counts_finished_chunks_only(tmp_path, capsys):
    assert main(["scan", str(written(tmp_path, SOBOL))]) == 0
    store = tmp_path / "scan.zarr"
    for file in (store / "status" / "c").iterdir():
        file.unlink()
    capsys.readouterr()
    assert main(["show", str(store), "--out", str(tmp_path / "none.csv")]) == 1
    captured = capsys.readouterr()
    assert "no number" in captured.out
    assert "highest at" not in captured.out
    assert "nothing is computed yet" in captured.err
    assert not (tmp_path / "none.csv").exists()
