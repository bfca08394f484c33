"""What leaves the house: the student's repository, and the autograder that Gradescope runs.

Both are made from lists of what goes in, `student.toml` and `gradescope.toml`; what is on no list
stays at home.
"""
