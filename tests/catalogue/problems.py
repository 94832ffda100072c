"""Problems with known answers, run through every strategy that claims to solve them.

The expected numbers come from outside this package: "published" values are what the
published script prints on its fixed grids, "converged" and "exact" values were computed
with mpmath at 20 digits or more (jaxbounce physics specification, sections B-E).
"""

from typing import Any, NamedTuple

from jaxbounce.files.point import BENCHMARK


class YieldCase(NamedTuple):
    name: str
    changes: dict[str, Any]
    published: float
    eq6: float
    kjma: float

    @property
    def table(self) -> dict[str, Any]:
        return {**BENCHMARK, **self.changes}


YIELD_CASES = [
    YieldCase("table1", {}, 8.720885362714675e-11, 1.8050753143793129e-10, 5.13283716797962e-13),
    YieldCase(
        "sigma3",
        {"source_shape_sigma_y": 3.0},
        3.6598446017156915e-12,
        3.65984478152662e-12,
        4.720137932233744e-13,
    ),
    YieldCase(
        "boson",
        {"g_chi": 1, "chi_stats": "boson"},
        5.813923575143117e-11,
        1.2033835429195698e-10,
        3.4218914453197476e-13,
    ),
    YieldCase(
        "betaH10",
        {"beta_over_H": 10.0},
        8.720767710194792e-11,
        1.805063549179462e-10,
        5.12108316087235e-13,
    ),
    YieldCase(
        "relativistic, fast",
        {
            "m_chi_GeV": 0.7420975882068938,
            "T_p_GeV": 5.633558394881126,
            "beta_over_H": 3250.013881622159,
            "v_w": 0.13275242600351975,
            "I_p": 0.4238193465830654,
            "g_star": 81.07872307564747,
            "g_star_s": 46.22871640310743,
            "P_chi_to_B": 0.26299448367110684,
            "source_shape_sigma_y": 2.5607135784743273,
            "incident_flux_scale": 7.838179403766297e-11,
        },
        1.945957376470431e-12,
        1.9459574177236125e-12,
        3.123601995706703e-13,
    ),
    YieldCase(
        "narrow window, large I_p",
        {
            "m_chi_GeV": 122.33619069442989,
            "g_chi": 4,
            "T_p_GeV": 3234.7978414264207,
            "beta_over_H": 20.229521231811358,
            "v_w": 0.754126068930414,
            "I_p": 2.7556551026047544,
            "g_star": 130.21325450853118,
            "g_star_s": 110.48647434467435,
            "P_chi_to_B": 0.9043212462234865,
            "source_shape_sigma_y": 0.9587866494027828,
            "incident_flux_scale": 0.0016962487144895264,
        },
        1.2959117584752305e-05,
        1.2959117650478692e-05,
        1.613155135248934e-06,
    ),
    YieldCase(
        "non-relativistic, flux piled up at the hot end",
        {
            "m_chi_GeV": 264.6011233718538,
            "g_chi": 3,
            "T_p_GeV": 8.363536723518935,
            "beta_over_H": 7.991065852035292,
            "v_w": 0.1937347167148153,
            "I_p": 0.05099360896263169,
            "g_star": 154.87523655183736,
            "g_star_s": 43.87217559786448,
            "P_chi_to_B": 0.9687248120187438,
            "source_shape_sigma_y": 1.0106912170881814,
            "incident_flux_scale": 0.6334105239488639,
        },
        1.3260920403009882e-11,
        1.3255707294793276e-11,
        1.3244003310049388e-11,
    ),
]

_TRIVIAL = {"P": 1.0, "f_chi": 1.0, "g_star": 0.0, "g_star_s": -1.0}


class Elasticities(NamedTuple):
    name: str
    choices: dict[str, str]
    Y_B: float
    expected: dict[str, float]


def _choices(kernel: str, window: str, equilibrium: str, flux: str = "static") -> dict[str, str]:
    return {
        "area_kernel": kernel,
        "window": window,
        "equilibrium": equilibrium,
        "flux": flux,
        "quadrature": "gauss-legendre",
        "dark_matter": "input",
    }


