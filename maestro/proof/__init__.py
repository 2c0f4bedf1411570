"""The end-to-end proof: does this installation work with a vendor, from login to answer?

    commands.py ─▶ plan.py          which paths: a vendor and a way to sign in
         │
         ├──▶ pipeline.py ─▶ signing_in.py   a credential as a person makes one
         │         │    ├──▶ asking.py       the standard question, broken off and mended
         │         │    └──▶ checks.py       what must be true of an answer: pure
         │         ▼
         │      report.py                    one verdict a claim
         │
         └──▶ stage.py ─▶ staged.py          --emulator: the same, in a throw-away house

`around.py` holds what differs between a real vendor and the emulator: who signs in, where
a key comes from, who breaks the connection. Everything else is the product's own way:
services, saved credentials, `providers.provider`.
"""
