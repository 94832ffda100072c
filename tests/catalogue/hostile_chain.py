"""Hostile inputs to what stands between a potential and a density, and to the newest commands.

Listed one by one, where `hostile` draws: tables of stages with a value that they cannot have, files
of other tools that are none, couplings that there are not.
"""

import itertools
import json

from hostile import BROKEN, POTENTIAL, SCAN, WORDS, Case
from jaxbounce.files.point import BENCHMARK
from jaxbounce.files.transition import EXAMPLE

TOOLS = (
    *("cosmotransitions", "bsmpt", "wallgo", "bubbleprofiler", "transitionsolver"),
    *("transitionlistener", "ptplot"),
)
POINTS = b"Tn,alpha,betaoverH,gstar,label\n100,0.1,100,106.75,a\n90,0.2,50,106.75,b\n"

_BAD_NUMBERS = (float("nan"), float("-inf"), 10**400, "x\n\x1b[31m", [1], {"a": 1}, None, True, -1)

_DECAY = {"process": "decay", "m_A_GeV": 500.0, "Gamma_GeV": 1e-21}
_MADE = {"process": "collisions", "T_R_GeV": 1e6, "amplitude_squared": [1e-30]}
_SHARE = {"process": "partition", "kappa": 1e-9, "mean_energy_over_T": 3.0, "alpha": 0.1}
_BULK = {
    "process": "off-brane",
    "bulk_density_GeV4": 1e-12,
    "distance_per_GeV": 1e12,
    "residence_time_per_GeV": 1e12,
}
_SPEED = {"alpha_thetabar": 0.05, "Psi": 0.9, "c_s": 0.57, "c_b": 0.57}
_WALL = {"tanh": {"Phi_inside": 2.4, "phi_outside": 1.7, "width": 1.5}}

