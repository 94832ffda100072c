"""What is given and contradicts the equations solved: a status, or a line, and never a number."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbounce import ConfigurationError, Status, load, predict
from jaxbounce.cli import main
from jaxbounce.model.equations import density_change, keeps_its_density

PARTITION = {"process": "partition", "kappa": 1e-9, "mean_energy_over_T": 3.0, "alpha": 0.03}
OCCUPIED = {"preset": "exact", "T_p_GeV": 100.0, "sigma_v_chi_GeV_m2": 1e-9}


def statuses(model, name, values):
    found = jax.jit(jax.vmap(lambda x: predict(model.replace(**{name: x}))))(jnp.asarray(values))
    return [Status(int(code)).name for code in found.status], found


def judged(model, **changes):
    """Status, change and error of the density of a model, without its yields."""
    p = dataclasses.replace(
        model.filled()[0], **{name: jnp.asarray(x) for name, x in changes.items()}
    )
    computed = model.parameters.f_chi is None
    status, off = keeps_its_density(p, model.choices, computed, model.error_limit)
    return Status(int(status)), float(off)


@pytest.mark.slow
def test_a_density_that_annihilation_does_not_keep():
    """f_χ = 6e-9 and ⟨σv⟩ = 1e-9 GeV⁻² gave Y_B = 8e-4, of χ that the bath had made."""
    model = load(**OCCUPIED, occupancy=PARTITION)
    assert model.choices.coupling == "self-consistent"
    names, found = statuses(model, "sigma_v", [0.0, 1e-50, 1e-30, 1e-20, 1e-9])
    assert names == ["SUCCESS", "SUCCESS", *["DENSITY_NOT_KEPT"] * 3]
    np.testing.assert_allclose(found.Y_B[1], found.Y_B[0], rtol=1e-12)
    np.testing.assert_allclose(found.Y_B[0] + found.Y_chi[0], found.Y_available[0], rtol=1e-12)
    assert np.isnan(found.Y_B[2:]).all()
    assert np.isnan(found.Y_chi[2:]).all()


def test_the_bath_keeps_what_is_in_equilibrium_with_it():
    """f_χ = 1 and well coupled; and what changes is an error of the result, up to its limit."""
    model = load(**OCCUPIED, incident_flux_scale=1.0)
    assert judged(model)[0] is Status.SUCCESS
    for f_chi in (0.5, 2.0, 0.0):
        assert judged(model, f_chi=f_chi)[0] is Status.DENSITY_NOT_KEPT
    # weakly coupled: n_eq/s at T_max is another by (m/T)², of which a part stays
    weak = model.replace(sigma_v=1e-20)
    off = abs(float(density_change(weak.parameters, model.choices)))
    assert 1e-7 < off < 1e-4
    for limit, expected in ((off / 2, Status.DENSITY_NOT_KEPT), (2 * off, Status.SUCCESS)):
        status, stated = judged(dataclasses.replace(weak, error_limit=limit))
        assert status is expected
        assert stated == (off if status is Status.SUCCESS else 0)


def test_a_computed_density_beside_the_published_source():
    """The number f_χ is a scale of the flux there; a stage computes the density of these χ."""
    keys = {"preset": "benchmark", "sigma_v_chi_GeV_m2": 1e-9, "Y_chi_init": 4e-10}
    assert judged(load(**keys))[0] is Status.SUCCESS
    computed = load(**keys, occupancy=PARTITION)
    assert computed.choices.coupling == "external"
    for sigma_v, expected in ((0.0, Status.SUCCESS), (1e-9, Status.DENSITY_NOT_KEPT)):
        assert judged(computed, sigma_v=sigma_v)[0] is expected
    # χ in equilibrium is not the few that are computed
    hot = load(preset="benchmark", regime="thermal", Y_chi_init=None, occupancy=PARTITION)
    assert judged(hot)[0] is Status.DENSITY_NOT_KEPT
    # a yield that is given at T_max is followed from there, whatever becomes of it
    followed = load(**keys, coupling="self-consistent")
    assert judged(followed)[0] is Status.SUCCESS


@pytest.mark.long
def test_the_commands_say_so(capsys, tmp_path):
    out = tmp_path / "x.csv"
    arguments = ["--preset", "exact", "--set", "sigma_v_chi_GeV_m2=1e-9", "--out", str(out)]
    assert main(["evolve", "--points", "4", *arguments]) == 1
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert "would change the density f_chi n_eq" in said.err
    rows = out.read_text().splitlines()[2:]
    assert all(row.split(",")[2:5] == ["nan"] * 3 for row in rows)


def test_a_source_that_follows_chi_takes_no_computed_occupancy():
    keys = {"coupling": "self-consistent", "occupancy": PARTITION}
    with pytest.raises(ConfigurationError, match="would have no effect") as caught:
        load(preset="benchmark", **keys)
    assert "\n" not in str(caught.value)
