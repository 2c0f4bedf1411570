"""What people can do, one function each: the business of this app.

    people/         how they come, what is theirs, where they are signed in
    teams, rights   who is in which; who may do what with people and with teams
    credentials/    kept, checked, shared, imported; the demo's
    logins/         logging in at a vendor, until there is a credential
    conversations   list, rename, archive, delete      branches    the shown one, another one
    sharing         who may do what with one           answering   how its answers are tried
    export          a conversation to take away        markdown    a message as text
    shapes          rows as pages see them             ids         as they come in
    usage, limits   what costs: reserved and counted; limit_words, usage_report: for people
    rotation        everything sealed with the newest key; sealed_columns: where that is

Doors (consumers, views, admin, commands) parse, call one service, render. Services take
keyword arguments only, check what the acting person may do, own their transactions and
raise `sessions_app.errors` or `providers.errors`. A foreign id is not found. They do not
import each other in a circle (`pyproject.toml` holds it).
"""
