"""What people look at: figures, film cards, the report, and the page that answers."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
