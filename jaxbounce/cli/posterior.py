"""`jaxbounce posterior`: draws of the parameters."""

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import jaxbounce as jb
from jaxbounce.cli import fit
from jaxbounce.cli._figures import Figures
from jaxbounce.cli._shared import Outputs, named_files

if TYPE_CHECKING:
    from jaxbounce.inference import Posterior

ORDER = 40
EXAMPLES = """\
jaxbounce posterior --free f_chi,P --set dark_matter=swept-once --out draws.nc
"""


@dataclasses.dataclass(frozen=True)
class Command(fit.Command):
    """Sample the posterior of parameters by NUTS; needs the extra "bayes"."""

    chains: int = 4
    """Chains."""
    draws: int = 1000
    """Draws of each chain."""
    warmup: int = 500
    """Draws before them that adapt the sampler."""

    def run(self) -> int:
        """Sample, write, draw and print it; the exit status."""
        from jaxbounce._core.checks import check_whole

        for name, least, most in (("chains", 1, 1000), ("draws", 4, 10**7), ("warmup", 10, 10**7)):
            check_whole(f"--{name}", getattr(self, name), least, "number of them", most)
        if self.out is not None:
            jb.files.posterior.check_format(self.out)
        figures, outputs = self.figures(), Outputs()
        sources = (self.config, self.data, self.priors)
        outputs.check(self.out, picture=self.plot, sources=sources)
        configuration, arguments = self.arguments()
        outputs.spare(named_files(self, configuration))
        found = jb.sample(
            *arguments,
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
        return outputs.status(0)


def _lines(found: "Posterior", figures: Figures) -> Iterator[str]:
    """Best fit, summary of the draws, and what speaks against trusting them."""
    yield from fit.text_lines(found.fit, figures)
    yield ""
    yield found.table()
    yield f"divergences: {found.divergences}"
    if found.interrupted:
        yield "interrupted: fewer draws than asked for"
    yield from (f"warning: {text}" for text in found.warnings)
