"""What a disk or a copy does to a finished store is seen, and computed again."""

import json
import shutil

import numpy as np
import pytest

from jaxbounce import run_scan
from jaxbounce.cli import main
from jaxbounce.scan import open_store
from scans import GRID, SOBOL, content, written


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished scan over a sequence and one over a grid: tables and stores."""
    folder = tmp_path_factory.mktemp("scans")
    found = {}
    for name, text in (("sobol", SOBOL), ("grid", GRID)):
        table = written(folder, text, f"{name}.toml")
        assert main(["scan", str(table)]) == 0
        found[name] = table, table.with_suffix(".zarr")
    return found


def _copied(finished, name, tmp_path):
    table, store = finished[name]
    path = tmp_path / "scan.zarr"
    shutil.copytree(store, path)
    return str(table), path


def _flip(file, place):
    data = bytearray(file.read_bytes())
    data[place] ^= 0x10
    file.write_bytes(data)


def _crc_of(data):
    """Of the chunk files: CRC-32C of the content, bit by bit (RFC 3720)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return (crc ^ 0xFFFFFFFF).to_bytes(4, "little")


def _one_bit(store):
    _flip(store / "rho_B" / "c" / "1", 77)


def _one_bit_and_its_checksum_in_the_file(store):
    """Damage before the file was written: Zarr's own checksum agrees."""
    file = store / "Y_B" / "c" / "2"
    _flip(file, 33)
    data = file.read_bytes()[:-4]
    file.write_bytes(data + _crc_of(data))


def _over_its_neighbour(store):
    shutil.copy(store / "rho_B" / "c" / "0", store / "rho_B" / "c" / "1")


def _a_whole_chunk_over_its_neighbour(store):
    for array in store.iterdir():
        if (array / "c").is_dir():
            source, target = array / "c" / "0", array / "c" / "1"
            (shutil.copytree if source.is_dir() else shutil.copy)(
                source, target, **({"dirs_exist_ok": True} if source.is_dir() else {})
            )


def _another_array(store):
    shutil.copy(store / "Y_B" / "c" / "3", store / "Y_chi" / "c" / "3")


def _status_of_another_chunk(store):
    shutil.copy(store / "status" / "c" / "4", store / "status" / "c" / "1")
    data = bytearray((store / "status" / "c" / "1").read_bytes()[:-4])
    data[5] = 5
    (store / "status" / "c" / "1").write_bytes(bytes(data) + _crc_of(data))


def _a_point(store):
    shutil.copy(store / "v_w" / "c" / "2", store / "v_w" / "c" / "3")


def _the_checksums(store):
    _flip(store / "checksum" / "c" / "2" / "0", 3)


@pytest.mark.slow
@pytest.mark.parametrize(
    "damage",
    [
        _one_bit,
        _one_bit_and_its_checksum_in_the_file,
        _over_its_neighbour,
        _a_whole_chunk_over_its_neighbour,
        _another_array,
        _status_of_another_chunk,
        _a_point,
        _the_checksums,
    ],
)
def test_damage_is_named_by_show_and_mended_by_scan(finished, tmp_path, capsys, damage):
    table, store = _copied(finished, "sobol", tmp_path)
    whole = content(store)
    damage(store)
    assert content(store) != whole
    capsys.readouterr()
    assert main(["show", store.as_posix()]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "is damaged (1 of 5 chunks" in captured.err
    assert main(["scan", table, "--out", str(store), "--resume"]) == 0
    captured = capsys.readouterr()
    assert "is damaged; 1 of 5 chunks hold something else" in captured.err
    assert content(store) == whole
    assert main(["show", str(store)]) == 0


def test_python_is_told_too(finished, tmp_path):
    table, store = _copied(finished, "sobol", tmp_path)
    whole = content(store)
    _one_bit(store)
    with pytest.warns(UserWarning, match=r"rho_B/c/1: is damaged; 1 of 5 chunks"):
        run_scan(table, store)
    assert content(store) == whole


def test_a_chunk_of_another_scan_is_no_chunk_of_this(finished, tmp_path):
    """The same points and sizes, another seed: the bytes would pass for ours."""
    table, store = _copied(finished, "sobol", tmp_path)
    other = tmp_path / "other.zarr"
    assert main(["scan", table, "--out", str(other), "--set", "seed=4"]) == 0
    for array in ("v_w", "f_chi", "Y_B", "Y_chi", "rho_B", "rho_DM", "error_estimate", "status"):
        shutil.copy(other / array / "c" / "2", store / array / "c" / "2")
    shutil.copy(other / "checksum" / "c" / "2" / "0", store / "checksum" / "c" / "2" / "0")
    assert list(open_store(store).damaged()) == [2]


def test_values_along_an_axis_are_part_of_what_was_computed(finished, tmp_path, capsys):
    table, store = _copied(finished, "grid", tmp_path)
    open_store(store).verify()
    (file,) = (path for path in (store / "v_w").rglob("*") if path.is_file() and path.name == "0")
    swapped = next(path for path in (store / "f_chi").rglob("*") if path.name == "0")
    file.write_bytes(swapped.read_bytes())
    for command in (["show", str(store)], ["scan", table, "--out", str(store)]):
        capsys.readouterr()
        assert main(command) == 1
        captured = capsys.readouterr()
        assert "values along v_w, f_chi, P are damaged" in captured.err
        assert "SUCCESS" not in captured.out


def test_a_changed_configuration_is_no_store(finished, tmp_path, capsys):
    _, store = _copied(finished, "sobol", tmp_path)
    metadata = json.loads((store / "zarr.json").read_text())
    metadata["attributes"]["scan"]["config"]["m_chi_GeV"] = 0.96
    (store / "zarr.json").write_text(json.dumps(metadata))
    assert main(["show", str(store)]) == 2
    assert "does not match its hash" in capsys.readouterr().err


def test_the_checksum_is_of_what_is_there(finished):
    """SHA-256 of scan, array, chunk and content, by hand."""
    import hashlib

    store = open_store(finished["grid"][1])
    sums = np.asarray(store.checksums[:])
    for column, name in enumerate(store.arrays):
        for chunk in range(store.layout.count):
            content = np.ascontiguousarray(store.arrays[name][store.layout.region(chunk)]).tobytes()
            key = f"{store.attributes['sha256']} {name} {chunk} ".encode()
            expected = hashlib.sha256(key + content).digest()[:8]
            assert int(sums[chunk, column]) == int.from_bytes(expected, "little")


def test_a_store_from_before_checksums_is_shown_and_not_continued(finished, tmp_path, capsys):
    table, store = _copied(finished, "grid", tmp_path)
    assert main(["show", str(store)]) == 0
    now = capsys.readouterr().out
    shutil.rmtree(store / "checksum")
    root = store / "zarr.json"
    attributes = json.loads(root.read_text())
    attributes["attributes"]["jaxbounce_scan"] = 1
    attributes.get("consolidated_metadata", {}).get("metadata", {}).pop("checksum", None)
    root.write_text(json.dumps(attributes))
    assert main(["show", str(store)]) == 0
    before = capsys.readouterr().out
    assert "checksums   none" in before
    assert [line for line in before.splitlines() if "checksums" not in line] == now.splitlines()
    assert main(["scan", table, "--out", str(store)]) == 2
    assert "can be shown, not continued" in capsys.readouterr().err
