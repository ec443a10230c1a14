"""Which devices a sentence means, and so where each step runs."""
