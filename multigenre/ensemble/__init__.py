"""All of it on films: members, fusion and thresholds, fitted, predicting by name, and kept in one folder."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
