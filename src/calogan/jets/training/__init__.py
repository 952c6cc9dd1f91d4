"""Training of the generators of jet images: settings, data, updates, judgement, export."""
