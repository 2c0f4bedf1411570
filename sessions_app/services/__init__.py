"""What people can do, one function each: the business of this app.

Doors (consumers, views, admin, commands) parse, call one service, render. Services take
keyword arguments only, check what the acting person may do, own their transactions and
raise `sessions_app.errors` or `providers.errors`. A foreign id is not found.
"""
