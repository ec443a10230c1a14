"""What a model made of a sentence."""

from schemas.base import Value


class Decoded(Value):
    """Functional-token text, the lowest probability among the functional tokens of its outer calls,
    how many decisions it took, and which model wrote it (and why not the one that was configured).
    """

    text: str
    confidence: float
    steps: int = 0
    model: str = ""
