"""People: how they come, what is theirs, and how they leave.

    setup            the first administrator
    invitations      the others, each by a link; links: to the public address
    single_sign_on   whom an identity provider vouched for
    accounts         a person's own account: made, changed, taken along
    browsers         where they are signed in
    directory        all of them, for administrators

Teams, and who may do what with people and with them: `services/teams.py`, `rights.py`.
"""
