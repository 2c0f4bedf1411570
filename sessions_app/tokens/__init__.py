"""What `providers` keeps of a login, over the database.

store ─▶ leases ─▶ rows        one renewal of a login at a time, stored before its use
sweep   what is due or was left behind         watch   what other processes found out
"""
