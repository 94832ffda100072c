"""Stores that were interrupted, damaged, or belong to another scan."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from jaxbounce import Status
from jaxbounce.cli import main
from jaxbounce.scan import open_store
from scans import SOBOL, command, content, written


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
    from jaxbounce.scan import begin

    monkeypatch.setattr(begin, "__version__", "9.9")
    assert main(["scan", str(path)]) == 2
    assert 'jaxbounce is "0.1.0" there, "9.9" here' in capsys.readouterr().err


def test_a_second_writer_is_refused(tmp_path, capsys):
    path = written(tmp_path, SOBOL)
    assert main(["scan", str(path)]) == 0
    with open_store(tmp_path / "scan.zarr").only_writer():
        assert main(["scan", str(path)]) == 1
    assert "another scan is writing" in capsys.readouterr().err


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


@pytest.mark.long
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
    assert json.loads((store / "zarr.json").read_text())["attributes"]["jaxbounce_scan"] == 2
    assert not open_store(store).missing()


def test_the_order_of_parameters_is_part_of_a_scan(tmp_path, capsys):
    """It decides which coordinate of the sequence a parameter gets."""
    path = written(tmp_path, SOBOL)
    assert main(["scan", str(path)]) == 0
    head, first, second = SOBOL.strip().rsplit("\n", 2)
    swapped = written(tmp_path, "\n".join((head, second, first)), "swapped.toml")
    assert main(["scan", str(swapped), "--out", str(tmp_path / "scan.zarr")]) == 2
    assert 'order is ["v_w", "f_chi"] there' in capsys.readouterr().err


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
    assert main(["scan", str(path)]) == 0
    assert f"{file}: is damaged; 1 of 5 chunks" in capsys.readouterr().err
    assert content(store) == whole
    (store / "zarr.json").write_text("{", encoding="utf-8")
    capsys.readouterr()
    assert main(["show", str(store)]) == 2
    assert "is not a store of a scan, or a damaged one" in capsys.readouterr().err
