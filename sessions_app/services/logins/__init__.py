"""Logins at vendors, from the first page to a saved credential.

    logging_in   begin, the answer, poll, cancel: what doors call
    rights       who may keep one, asked at the beginning and at the end
    listener     where vendors send people back to
    results      what became of it: a credential, or a reason in words

How a vendor's login goes is `providers/logins.py` and the vendor's `oauth.py`.
"""
