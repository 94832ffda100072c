"""Tables from files and from Python, in whatever way they are written."""

import codecs
import os

import jax.numpy as jnp
import numpy as np
import pytest

from jaxbounce._core.errors import ConfigurationError
from jaxbounce.files.tables import put, read_mapping, table_of

TEXT = {".json": '{"name": "χ²", "x": [1, 2.5]}', ".toml": 'name = "χ²"\nx = [1, 2.5]\n'}
MARKED = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
}


@pytest.mark.parametrize("suffix", TEXT)
@pytest.mark.parametrize("encoding", MARKED)
@pytest.mark.parametrize("marked", [True, False])
def test_text_is_read_in_every_encoding_that_editors_write(tmp_path, suffix, encoding, marked):
    path = tmp_path / f"table{suffix}"
    path.write_bytes(MARKED[encoding] * marked + TEXT[suffix].encode(encoding))
    assert read_mapping(path) == {"name": "χ²", "x": [1, 2.5]}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", b'{"a": ' + b"[" * 100_000, "nested too deeply"),
        ("a.json", b'{"a": ' + b'{"b":' * 30 + b"1" + b"}" * 31, "nested too deeply"),
        ("a.toml", b"a = " + b"[" * 100_000, "nested too deeply"),
        ("a.toml", b"[a" + b".b" * 50_000 + b"]", "nested too deeply"),
        ("a.json", b'{"a": ' + b"1" * 5000 + b"}", "a whole number of 5000 digits"),
        ("a.toml", b"a = " + b"1" * 5000, "thousands of digits"),
        ("a.json", b'{"a":"\n' + b"x" * 100_000, "not valid JSON"),
        ("a.json", b"\xff\xfe\x00", "not UTF-8 or UTF-16"),
        ("a.toml", b"a = \xe9", "not UTF-8 or UTF-16"),
        ("a\0.json", None, "NUL"),
        ("a" * 300 + ".json", None, "cannot be read"),
        ("", None, "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=message) as error:
        read_mapping(path)
    assert str(error.value).isprintable()
    assert len(str(error.value)) <= 1000


def test_a_file_without_end_is_refused():
    with pytest.raises(ConfigurationError, match="larger than 64 MiB"):
        read_mapping("/dev/zero")


def test_a_pipe_is_read(tmp_path):
    """As the shell makes one for <(…)."""
    reading, writing = os.pipe()
    os.write(writing, b'{"a": 1}')
    os.close(writing)
    assert read_mapping(f"/dev/fd/{reading}") == {"a": 1}
    os.close(reading)


def test_scalars_and_arrays_of_python_become_what_a_file_holds():
    found = table_of(
        {
            "a": np.float32(0.5),
            "b": {"c": np.array(3), "d": (np.int8(1), jnp.asarray(2.0))},
            "e": np.arange(3.0),
            "f": np.bool_(True),
            "g": None,
        }
    )
    assert found == {
        "a": 0.5,
        "b": {"c": 3, "d": [1, 2.0]},
        "e": [0.0, 1.0, 2.0],
        "f": True,
        "g": None,
    }
    kinds = [type(found["a"]), type(found["b"]["c"]), type(found["e"]), type(found["f"])]
    assert kinds == [float, int, list, bool]


def test_a_key_leads_through_few_tables():
    table = {}
    put(table, "a.b.c", 1)
    assert table == {"a": {"b": {"c": 1}}}
    with pytest.raises(ConfigurationError, match="too many tables"):
        put(table, "a" + ".b" * 100_000, 1)
    with pytest.raises(ConfigurationError, match="is not a table"):
        put({"a": 10**5000}, "a.b", 1)
