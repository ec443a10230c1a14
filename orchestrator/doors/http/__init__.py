"""The HTTP door: the web page and the API, and who may come in."""
