"""The Keras side: the poster's and the overview's networks, how they train, and the batches they read."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
