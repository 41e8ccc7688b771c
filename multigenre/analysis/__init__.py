"""Where each member is right and wrong, genre by genre, and which words and places moved it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
