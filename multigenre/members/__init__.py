"""Whatever gives named probabilities of films: the networks, words, colours, embeddings, or your own."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
