"""Scans: designs of points, batched evaluation, a labelled store, engines that fill it."""

from jaxbounce.scan.begin import create as create, resume as resume
from jaxbounce.scan.design import (
    Design as Design,
    Grid as Grid,
    Layout as Layout,
    Sampled as Sampled,
    Table as Table,
)
from jaxbounce.scan.engine import (
    compile_everywhere as compile_everywhere,
    compile_fitting as compile_fitting,
    estimate as estimate,
    run_local as run_local,
    use_all_cores as use_all_cores,
)
from jaxbounce.scan.plan import Plan as Plan, plan_scan as plan_scan
from jaxbounce.scan.sequences import (
    LatinHypercube as LatinHypercube,
    Random as Random,
    Sobol as Sobol,
)
from jaxbounce.scan.store import Store as Store, open_store as open_store
