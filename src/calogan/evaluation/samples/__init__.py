"""Samples of a comparison: where showers come from, which are compared, what is kept of them."""
