"""What is kept secret at rest: sealing and opening, the keys and their files, tokens on
their way into a row. Knows no model: the models themselves seal with it.
"""
