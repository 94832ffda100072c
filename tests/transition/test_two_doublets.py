"""The transition of two Higgs doublets by the command, beside CosmoTransitions on the same V."""

import pytest
from transition_command import result_of

FILE = """
model = "two-higgs-doublet"
[transition]
T_low = 97
T_high = 117
g_star = 110.75
"""

# T, S₃/T by `fullTunneling` of CosmoTransitions 2.0.7 with its defaults: its path is not yet quite
# the one of least action, which takes it 2e-3 above
ACTIONS = {"n": (110.3711440, 150.574862494), "p": (109.3986071, 122.955924649)}


@pytest.mark.long
def test_two_doublets_nucleate(tmp_path):
    result = result_of(FILE, tmp_path)
    found = result["transition"]
    for name, (T, exponent) in ACTIONS.items():
        assert found[f"T_{name}_GeV"] == pytest.approx(T, rel=1e-9)
        assert -3e-3 < found[f"S3_over_T_{name}"] / exponent - 1 < 0
    # below T_c = 117.91120588 GeV, by SciPy's BFGS and Brent's method on V
    assert found["T_n_GeV"] < 117.9112
    # as heavy as A, the charged pair counts twice
    rows = {row["parameter"]: row["T_n"] for row in result["elasticities"]}
    assert rows["m_Hp"] / rows["m_A"] == pytest.approx(2, rel=1e-4)
