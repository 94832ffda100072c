"""Designs: sequences against SciPy and counting, grids and priors against NumPy, chunks."""

import itertools

import numpy as np
import pytest
from scipy.stats import kstest, norm, qmc

from jaxbounce import load
from jaxbounce.inference import read_priors
from jaxbounce.scan.design import Grid, Layout, Sampled, lay_out
from jaxbounce.scan.sequences import MOST_DIMENSIONS, LatinHypercube, Random, Sobol

SEQUENCES = [Sobol(5, 7), Sobol(3, None), LatinHypercube(4, 10_007, 7), Random(6, 7)]


def test_sobol_points_are_those_of_scipy():
    ours = Sobol(MOST_DIMENSIONS, None).block(0, 6000)
    with pytest.warns(UserWarning, match="balance properties"):
        theirs = qmc.Sobol(MOST_DIMENSIONS, scramble=False, bits=30).random(6000)
    np.testing.assert_array_equal(np.floor(ours * 2**30) / 2**30, theirs)


@pytest.mark.parametrize("sequence", SEQUENCES, ids=str)
def test_any_block_is_computable_alone(sequence):
    whole = sequence.block(0, 10_000)
    assert whole.min() > 0
    assert whole.max() < 1
    for start, stop in ((0, 1), (4095, 4097), (1234, 9876), (9999, 10_000)):
        np.testing.assert_array_equal(sequence.block(start, stop), whole[start:stop])


@pytest.mark.parametrize("kind", [Sobol, Random])
def test_far_points_cost_nothing(kind):
    far = kind(3, 1).block(10**12, 10**12 + 4)
    assert far.shape == (4, 3)
    assert len(np.unique(far)) == 12


@pytest.mark.parametrize("seed", [None, 0, 12345])
def test_sobol_has_one_point_in_every_elementary_interval(seed):
    """A net in base 2: 2^10 points, any 2^5 × 2^5 cells of the first two coordinates."""
    points = Sobol(2, seed).block(0, 1024)
    for bits in range(11):
        cells = np.floor(points * [2**bits, 2 ** (10 - bits)]).astype(int)
        assert len(np.unique(cells, axis=0)) == 1024


def test_scrambling_spreads_better_than_chance():
    scrambled = qmc.discrepancy(Sobol(6, 3).block(0, 2048))
    assert scrambled < 0.1 * qmc.discrepancy(Random(6, 3).block(0, 2048))


@pytest.mark.parametrize("count", [1, 2, 3, 7, 1000, 4097])
def test_latin_hypercube_fills_every_stratum_once(count):
    points = LatinHypercube(3, count, 5).block(0, count)
    for column in points.T:
        assert sorted(np.floor(column * count).astype(int)) == list(range(count))


def test_latin_hypercube_orders_strata_independently():
    points = LatinHypercube(4, 20_011, 5).block(0, 20_011)
    columns = [*points.T, np.arange(20_011)]
    for a, b in itertools.combinations(columns, 2):
        assert abs(np.corrcoef(a, b)[0, 1]) < 4 / np.sqrt(20_011)
    assert abs(np.corrcoef(points[1:, 0], points[:-1, 0])[0, 1]) < 4 / np.sqrt(20_011)


def test_random_points_are_uniform_and_depend_on_the_seed():
    points = Random(3, 1).block(0, 50_000)
    for column in points.T:
        assert kstest(column, "uniform").pvalue > 1e-4
    assert np.abs(np.corrcoef(points.T) - np.eye(3)).max() < 4 / np.sqrt(50_000)
    assert not np.any(points == Random(3, 2).block(0, 50_000))


def test_priors_give_their_distribution():
    model = load(preset="benchmark")
    tables = {
        "beta_over_H": {"prior": "log-uniform", "low": 1.0, "high": 1e4},
        "v_w": {"prior": "uniform", "low": 0.1, "high": 0.9},
        "m_chi": {"prior": "normal", "mean": 5.0, "sigma": 0.5},
        "f_chi": {"prior": "log-normal", "median": 1e-8, "sigma": 0.7},
    }
    design = Sampled(read_priors(model, tuple(tables), tables), Random(4, 2), 20_000)
    found = design.points((slice(0, 20_000),))
    assert all(values.dtype == np.float64 for values in found.values())
    for name, cdf in {
        "beta_over_H": lambda x: np.log(x) / np.log(1e4),
        "v_w": lambda x: (x - 0.1) / 0.8,
        "m_chi": lambda x: norm.cdf(x, 5.0, 0.5),
        "f_chi": lambda x: norm.cdf(np.log(x / 1e-8), 0, 0.7),
    }.items():
        assert kstest(found[name], cdf).pvalue > 1e-4, name


def test_grid_is_all_combinations():
    grid = Grid({"v_w": np.array([0.1, 0.2, 0.3]), "T_p": np.array([1.0, 2.0]), "P": np.ones(1)})
    found = grid.points((slice(1, 3), slice(0, 2), slice(0, 1)))
    np.testing.assert_array_equal(found["v_w"], [0.2, 0.2, 0.3, 0.3])
    np.testing.assert_array_equal(found["T_p"], [1.0, 2.0, 1.0, 2.0])
    assert grid.dims == ("v_w", "T_p", "P")


@pytest.mark.parametrize("shape", [(1,), (100_003,), (7, 11, 13), (2, 1, 50_021), (1000, 1000, 10)])
@pytest.mark.parametrize("target", [1, 10, 1024, 65536])
def test_chunks_cover_every_point_once(shape, target):
    layout = lay_out(shape, target)
    assert layout.chunk_points <= target
    if layout.count < 3000:
        seen = np.zeros(shape, int)
        for chunk in range(layout.count):
            region = layout.region(chunk)
            seen[region] += 1
            assert layout.number(layout.place(chunk)) == chunk
            assert seen[region].size == layout.size(chunk)
        assert (seen == 1).all()


def test_chunks_are_even():
    """65537 points are two halves, not a full chunk and a rest of one."""
    assert lay_out((65537,), 65536) == Layout((65537,), (32769,))
