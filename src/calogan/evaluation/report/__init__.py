"""The report of a comparison: what was found, in words, numbers and pictures."""
