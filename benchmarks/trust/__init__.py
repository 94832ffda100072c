"""Campaigns of trust: thousands of random problems against oracles that are not the library's.

Each program draws legal problems at random from a seed, solves them with the library and with an
independent oracle in NumPy, SciPy or mpmath, and prints how many were withheld and with which
status, how many numbers were further from the oracle than the error that was stated with them (and
by which factor), and the worst cases with what reproduces them:

    python -m benchmarks.trust.yields --points 10000 --seed 1
    python -m benchmarks.trust.averages --points 1000
    python -m benchmarks.trust.boltzmann --points 400
    python -m benchmarks.trust.conversion --points 500
    python -m benchmarks.trust.potentials --points 300

A wrong number with the status of a success is the worst there is; the programs end with a non-zero
exit status if there is one.
"""
