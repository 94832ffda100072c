"""Results print what they found: alone, in batches, while they are traced, as trees of anything."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import jaxbounce as jb
from jaxbounce._core.status import Part, Status
from jaxbounce.model.prediction import Prediction
from jaxbounce.model.sensitivity import Sensitivities

CODES = {"status": int(Status.SUCCESS), "failed": int(Part.NONE)}

NUMBERS = [name for name in Prediction.__dataclass_fields__ if name not in CODES]


def _prediction():
    numbers = {name: jnp.asarray(1.5e-10) for name in NUMBERS}
    return Prediction(**numbers, **{name: jnp.asarray(code) for name, code in CODES.items()})


def _is_plain(text):
    return "f64" not in text and "Array(" not in text and "Traced<" not in text


def test_a_prediction_in_every_shape():
    assert "1.5e-10 kg/m³" in repr(_prediction())
    assert "Omega_b h²" in str(_prediction())
    assert "3 of 3 points have a number" in repr(
        jax.tree.map(lambda x: jnp.stack([x] * 3), _prediction())
    )
    seen = []

    def look(found):
        seen.append(repr(found))
        return found.rho_B

    jax.make_jaxpr(look)(_prediction())
    jax.eval_shape(look, _prediction())
    shapes = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), _prediction())
    seen += [repr(shapes), repr(jax.tree.map(lambda _: None, _prediction()))]
    assert all(map(_is_plain, seen))
    assert "being traced" in seen[0]


def test_a_model_in_every_shape():
    model = jb.load()
    text = str(model)
    for told in ("f_chi", "1.07e-09", "T_p", "100 GeV"):
        assert told in text
    assert "area_kernel eq6" in text
    assert "closure" not in text  # without effect here
    batch = eqx.filter_vmap(lambda v: model.replace(v_w=v))(jnp.array([0.2, 0.5]))
    assert "0.2 … 0.5" in str(batch)
    seen = []
    jax.make_jaxpr(lambda v: seen.append(repr(model.replace(v_w=v))) or v)(0.3)
    seen.append(repr(jax.tree.map(lambda _: object(), model)))
    assert all(map(_is_plain, [text, str(batch), *seen]))
    assert "(being traced)" in seen[0]
    assert model._repr_html_().startswith("<pre>")


def test_sensitivities_print_their_table():
    values = jnp.array([[1.0, -0.5], [0.0, jnp.nan], [-1.0, 0.5]])
    found = Sensitivities(("P", "v_w"), jnp.ones(2), values, None, _prediction())
    lines = repr(found).splitlines()
    assert lines[2].split() == ["P", "1", "0", "-1"]
    assert lines[3].split() == ["v_w", "-0.5", "none", "0.5"]
    many = jax.tree.map(lambda x: np.stack([x, x]), found)
    assert _is_plain(repr(many))
