"""Mutants: wrong versions of the reference's files, one realistic mistake each, that the stages'
tests must catch.
"""
