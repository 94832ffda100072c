"""The whole thermal story of a one-loop model by the command: benchmark BM1 of WallGo."""

import pytest
from transition_command import result_of

# SPEC2 D: S₃/T by an independent program of V, percolation integral of its own; radiation alone in
# H, constant g_*, I_p = 0.34. Its S₃/T is good to 6e-9, as ours is (m³ has a kink on the way); a
# slope in T over the width of the transition, a hundredth of T, loses two digits of that
STORY = {
    "T_n_GeV": (97.320898373, 2e-9),
    "T_n_integral_GeV": (96.977010, 1e-8),
    "T_p_GeV": (96.053568410, 2e-9),
    "beta_over_H": (1677.5242, 1e-6),
    "S3_over_T_p": (125.104534, 1e-8),
}

FILE = """
model = "z2-singlet"
[transition]
T_low = 92
T_high = 104
v_w = 1.0
g_star = 107.727
expansion = "radiation"
"""


@pytest.mark.long
def test_the_story_of_the_singlet(tmp_path):
    found = result_of(FILE, tmp_path)
    for name, (value, tolerance) in STORY.items():
        assert found["transition"][name] == pytest.approx(value, rel=tolerance), name
    at_T_n, at_T_p = (found["released"][name]["wall_lte"] for name in ("T_n", "T_p"))
    # the branch ends between the two
    assert at_T_n["v_w"] == pytest.approx(0.647864566777, rel=1e-7)
    assert at_T_p["v_w"] is None
    assert at_T_p["alpha_max"] == pytest.approx(0.012867657712, rel=1e-7)