# tables of a configuration, each refused whatever else is there
TABLES = (
    *({"occupancy": {**_DECAY, "m_A_GeV": bad}} for bad in _BAD_NUMBERS),
    *({"occupancy": {**_BULK, "distance_per_GeV": bad}} for bad in _BAD_NUMBERS[:8]),
    *({"occupancy": {**_SHARE, "kappa": bad}} for bad in (*_BAD_NUMBERS[:7], 2.0)),
    *({"occupancy": {**_MADE, "T_R_GeV": bad}} for bad in _BAD_NUMBERS),
    *({"occupancy": bad} for bad in ("x", 1, [], {}, {"process": "x" * 100_000}, {"process": []})),
    {"occupancy": {**_DECAY, "particles": 1e9}},
    {"occupancy": {**_DECAY, "T_R_GeV": 1.0}},
    {"occupancy": {**_DECAY, "product": "graviton"}},
    {"occupancy": {**_DECAY, "kappa": 1}},
    {"occupancy": {**_DECAY, "m_A_GeV": 1.0, "particles": 2}},
    {"occupancy": {**_MADE, "amplitude_squared": "s*" * 50_000 + "s"}},
    {"occupancy": {**_MADE, "amplitude_squared": "__import__('os')"}},
    {"occupancy": {**_MADE, "amplitude_squared": "lambda: s"}},
    {"occupancy": {**_MADE, "amplitude_squared": "g*s"}},
    {"occupancy": {**_MADE, "amplitude_squared": [float("nan")]}},
    {"occupancy": {**_MADE, "amplitude_squared": [[1]]}},
    {"occupancy": {**_MADE, "amplitude_squared": "s", "parameters": {"s": 1}}},
    {"occupancy": {**_MADE, "amplitude_squared": "s", "masses_GeV": [0, 0, 0.1, 0.1]}},
    {"occupancy": {**_MADE, "amplitude_squared": "s", "masses_GeV": [0, 0, 0]}},
    {"occupancy": {**_MADE, "statistics": ["fermion"]}},
    {"occupancy": {**_MADE, "identical": "yes"}},
    {"occupancy": {"process": "collisions", "T_R_GeV": 1e6, "cross_section": "absent.json"}},
    {
        "occupancy": {
            "process": "collisions",
            "T_R_GeV": 1e6,
            "cross_section": {"s_GeV2": [4, 3, 2, 1], "sigma_per_GeV2": [1, 1, 1, 1]},
        }
    },
    {"occupancy": {**_SHARE, "mean_energy_GeV": 1.0}},
    *({"wall_speed": bad} for bad in ("lte", 1, [], {}, {"model": "friction"})),
    *({"wall_speed": {**_SPEED, key: bad}} for key in ("Psi", "c_s") for bad in _BAD_NUMBERS[:8]),
    {"wall_speed": {"alpha_thetabar": 0.05}},
    {"wall_speed": _SPEED, "v_w": 0.3},
    *({"transition": bad} for bad in ("absent.json", 1, [], {}, {"potential": []})),
    *({"transition": {"potential": {**EXAMPLE, "potential": bad}}} for bad in ("", "x" * 9, [], 1)),
    {"transition": {"potential": EXAMPLE, "T_low": 300.0}},
    {"transition": {"potential": EXAMPLE, "T_low": float("nan")}},
    {"transition": {"potential": EXAMPLE, "nothing": 1}},
    {"transition": {"potential": {**EXAMPLE, "parameters": {"D": "x"}}}},
    {"transition": {"potential": {**EXAMPLE, "true_vacuum": [1, 2, 3]}}},
    {"transition": {"potential": {**EXAMPLE, "fields": []}}},
    {"transition": {"potential": EXAMPLE}, "T_p_GeV": 100.0},
    *({"nucleation": bad, "area_kernel": "history"} for bad in ("x", 1, [], {"rate": "slow"})),
    {"nucleation": {"rate": {"T_GeV": [1, 2], "S3_over_T": [1]}}, "area_kernel": "history"},
    {"nucleation": {"curvature": "much"}, "area_kernel": "history"},
    *({"g_star": bad} for bad in ({"T_GeV": [1]}, "standard", [], float("nan"), "\0")),
    {"hidden_sector": {"xi": -1.0}},
    {"hidden_sector": "dark"},
    *({"conversion": bad, "P_chi_to_B": None} for bad in ("absent.json", 1, [], {"wall": "flat"})),
    {"conversion": {**_WALL, "stretch": 0}, "P_chi_to_B": None},
    {"conversion": {**_WALL, "wall": "critical-bubble"}, "P_chi_to_B": None},
    {"conversion": _WALL},
    {"streaming": "carried"},
    {"dilution": "reheating", "alpha_eff": -1},
    {"expansion": "radiation+vacuum", "alpha_V": 1e9},
    {"coupling": "self-consistent", "occupancy": _DECAY},
)
_COMMANDS = (("run",), ("evolve",), ("sensitivity",), ("fit",), ("budget",), ("posterior",))


def _json(table):
    return json.dumps(table).encode()


def _point(changes):
    table = {**BENCHMARK, **changes}
    for stage, keys in (
        ("occupancy", ("incident_flux_scale",)),
        ("transition", ("T_p_GeV", "beta_over_H")),
        ("wall_speed", ("v_w",)),
    ):
        if stage in changes:
            table |= {key: None for key in keys if key not in changes}
    return {"p.json": _json(table)}


def _tables():
    turn = itertools.cycle(_COMMANDS)
    return [Case((*next(turn), "p.json"), _point(changes)) for changes in TABLES]


def _imports():
    found = [
        Case(("import", "f.x", "--from", tool), {"f.x": content})
        for tool, content in itertools.product(TOOLS, (*BROKEN[:5], BROKEN[7], BROKEN[9]))
    ]
    words = ("0", "-1", "3", "9" * 5000, "1.5", "", "\0")
    arguments = (
        *(("--row", word, "--out", "x.json") for word in words),
        *(
            ("--out", place)
            for place in ("x.txt", "absent/x.csv", "folder.csv", "loop.csv", "f.csv")
        ),
        *(("--out", place) for place in ("a\0b.csv", "x" * 300 + ".csv", "socket.csv", "x.json")),
        ("--fields", "a,b,c", "--out", "folder.csv"),
        ("--alpha", "alpha"),
        ("--from", "vevacious"),
    )
    found += [
        Case(("import", "f.csv", "--from", "ptplot", *a), {"f.csv": POINTS}) for a in arguments
    ]
    found += [
        Case(("import", name, "--from", "ptplot"), {}) for name in ("absent", "folder.csv", "\0")
    ]
    return [*found, Case(("import", "f.csv"), {"f.csv": POINTS}), Case(("import",), {})]


