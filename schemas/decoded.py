"""What a model made of a sentence."""

from schemas.base import Value


class Decoded(Value):
    """Functional-token text, the lowest probability among the functional tokens of its outer calls,
    how many decisions it took, and which model wrote it (and why not the one that was configured).

    `caution`: how probable it is, by the model, that the sentence forbids acting on it now, and
    `because` which kind of sentence it then most likely is; 0 where the model cannot say.
    """

    text: str
    confidence: float
    steps: int = 0
    model: str = ""
    caution: float = 0.0
    because: str = ""
