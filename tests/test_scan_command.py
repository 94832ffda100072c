"""`jaxbounce scan` and `jaxbounce show`: files in, stores, pictures and messages out."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from jaxbounce import Status, load, predict
from jaxbounce._checks import ConfigurationError
from jaxbounce.cli import main
from jaxbounce.inference import likelihood
from jaxbounce.scan import open_store
from jaxbounce.scan_config import TEMPLATE, read_scan
from jaxbounce.scan_report import log_likelihood

SOBOL = """
preset = "benchmark"
design = "sobol"
points = 300
seed = 3
chunk = 64
[parameters]
v_w = { prior = "uniform", low = 0.05, high = 0.95 }
incident_flux_scale = { prior = "log-uniform", low = 1e-10, high = 1e-6 }
"""
GRID = """
preset = "exact"
design = "grid"
chunk = 40
[parameters]
v_w = { low = 0.1, high = 0.9, count = 9 }
f_chi = { low = 1e-9, high = 1e-6, count = 10, scale = "log" }
P = { values = [0.1, 0.3] }
"""


def written(tmp_path, text, name="scan.toml"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def content(store):
    """Every file of a store."""
    return {
        str(path.relative_to(store)): path.read_bytes()
        for path in sorted(Path(store).rglob("*"))
        if path.is_file()
    }


def command(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "jaxbounce.cli", "scan", *map(str, arguments)],
        capture_output=True,
        text=True,
        **options,
    )


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


def test_a_lost_chunk_is_computed_again(tmp_path, capsys):
    path = written(tmp_path, SOBOL)
    assert main(["scan", str(path)]) == 0
    store = tmp_path / "scan.zarr"
    whole = content(store)
    (store / "status" / "c" / "2").unlink()  # as if killed before the last write of a chunk
    (store / "rho_B" / "c" / "4").unlink()  # as if the disk had lost a file
    (store / "Y_B" / "c" / "1").write_bytes(b"")  # as if the machine had stopped
    (store / "Y_B" / "c" / "3.0123abcd.partial").write_bytes(b"half")
    assert len(open_store(store).missing()) == 3
    assert open_store(store).counts()[Status.NOT_COMPUTED] == 60 * 3
    capsys.readouterr()
    assert main(["scan", str(path), "--resume"]) == 0
    assert "120 points were there already" in capsys.readouterr().out
    assert content(store) == whole


def test_a_store_of_another_scan_is_refused_by_name(tmp_path, capsys):
    path = written(tmp_path, SOBOL)
    assert main(["scan", str(path)]) == 0
    before = content(tmp_path / "scan.zarr")
    for change, named in (
        ('config={"T_p_GeV": 1}', "m_chi_GeV: missing"),
        ("seed=4", "seed is 3 there, 4 here"),
        ("parameters.v_w.high=0.9", "parameters.v_w.high is 0.95 there, 0.9 here"),
        ("points=301", "points is 300 there, 301 here"),
        ("preset=exact", "config.area_kernel"),
        ('gradients=["rho_B"]', "gradients"),
        ("chunk=32", "chunks"),
    ):
        capsys.readouterr()
        assert main(["scan", str(path), "--set", change]) == 2
        message = capsys.readouterr().err
        assert named in message
        assert message.count("\n") == 1
    assert content(tmp_path / "scan.zarr") == before


def test_a_store_begun_with_other_versions_is_refused(tmp_path, capsys, monkeypatch):
    path = written(tmp_path, SOBOL)
    assert main(["scan", str(path)]) == 0
    from jaxbounce.scan import store

    monkeypatch.setattr(store, "__version__", "9.9")
    assert main(["scan", str(path)]) == 2
    assert 'jaxbounce is "0.1.0" there, "9.9" here' in capsys.readouterr().err


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
    assert f"{float(data.rho_B.max()):.8g}" in text
    assert picture.read_bytes().startswith(b"\x89PNG")
    rows = np.genfromtxt(table, delimiter=",", names=True)
    np.testing.assert_array_equal(rows["rho_B"], data.rho_B.values.ravel())
    np.testing.assert_array_equal(rows["P"].reshape(9, 10, 2)[0, 0], [0.1, 0.3])
    planck = likelihood()
    for suffix in (".parquet", ".nc"):
        flat = tmp_path / f"points{suffix}"
        assert main(["show", str(store), "--out", str(flat)]) == 0
        if suffix == ".nc":
            exported = xr.load_dataset(flat)
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


def test_the_template_is_a_scan(tmp_path):
    import tomllib

    table = tomllib.loads(TEMPLATE)
    assert read_scan(table).plan().layout.points == 100_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"desing": "grid"}, "desing: unknown key; did you mean 'design'?"),
        ({"design": "sobl"}, 'design = \'sobl\': must be one of "grid", "sobol"'),
        ({"points": 0}, "points = 0: must be a whole number ≥ 1"),
        ({"points": None}, "points: missing"),
        ({"parameters": {}}, "parameters: missing"),
        ({"parameters": {"v_w": 0.3}}, "parameters.v_w = 0.3: must be a table"),
        ({"parameters": {"v_v": {"prior": "uniform", "low": 0, "high": 1}}}, "did you mean 'v_w'?"),
        ({"parameters": {"v_w": {"low": 0.1, "high": 1}}}, "parameters.v_w.prior: missing"),
        ({"parameters": {"v_w": {"prior": "uniform", "low": 0.1}}}, "parameters.v_w.high: missing"),
        ({"parameters": {"v_w": {"prior": "uniform", "low": 0.1, "high": 2}}}, "in [0, 1]"),
        ({"design": "grid"}, 'points = 300: design = "grid" has none'),
        ({"file": "a.csv"}, "file = 'a.csv': design = \"sobol\" has none"),
        ({"outputs": ["rho_b"]}, "did you mean 'rho_B'?"),
        ({"outputs": "rho_B"}, "outputs = 'rho_B': must be a list of names"),
        ({"gradients": ["error_estimate"]}, "gradients = 'error_estimate': must be one of"),
        ({"precision": "single"}, "precision = 'single': must be one of"),
        ({"chunk": -1}, "chunk = -1: must be a whole number ≥ 1"),
        ({"seed": -1}, "seed = -1: must be a whole number ≥ 0"),
        ({"config": 3}, "config = 3: must be a path or a table"),
        ({"config": "none.json"}, "none.json: cannot be read"),
        ({"preset": "best"}, "preset = 'best': must be one of"),
    ],
)
def test_what_is_wrong_is_named(change, message):
    import tomllib

    table = {**tomllib.loads(SOBOL), **change}
    with pytest.raises(ConfigurationError) as caught:
        read_scan({key: value for key, value in table.items() if value is not None})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("axis", "message"),
    [
        ({"low": 0.1, "high": 0.9}, "parameters.v_w.count: missing"),
        ({"low": 0, "high": 0.9, "count": 3, "scale": "log"}, "must be > 0"),
        ({"low": 0.1, "high": 0.9, "count": 3, "scale": "ln"}, "must be one of"),
        ({"values": []}, "must be a list of numbers"),
        ({"values": [0.1, "x"]}, "must be a number"),
        ({"values": [0.1], "count": 2}, "stand alone"),
        ({"prior": "uniform", "low": 0.1, "high": 0.9}, "has no priors"),
        ({"low": 0.1, "high": 0.9, "number": 3}, "unknown key"),
    ],
)
def test_what_is_wrong_with_an_axis_is_named(axis, message):
    with pytest.raises(ConfigurationError) as caught:
        read_scan({"design": "grid", "parameters": {"v_w": axis}})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("v_w\n", "holds no points"),
        ("v_v\n0.1\n", "did you mean 'v_w'?"),
        ("v_w\nabc\n", "column v_w"),
        ("", "cannot be read"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(tmp_path, text, message):
    written(tmp_path, text, "points.csv")
    with pytest.raises(ConfigurationError) as caught:
        read_scan({"design": "file", "file": "points.csv"}, tmp_path)
    assert message in str(caught.value)


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


def test_annihilation_that_varies_is_integrated(tmp_path):
    """What varies decides on the equations, not the value in the configuration."""
    settings = read_scan(
        {
            "config": {"m_chi_GeV": 100.0, "T_p_GeV": 50.0, "beta_over_H": 100.0, "v_w": 0.3,
                       "P_chi_to_B": 0.1, "regime": "thermal"},
            "design": "grid",
            "parameters": {"sigma_v_chi_GeV_m2": {"values": [0.0, 1e-9]}},
        }
    )  # fmt: skip
    assert settings.model.choices.equations == "boltzmann"


def test_a_second_writer_is_refused(tmp_path, capsys):
    path = written(tmp_path, SOBOL)
    assert main(["scan", str(path)]) == 0
    with open_store(tmp_path / "scan.zarr").only_writer():
        assert main(["scan", str(path)]) == 1
    assert "another scan is writing" in capsys.readouterr().err


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


LARGE = SOBOL.replace("300", "200_000").replace("chunk = 64", "chunk = 2048")


# No file above 60 kB: what a full disk does to the chunks of results, not to metadata. Set in
# the new process: a fork of this one, which runs threads of JAX, might deadlock.
_LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
from jaxbounce.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_a_write_that_fails_leaves_a_valid_store(tmp_path):
    path = written(tmp_path, LARGE)
    environment = {**os.environ, "JAX_ENABLE_COMPILATION_CACHE": "false"}
    failed = subprocess.run(
        [sys.executable, "-c", _LIMITED, "scan", str(path), "--set", "chunk=16384"],
        capture_output=True, text=True, env=environment,
    )  # fmt: skip
    assert failed.returncode == 1
    last = failed.stderr.splitlines()[-1]
    assert "cannot write to" in last
    assert "the same command continues" in last
    assert "Traceback" not in failed.stderr
    assert len(open_store(tmp_path / "scan.zarr").missing()) == 13
    done = command(path, "--set", "chunk=16384")
    assert done.returncode == 0, done.stderr
    assert "200000  SUCCESS" in done.stdout


def _killed(path, out, store, seconds, *arguments):
    """Start a scan, wait until it has stored something more, then a moment, and kill it."""

    def chunks():
        return sum(1 for p in (store / "status").rglob("*") if p.is_file())

    before = chunks()
    process = subprocess.Popen(
        [sys.executable, "-m", "jaxbounce.cli", "scan", path, "--out", out, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while process.poll() is None and chunks() <= before and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    return process.wait()


@pytest.mark.slow
def test_killed_at_random_moments_the_store_is_that_of_an_uninterrupted_scan(tmp_path):
    path = written(tmp_path, LARGE)
    assert command(path, "--out", tmp_path / "whole.zarr").returncode == 0
    store = tmp_path / "killed.zarr"
    rng = np.random.default_rng(11)
    kills = 0
    for seconds in rng.uniform(0, 0.3, 6):
        kills += _killed(str(path), str(store), store, seconds) == -signal.SIGKILL
    assert kills >= 2
    done = command(path, "--out", store)
    assert done.returncode == 0, done.stderr
    assert content(store) == content(tmp_path / "whole.zarr")


@pytest.mark.slow
def test_a_lost_worker_is_replaced_and_the_store_is_the_same(tmp_path):
    psutil = pytest.importorskip("psutil")
    path = written(tmp_path, LARGE)
    assert command(path, "--out", tmp_path / "whole.zarr").returncode == 0
    store = tmp_path / "workers.zarr"
    process = subprocess.Popen(
        [sys.executable, "-m", "jaxbounce.cli", "scan", str(path), "--out", str(store),
         "--workers", "2"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not any((store / "status").rglob("c/*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    workers = [
        child
        for child in psutil.Process(process.pid).children(recursive=True)
        if any("spawn_main" in word for word in child.cmdline())
    ]
    assert len(workers) == 2
    workers[0].kill()
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    assert "200000  SUCCESS" in out
    assert content(store) == content(tmp_path / "whole.zarr")


@pytest.mark.slow
def test_a_scheduler_that_goes_away(tmp_path):
    distributed = pytest.importorskip("distributed")
    path, store = written(tmp_path, LARGE), tmp_path / "scan.zarr"
    nobody = command(path, "--scheduler", "tcp://127.0.0.1:9")
    assert nobody.returncode == 2
    assert "no scheduler answers" in nobody.stderr
    code = (
        "import distributed, time\n"
        "if __name__ == '__main__':\n"
        "    cluster = distributed.LocalCluster(n_workers=1, dashboard_address=None)\n"
        "    print(cluster.scheduler_address, flush=True)\n"
        "    time.sleep(600)\n"
    )
    script = written(tmp_path, code, "scheduler.py")
    scheduler = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert distributed
    assert scheduler.stdout is not None
    address = scheduler.stdout.readline().strip()
    process = subprocess.Popen(
        [sys.executable, "-m", "jaxbounce.cli", "scan", str(path), "--scheduler", address],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not any((store / "status").rglob("c/*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    scheduler.kill()
    scheduler.communicate()
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    last = err.strip().splitlines()[-1]
    assert "the scheduler went away" in last
    assert "the same command continues" in last
    assert command(path).returncode == 0
    assert json.loads((store / "zarr.json").read_text())["attributes"]["jaxbounce_scan"] == 1
    assert not open_store(store).missing()


def test_the_order_of_parameters_is_part_of_a_scan(tmp_path, capsys):
    """It decides which coordinate of the sequence a parameter gets."""
    path = written(tmp_path, SOBOL)
    assert main(["scan", str(path)]) == 0
    head, first, second = SOBOL.strip().rsplit("\n", 2)
    swapped = written(tmp_path, "\n".join((head, second, first)), "swapped.toml")
    assert main(["scan", str(swapped), "--out", str(tmp_path / "scan.zarr")]) == 2
    assert 'order is ["v_w", "f_chi"] there' in capsys.readouterr().err


@pytest.mark.parametrize("rows", ["0.3,100,5\n0.5,10,5", "0.3,100,5\n0.5,10"])
def test_a_file_with_cells_beyond_its_columns_is_refused(tmp_path, rows):
    written(tmp_path, f"v_w,beta_over_H\n{rows}\n", "points.csv")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_scan({"design": "file", "file": "points.csv"}, tmp_path)


def test_commas_at_the_ends_of_lines_shift_nothing(tmp_path):
    written(tmp_path, "v_w,beta_over_H\n0.3,100,\n0.5,10,\n", "points.csv")
    design = read_scan({"design": "file", "file": "points.csv"}, tmp_path).design
    assert design.points((slice(0, 2),))["v_w"].tolist() == [0.3, 0.5]


def test_damaged_files_are_recomputed_or_named(tmp_path, capsys):
    path = written(tmp_path, SOBOL)
    assert main(["scan", str(path)]) == 0
    store = tmp_path / "scan.zarr"
    whole = content(store)
    for name in ("rho_B", "status"):  # cut off
        file = store / name / "c" / "1"
        file.write_bytes(file.read_bytes()[:20])
        assert main(["scan", str(path)]) == 0
        assert content(store) == whole
    file = store / "rho_B" / "c" / "2"  # of the right size, with other content
    file.write_bytes(file.read_bytes()[::-1])
    capsys.readouterr()
    assert main(["show", str(store)]) == 1
    message = capsys.readouterr().err
    assert f"{file}: is damaged" in message
    file.unlink()
    assert main(["scan", str(path)]) == 0
    assert content(store) == whole
    (store / "zarr.json").write_text("{", encoding="utf-8")
    capsys.readouterr()
    assert main(["show", str(store)]) == 2
    assert "is not a store of a scan, or a damaged one" in capsys.readouterr().err


def test_paths_in_a_scan_start_at_its_file_and_may_be_spelt_otherwise(tmp_path, monkeypatch):
    from jaxbounce.conversion_config import SHIPPED_WALL

    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "wall.csv").write_bytes(SHIPPED_WALL.read_bytes())
    table = {
        "config": {
            "m_chi_GeV": 0.95, "T_p_GeV": 100.0, "beta_over_H": 100.0, "v_w": 0.3,
            "Y_chi_init": 4.9e-10,
            "conversion": {"profile_csv": "sub/wall.csv", "model": "local"},
        },
        "design": "grid",
        "parameters": {"f_chi": {"values": [1e-9, 2e-9]}},
    }  # fmt: skip
    here = read_scan(table, tmp_path).plan().table
    monkeypatch.chdir(tmp_path / "sub")
    assert read_scan(table, Path("..")).plan().table == here
    lines = (tmp_path / "sub" / "wall.csv").read_text().splitlines()
    lines[100] = lines[100].replace("1", "2", 1)
    (tmp_path / "sub" / "wall.csv").write_text("\n".join(lines) + "\n")
    changed = read_scan(table, tmp_path).plan().table
    assert changed["model_sha256"] != here["model_sha256"]
    table["parameters"] = {"v_w": {"values": [0.3, 0.9]}}
    for v_w in (0.3, 0.9):
        table["config"]["conversion"]["wall"] = {"v_w": v_w}
        with pytest.raises(ConfigurationError, match="v_w"):
            read_scan(table, tmp_path)


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


HUGE = 10**400


@pytest.mark.parametrize(
    "change",
    [
        {"parameters": {"v_w": {"low": 0.1, "high": HUGE, "count": 3}}},
        {"parameters": {"v_w": {"values": [HUGE]}}},
        {"parameters": {"v_w": {"values": [0.1, 0.1]}}},
        {"parameters": {"v_w": {"low": 0.1, "high": 0.9, "count": 10**11}}},
        {"design": "random", "points": 10**15},
        {"design": "random", "points": 10, "chunk": 10**10},
        {"precision": "float32", "gradients": ["rho_B"]},
    ],
    ids=str,
)
def test_what_is_too_much_is_refused(change):
    table = {"design": "grid", "parameters": {"v_w": {"values": [0.1]}}, **change}
    if table["design"] != "grid":
        table["parameters"] = {"v_w": {"prior": "uniform", "low": 0.1, "high": 0.9}}
    with pytest.raises(ConfigurationError) as caught:
        read_scan(table).plan()
    assert "\n" not in str(caught.value)
