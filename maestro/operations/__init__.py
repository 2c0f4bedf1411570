"""What an operator does to a whole installation: backup, restore, upgrade, rehearsal.

    backups.py   make, keep the newest    restoring.py   put back, the old one kept aside
    verifying.py would it come back?      drafts.py      unfinished files
    archive.py   the file                 rehearsal.py   an upgrade, tried on a copy
    sqlite.py, postgres.py   one database each: dump, load, swap
    schema.py    migrations under a lock, with a copy first
    locks.py     who may work on this installation now

The commands in `maestro/management/commands` are shells over these; `maestro/prepare.py`
calls `schema.py` at every start.
"""
