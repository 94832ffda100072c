"""Compiled programs that are kept between runs: broken ones are written again, in one line."""

import warnings

import jax
import jax.numpy as jnp
import pytest
from jax.experimental.compilation_cache import compilation_cache

from jaxbounce.cli import main
from jaxbounce.cli._cache import mended_cache


@pytest.fixture
def kept(tmp_path):
    """A cache of its own, for every program however small."""
    names = (
        "jax_compilation_cache_dir",
        "jax_persistent_cache_min_compile_time_secs",
        "jax_persistent_cache_min_entry_size_bytes",
    )
    before = {name: jax.config.values[name] for name in names}
    for name, value in zip(names, (str(tmp_path), 0.0, 0), strict=True):
        jax.config.update(name, value)
    compilation_cache.reset_cache()
    yield tmp_path
    for name, value in before.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()


def _evaluated():
    jax.clear_caches()

    def cube_of_this_test(x):
        return x**3 + 1

    return float(jax.jit(cube_of_this_test)(jnp.asarray(2.0)))


def _entries(kept):
    return {path.name: path.read_bytes() for path in kept.glob("*-cache")}


@pytest.mark.parametrize("content", [lambda b: b[:-20], lambda b: b"", lambda b: b"no program"])
def test_a_broken_entry_is_written_again_in_the_same_run(kept, capsys, content):
    assert _evaluated() == 9.0
    whole = _entries(kept)
    assert any("cube_of_this_test" in name for name in whole)
    for name, good in whole.items():
        (kept / name).write_bytes(content(good))
    with mended_cache():
        assert _evaluated() == 9.0
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert f"{len(whole)} compiled programs in {kept} could not be read" in message
    assert _entries(kept).keys() == whole.keys()
    with mended_cache():  # whole entries are read without a word
        assert _evaluated() == 9.0
    assert capsys.readouterr().err == ""


def test_other_warnings_and_other_files_are_left_alone(kept, capsys):
    precious = kept / "jit_cube_of_this_test-mine"
    precious.write_text("precious")
    with pytest.warns(UserWarning, match="of something else"), mended_cache():
        warnings.warn("of something else", stacklevel=1)
    message = "Error reading persistent compilation cache entry for 'jit_cube_of_this_test': E: x"
    with mended_cache():
        warnings.warn(message, stacklevel=1)
    assert precious.read_text() == "precious"
    message = "Error writing persistent compilation cache entry for 'jit_f': OSError: full"
    with mended_cache():
        warnings.warn(message, stacklevel=1)
    assert "could not be kept" in capsys.readouterr().err


def test_commands_run_under_it(kept, capsys, monkeypatch):
    """What a command compiles is mended, whatever directory the user has named."""
    import jaxbounce

    def compiling(*_, **__):
        _evaluated()
        raise jaxbounce.ComputationError("enough")

    _evaluated()
    for path in kept.glob("*-cache"):
        path.write_bytes(path.read_bytes()[:40])
    monkeypatch.setattr(jaxbounce, "compare", compiling)
    monkeypatch.setattr("jaxbounce.cli.run.resolved", lambda c: c.model)
    assert main(["run"]) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert "could not be read" in first
    assert second == "jaxbounce: enough"
