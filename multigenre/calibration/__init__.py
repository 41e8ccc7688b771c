"""Probabilities that mean what they say, and the cut at which each genre is named."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
