"""All rewrites. Of several that fit a layer the first is taken.

A rewrite more in a module that stands here touches that module alone; a new module is imported and placed here.
"""

from .convolutions import CONVOLUTIONS
from .discretization import DISCRETIZATION
from .idle import IDLE
from .lookups import LOOKUPS
from .normalization import NORMALIZATION

REWRITES = (*CONVOLUTIONS, *NORMALIZATION, *DISCRETIZATION, *LOOKUPS, *IDLE)
