"""`jaxbounce posterior`: draws of the parameters."""

import dataclasses
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

import jaxbounce as jb
from jaxbounce.cli import fit
from jaxbounce.cli._figures import Figures
from jaxbounce.cli._shared import Outputs, named_files
from jaxbounce.cli._streams import say

if TYPE_CHECKING:
    from jaxbounce.inference import Posterior

ORDER = 40
EXAMPLES = """\
jaxbounce posterior --free f_chi,P --set dark_matter=swept-once --out draws.nc
"""


@dataclasses.dataclass(frozen=True)
class Command(fit.Command):
    """Sample the posterior of parameters, by NUTS or by weights; needs the extra "bayes"."""

    method: Literal["nuts", "importance"] | None = None
    """Chains, or weighted draws around the fit, as where a potential is solved at each point."""
    chains: int = 4
    """Chains of NUTS."""
    draws: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None
    """Draws of each chain, 1000, or of all that are weighted, 100."""
    warmup: int = 500
    """Draws before them that adapt the sampler."""

    def run(self) -> int:
        """Sample, write, draw and print it; the exit status."""
        from jaxbounce._core.checks import check_whole

        for name, least, meaning, most in (
            ("chains", 1, "number of chains", 1000),
            ("draws", 4, "draws of each chain", 10**7),
            ("warmup", 10, "draws that adapt the sampler", 10**7),
        ):
            if getattr(self, name) is not None:
                check_whole(f"--{name}", getattr(self, name), least, meaning, most)
        if self.out is not None:
            jb.files.posterior.check_format(self.out)
        figures, outputs = self.figures(), Outputs()
        sources = (self.config, self.data, self.priors)
        outputs.check(self.out, picture=self.plot, sources=sources)
        configuration, arguments = self.arguments()
        outputs.spare(named_files(self, configuration))
        found = jb.sample(
            *arguments,
            method=self.method,
            chains=self.chains,
            draws=self.draws,
            warmup=self.warmup,
            starts=self.starts,
            seed=self.seed,
        )
        if self.out is not None:
            outputs.put(jb.files.posterior.write, self.out, found)
        if self.plot is not None:
            outputs.draw(lambda: jb.plot(found), self.plot)
        print("\n".join(_lines(found, figures)))
        if found.status != jb.inference.PosteriorStatus.SUCCESS:
            say(found.warnings[0])
            return 1
        return outputs.status(0)


def _lines(found: "Posterior", figures: Figures) -> Iterator[str]:
    """Best fit, summary of the draws, and what speaks against trusting them."""
    yield from fit.text_lines(found.fit, figures)
    yield ""
    yield found.table()
    if math.isfinite(found.rows[0].r_hat):
        yield f"divergences: {found.divergences}"
    if found.interrupted:
        yield "interrupted: fewer draws than asked for"
    yield from (f"warning: {text}" for text in found.warnings)
