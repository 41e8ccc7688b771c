"""Read a film's genres from its poster and its overview, and be honest about it."""

import lazy_loader

# Loaded when first used: `import multigenre` loads neither TensorFlow nor scikit-learn. The stub beside has the names.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

__version__ = "0.1.0"
