"""What `predict` returns: the yields and densities of one model, with their certificate."""

import equinox as eqx

from jaxbounce._core.summary import as_html, summary
from jaxbounce._core.types import Code, Scalar
from jaxbounce.cosmology.today import omega_h2


class Prediction(eqx.Module):
    """Yields and densities of one model, with their certificate.

    Attributes:
        Y_B: baryon yield n_B/s.
        Y_chi: yield of surviving χ.
        rho_B: baryon density today (kg/m³).
        rho_DM: dark-matter density today (kg/m³).
        ratio: ρ_DM/ρ_B; infinite where ρ_B = 0.
        P: the conversion probability used, given or computed.
        Y_available: yield f_χ n_eq/s at T_p, all the χ there is to convert.
        mean_hits: a, how often a χ is hit by a wall front on average.
        T_end: temperature (GeV) to which the numbers apply; 0 where annihilation was followed
            to its end.
        remaining_annihilation: upper bound on the relative loss of χ by annihilation after it.
        hubble_factor: H at T_p over that of radiation alone; 1 unless vacuum energy is in it.
        dilution: entropy after the transition over before, by which yields are divided already;
            1 unless it is chosen.
        T_reh: temperature (GeV) to which that heats the bath; T_p if it does not.
        error_estimate: estimated relative error of Y_B: that of its integral, and what those of
            all numbers that stages compute add to it (`jaxbounce.model.errors`). With the
            published grids, how far they are from the converged integral of the same equations.
        status: a `jaxbounce.Status` code; every number is NaN where it says there is none.
        failed: which part of the chain it is of, a `jaxbounce.Part` code: the first that failed,
            PARAMETERS for numbers that were given, NONE where there are densities.
    """

    Y_B: Scalar
    Y_chi: Scalar
    rho_B: Scalar
    rho_DM: Scalar
    ratio: Scalar
    P: Scalar
    Y_available: Scalar
    mean_hits: Scalar
    T_end: Scalar
    remaining_annihilation: Scalar
    hubble_factor: Scalar
    dilution: Scalar
    T_reh: Scalar
    error_estimate: Scalar
    status: Code
    failed: Code

    def __str__(self) -> str:
        return summary(
            "densities today",
            self.status,
            {
                "rho_B": (self.rho_B, "kg/m³"),
                "rho_DM": (self.rho_DM, "kg/m³"),
                "DM/B": (self.ratio, ""),
                "Y_B": (self.Y_B, ""),
                "Y_chi": (self.Y_chi, ""),
                "Omega_b h²": (lambda: omega_h2(self.rho_B), ""),
                "Omega_DM h²": (lambda: omega_h2(self.rho_DM), ""),
                "P": (self.P, ""),
                "error": (self.error_estimate, "(relative, of Y_B)"),
            },
        )

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return as_html(str(self))

    @property
    def omega_b_h2(self) -> Scalar:
        """Ω_b h²."""
        return omega_h2(self.rho_B)

    @property
    def omega_dm_h2(self) -> Scalar:
        """Ω_DM h²."""
        return omega_h2(self.rho_DM)
