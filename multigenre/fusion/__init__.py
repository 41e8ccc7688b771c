"""One prediction from several: late fusion, and what it says of films that did not teach it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
