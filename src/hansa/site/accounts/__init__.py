"""The members of the VOs this site supports, as the federation tells of them, and what follows from it here.

What was told is kept as it was told, always up to date with the feed. What follows for people and their machines (`Standing`) is
decided here: a loss of many members at once is held until an operator has looked at it.
"""
