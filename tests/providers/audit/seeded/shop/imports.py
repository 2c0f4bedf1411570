"""Takes over orders from partners."""

import hashlib
import pickle
import subprocess


def unpack(archive: str) -> None:
    """Unpack what a partner sent."""
    subprocess.run(f"tar xf {archive}", shell=True)


def restore(payload: bytes) -> object:
    """An order as a partner saved it."""
    return pickle.loads(payload)


def checksum(payload: bytes) -> str:
    """Identifies a delivery."""
    return hashlib.md5(payload).hexdigest()


def count(path: str) -> int:
    """Lines of a delivery, 0 where there is none."""
    try:
        with open(path) as delivery:
            return sum(1 for _ in delivery)
    except: pass
    return 0
