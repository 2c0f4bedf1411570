"""Tools: what a model may ask for. One file each, found by themselves.

A tool is a module here with a `tool` (or `tools`), or an entry point in the group
`maestro.tools` that loads to a `Tool`. It says what it takes, how much harm it can do with
given arguments, and what it touches; whether it runs is decided above, by policy.
"""
