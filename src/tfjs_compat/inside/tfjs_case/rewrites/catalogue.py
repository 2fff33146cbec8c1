"""All rewrites. Of several that fit a layer the first is taken.

A rewrite more in a module that stands here touches that module alone; a new module is imported and placed here.
"""

from .attention import ATTENTION
from .convolutions import CONVOLUTIONS
from .discretization import DISCRETIZATION
from .idle import IDLE
from .lookups import LOOKUPS
from .normalization import NORMALIZATION
from .one_dimension import ONE_DIMENSION
from .recurrent import RECURRENT
from .resizing import RESIZING

REWRITES = (
    *CONVOLUTIONS,
    *ONE_DIMENSION,
    *NORMALIZATION,
    *DISCRETIZATION,
    *LOOKUPS,
    *IDLE,
    *RECURRENT,
    *ATTENTION,
    *RESIZING,
)
