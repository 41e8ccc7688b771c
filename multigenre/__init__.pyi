# Train and predict
from ._checks import InputError as InputError
from .data import Films as Films
from .data import Genres as Genres
from .data import ReadingRules as ReadingRules
from .data import read_films as read_films
from .data import make_films as make_films
from .ensemble import GenreEnsemble as GenreEnsemble
from .ensemble import Prediction as Prediction
from .members import Member as Member
from .members import PosterMember as PosterMember
from .members import OverviewMember as OverviewMember
from .members import OverviewBag as OverviewBag
from .members import OverviewTfidf as OverviewTfidf
from .members import EmbeddingMember as EmbeddingMember
from .members import SklearnMember as SklearnMember
from .members import GivenMember as GivenMember
from .networks import PosterCNN as PosterCNN
from .networks import PosterEncoder as PosterEncoder
from .networks import OverviewLSTM as OverviewLSTM
from .networks import OverviewEncoder as OverviewEncoder
from .networks import PosterCache as PosterCache
from .networks import Recipe as Recipe
from .search import search_films as search_films

# Combine and cut
from .data import GenreProbabilities as GenreProbabilities
from .fusion import LateFusion as LateFusion
from .networks import FusionLayer as FusionLayer
from .calibration import ProbabilityCalibrator as ProbabilityCalibrator
from .calibration import ThresholdCalibrator as ThresholdCalibrator

# Look
from .scores import Contenders as Contenders
from .scores import contenders as contenders
from .scores import contender_scores as contender_scores
from .scores import scores_frame as scores_frame
from .scores import genre_frame as genre_frame
from .analysis import error_tables as error_tables
from .analysis import findings as findings
from .views import film_cards as film_cards
from .views import training_curves as training_curves
from .views import save_figure as save_figure
from .views import report as report

__version__: str
