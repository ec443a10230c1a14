"""The data set: shapes and other people's sentences in, checked rows out."""
