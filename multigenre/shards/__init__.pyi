from ._convert import convert as convert
from ._evaluate import evaluate_shards as evaluate_shards
from ._format import read_shards as read_shards
from ._format import shards_genres as shards_genres
from ._predict import predict_shards as predict_shards
from ._train import WINDOW as WINDOW
from ._train import fit_from_shards as fit_from_shards
