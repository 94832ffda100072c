"""The whole chain: parameters, choices and stages in, densities out; what they depend on."""

from jaxbounce.model.comparison import ROWS as ROWS, matching_occupancy as matching_occupancy
from jaxbounce.model.densities import (
    conversion_probability as conversion_probability,
    predict as predict,
)
from jaxbounce.model.model import Model as Model
from jaxbounce.model.prediction import Prediction as Prediction
from jaxbounce.model.sensitivity import (
    Sensitivities as Sensitivities,
    sensitivities as sensitivities,
    why_zero as why_zero,
)
