"""Inference: fit, Fisher matrix, profile and posterior of any parameters from the densities."""

from jaxbounce.inference.data import (
    DATA_SETS as DATA_SETS,
    OBSERVABLES as OBSERVABLES,
    Likelihood as Likelihood,
    Tension as Tension,
    likelihood as likelihood,
    log_p_value as log_p_value,
    n_sigma as n_sigma,
    ratio_and_sigma as ratio_and_sigma,
    ratio_tension as ratio_tension,
    read_likelihood as read_likelihood,
    tension as tension,
)
from jaxbounce.inference.fisher import (
    Combination as Combination,
    Directions as Directions,
    directions as directions,
)
from jaxbounce.inference.fitting import (
    Fit as Fit,
    FitStatus as FitStatus,
    fit as fit,
    match as match,
)
from jaxbounce.inference.gradient_fits import (
    Optimum as Optimum,
    maximise_posterior as maximise_posterior,
    minimise_loss as minimise_loss,
)
from jaxbounce.inference.posteriors import (
    Posterior as Posterior,
    PosteriorStatus as PosteriorStatus,
    posterior as posterior,
)
from jaxbounce.inference.priors import (
    Prior as Prior,
    default_prior as default_prior,
    read_priors as read_priors,
)
from jaxbounce.inference.profiles import Profile as Profile, profile as profile
