from ._main import main as main
from ._options import parse_split as parse_split