def _potentials():
    """phases, transition and bounce: files, settings, places."""
    files, settings = {"t.json": _json(EXAMPLE)}, EXAMPLE["transition"]
    found = [
        Case(
            (command, "t.json"), {"t.json": _json({**EXAMPLE, "transition": settings | {key: bad}})}
        )
        # v_w is none of phases, which takes the temperatures alone
        for command, key in (("phases", "T_low"), ("phases", "T_high"), ("transition", "v_w"))
        for bad in _BAD_NUMBERS[:6]
    ]
    assignments = ("nothing=1", "parameters.D=x", "transition.T_low=1e999", "=", "parameters=1")
    found += [
        Case((command, "t.json", "--set", text), files)
        for command in ("phases", "transition")
        for text in assignments
    ]
    found += [Case(("phases", "t.json", "--reach", word), files) for word in WORDS if word != "1,2"]
    places = ("absent/x.json", "folder.json", "loop.json", "t.json", "a\0b.json", "socket.json")
    found += [Case(("phases", "t.json", "--out", place), files) for place in places]
    found += [Case(("phases", name), {}) for name in ("absent.json", "folder.json", "", "\0")]
    found += [
        Case(("bounce", "t.json", "--set", text), {"t.json": _json(POTENTIAL)})
        for text in assignments[:2]
    ]
    return found


def _couplings():
    """fit, posterior, scan and sensitivity over couplings that there are not."""
    conversion = {"conversion": _WALL, "P_chi_to_B": None}
    files = _point(conversion)
    found = [
        Case((command, "p.json", option, names), files)
        for command, option in (
            ("fit", "--free"),
            ("posterior", "--free"),
            ("sensitivity", "--wrt"),
        )
        for names in ("potential.lam", "lam,lam", "widht", "conversion.width.x", "\0", "K", "")
    ]
    priors = ({"lamb": {"prior": "uniform", "low": 0, "high": 1}}, {"lam": 1}, [], {"lam": {}})
    found += [
        Case((command, "p.json", "--priors", "q.json"), {**files, "q.json": _json(table)})
        for command in ("fit", "posterior")
        for table in priors
    ]
    ranges = (
        {"prior": "uniform", "low": 1, "high": 0},
        {"prior": "log-uniform", "low": 0, "high": 1},
    )
    scans = [{**SCAN, "parameters": {"lam": bad}} for bad in (*ranges, {}, 1, {"values": ["x"]})]
    scans += [{**SCAN, "parameters": {name: ranges[0]}} for name in ("transition.D", "", "v_w\n")]
    found += [Case(("scan", "s.json"), {"s.json": _json(table)}) for table in scans]
    return found


def _small():
    names = ("\x1b[31m", "\0", "zzzz", "x" * 100_000, "٣", "f_chi\n")
    points = ("0", "3", "-5", "nan", "1e9", "9" * 30, "", "١")
    formats = ("x.txt", "x", "x.json", "absent/x.csv", "folder.csv", "socket.csv", "a\0b.nc")
    return [
        *(Case(("names", word), {}) for word in names),
        Case(("names", "--markdown", "f_chi"), {}),
        Case(("names", "a", "b"), {}),
        *(Case(("evolve", "--points", word), {}) for word in points),
        *(Case(("evolve", "--out", place), {}) for place in formats),
        *(Case(("budget", "--digits", word), {}) for word in ("0", "99", "x", "-1", "1.5")),
        *(Case(("budget", "--out", place), {}) for place in ("absent/x.json", "folder.json")),
        *(
            Case(("budget", "--plot", place), {})
            for place in ("x.xyz", "folder.png", "absent/x.png")
        ),
        *(Case(("budget", "--set", text), {}) for text in ("v_w=2", "v_w", "T_p_GeV=nan", "zz=1")),
    ]


def cases():
    """All of them."""
    return [*_tables(), *_imports(), *_potentials(), *_couplings(), *_small()]
