"""The records that travel: films, genres by name, named probabilities, and the roles that keep films apart."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
