"""Outcomes and grades for people: data goes in, rich renderables come out; no code is run."""