ELASTICITIES = [
    Elasticities(
        "eq6, window, piecewise",
        _choices("eq6", "gaussian", "piecewise"),
        1.8050753143793129626e-10,
        {
            **_TRIVIAL,
            "I_p": 0.257180831218151207,
            "sigma_y": 6.23256745114479908,
            "m_chi": 0.0,
            "T_p": 0.0,
            "beta_over_H": 0.0,
            "v_w": -1.0,
        },
    ),
    Elasticities(
        "eq6, window, exact",
        _choices("eq6", "gaussian", "exact"),
        1.8049871004397930527e-10,
        {
            **_TRIVIAL,
            "I_p": 0.257180907758701879,
            "sigma_y": 6.23254127803722786,
            "m_chi": -0.0000974772219954467604,
            "T_p": 0.0000974772219954467604,
            "beta_over_H": 0.0000143244101154555213,
            "v_w": -1.0,
        },
    ),
    Elasticities(
        "kjma, window, piecewise",
        _choices("kjma", "gaussian", "piecewise"),
        5.132837167979621132e-13,
        {
            **_TRIVIAL,
            "I_p": 0.00624241398794405242,
            "sigma_y": 0.0227917923582986697,
            "m_chi": 0.0,
            "T_p": 0.0,
            "beta_over_H": 0.0,
            "v_w": -1.0,
        },
    ),
    Elasticities(
        "kjma, window, exact",
        _choices("kjma", "gaussian", "exact"),
        5.1326581122846804644e-13,
        {
            **_TRIVIAL,
            "I_p": 0.00624308959577610757,
            "sigma_y": 0.0227917971560825194,
            "m_chi": -0.0000696107577730998241,
            "T_p": 0.0000696107577730998241,
            "beta_over_H": 3.48378246041725318e-7,
            "v_w": -1.0,
        },
    ),
    Elasticities(
        "kjma, no window, piecewise",
        _choices("kjma", "none", "piecewise"),
        5.1924546847718281157e-13,
        {
            **_TRIVIAL,
            "I_p": 0.0,
            "sigma_y": 0.0,
            "m_chi": 0.0,
            "T_p": 0.0,
            "beta_over_H": 0.0,
            "v_w": -1.0,
        },
    ),
    Elasticities(
        "kjma, no window, exact",
        _choices("kjma", "none", "exact"),
        5.1922735638266880415e-13,
        {
            **_TRIVIAL,
            "I_p": 6.89140214581531079e-7,
            "sigma_y": 0.0,
            "m_chi": -0.0000696052025319328631,
            "T_p": 0.0000696052025319328631,
            "beta_over_H": 3.45590536241330711e-7,
            "v_w": -1.0,
        },
    ),
    Elasticities(
        "kjma, no window, moving wall",
        _choices("kjma", "none", "piecewise", "moving-wall"),
        8.7752484172643895155e-13,
        {
            **_TRIVIAL,
            "I_p": 0.0,
            "sigma_y": 0.0,
            "m_chi": 0.0,
            "T_p": 0.0,
            "beta_over_H": 0.0,
            "v_w": -0.538461538461538462,
        },
    ),
]
"""Benchmark yields and ∂ln ρ_B/∂ln θ, mpmath quadrature (specification, section D)."""

AS_RUN_ELASTICITIES = {
    "beta_over_H": 0.0,
    "T_p": 0.0,
    "v_w": -1.0,
    "I_p": 0.1697344796213239,
    "g_star": 0.0,
    "g_star_s": -1.0,
    "m_chi": 0.0,
    "P": 1.0,
    "f_chi": 1.0,
    "sigma_y": 2.590978906716011,
}
"""The same of the published script on its grids, by central differences (1e-8)."""

FLOAT32_CHOICES = [
    {"area_kernel": "eq6", "equilibrium": "piecewise", "flux": "static"},
    {"area_kernel": "eq6", "equilibrium": "exact", "flux": "static"},
    {"area_kernel": "kjma", "equilibrium": "exact", "flux": "moving-wall"},
    {"area_kernel": "kjma", "equilibrium": "piecewise", "flux": "moving-wall", "window": "none"},
]
"""Choices with which float32 is compared with float64."""
