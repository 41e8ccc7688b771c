from ._contributions import BASE as BASE
from ._contributions import film_contributions as film_contributions
from ._cross_fitting import held_out as held_out
from ._cross_fitting import out_of_fold as out_of_fold
from ._greedy import greedy_weights as greedy_weights
from ._late_fusion import METHODS as METHODS
from ._late_fusion import LateFusion as LateFusion
