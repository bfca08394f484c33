"""Outcomes in, scores out: weights, error carried forward, results.json. No code is run here."""
