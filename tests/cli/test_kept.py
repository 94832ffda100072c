"""Traced programs that are kept between processes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbounce.cli import _kept

traced: list[str] = []


def squares(x: dict) -> list:
    traced.append("squares")
    return [x["a"] ** 2, {"sum": x["a"].sum() + x["b"]}]


def cubes(x: dict) -> list:
    traced.append("cubes")
    return [x["a"] ** 3, {"sum": x["a"].sum() - x["b"]}]


@pytest.fixture(autouse=True)
def directory(tmp_path):
    before = jax.config.values["jax_compilation_cache_dir"]
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    traced.clear()
    yield tmp_path
    jax.config.update("jax_compilation_cache_dir", before)
    _kept._program.cache_clear()


def _anew(function, a, b=0.5):
    """What another process would get."""
    _kept._program.cache_clear()
    power, more = _kept.kept(function)({"a": jnp.asarray(a), "b": jnp.asarray(b)})
    return np.asarray(power), float(more["sum"])


def _files(directory):
    return sorted(directory.glob("*-traced"))


def test_a_second_process_does_not_trace(directory):
    first = _anew(squares, [1.0, 2.0])
    second = _anew(squares, [3.0, 4.0])
    assert traced == ["squares"]
    assert len(_files(directory)) == 1
    assert (first[0].tolist(), first[1]) == ([1, 4], 3.5)
    assert (second[0].tolist(), second[1]) == ([9, 16], 7.5)


def test_other_shapes_precisions_and_functions_are_other_programs(directory):
    for a in ([1.0, 2.0], [1.0, 2.0, 3.0], np.array([1, 2], np.float32), [1, 2]):
        assert _anew(squares, a)[0].tolist() == [x**2 for x in a]
    assert _anew(cubes, [1.0, 2.0])[0].tolist() == [1, 8]
    assert len(_files(directory)) == len(traced) == 5


def test_a_damaged_program_is_traced_again(directory):
    _anew(squares, [1.0, 2.0])
    (path,) = _files(directory)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for damaged in (bytes(flipped), whole[:100], b""):
        path.write_bytes(damaged)
        assert _anew(squares, [3.0, 4.0])[0].tolist() == [9, 16]
        times = len(traced)
        assert _anew(squares, [3.0, 4.0])[0].tolist() == [9, 16]
        assert len(traced) == times
    assert times == 4


def test_other_sources_are_another_program(directory, monkeypatch):
    _anew(squares, [1.0, 2.0])
    monkeypatch.setattr(_kept, "_sources", lambda: "edited")
    _anew(squares, [1.0, 2.0])
    assert len(traced) == len(_files(directory)) == 2


def test_nothing_is_kept_where_compiled_programs_are_not(directory):
    jax.config.update("jax_compilation_cache_dir", None)
    assert _anew(squares, [3.0])[0].tolist() == [9]
    assert not _files(directory)


def test_a_directory_that_cannot_be_written_is_no_obstacle(directory, monkeypatch):
    def refuse(**options):
        raise PermissionError

    monkeypatch.setattr(_kept.tempfile, "mkstemp", refuse)
    assert _anew(squares, [3.0])[0].tolist() == [9]
    assert not _files(directory)
