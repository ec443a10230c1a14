"""Times in English words: moments, lengths and rhythms, alone and in a sentence."""
