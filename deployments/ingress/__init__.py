"""Application `ingress`: routes, live streams, the web page."""
