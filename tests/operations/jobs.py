"""What test installations do in processes of their own: fill, write, read."""

import json
import sys
import time
from pathlib import Path
from uuid import UUID, uuid4

import django

NASTY = "tab\there, back\\slash, \\N, new\nline, \r, quote ' \" and ünï — 漢字 🎼"


def fill(count="20", user="alice"):
    """People, credentials, a conversation with text that is hard to copy."""
    from django.contrib.auth.models import User

    from sessions_app.models import Conversation, SavedAuthentication
    from sessions_app.sealing import crypto
    from tests.operations.installation import CANARY

    owner, _ = User.objects.get_or_create(username=user)
    ring = crypto.keyring()
    rows = []
    for number in range(int(count)):
        row = SavedAuthentication(
            provider="openai", auth_type="api_key", name=f"{user}{number}", owner=owner,
            metadata={"note": NASTY} if number < 5 else {},
        )  # fmt: skip
        row.secrets = ring.encrypt(
            {"api_key": f"{CANARY}-{number}"}, crypto.secrets_context(row.pk)
        )
        rows.append(row)
    SavedAuthentication.objects.bulk_create(rows, batch_size=2000)
    Conversation.objects.create(owner=owner, title=NASTY[:100])
    print(len(rows))


def fill_many(count):
    """Credentials by the hundred thousand: only their ids, names and secrets differ."""
    from django.db import connection, transaction

    from sessions_app.models import SavedAuthentication
    from sessions_app.sealing import crypto
    from tests.operations.installation import CANARY

    ring, key = crypto.keyring(), SavedAuthentication._meta.pk
    pattern = SavedAuthentication.objects.order_by("name").first()
    own = ("id", "name", "secrets")
    columns = [
        field.column
        for field in SavedAuthentication._meta.concrete_fields
        if field.column not in own
    ]
    rows = []
    for number in range(int(count)):
        pk = uuid4()
        token = ring.encrypt(
            {"api_key": f"{CANARY}-{number}"}, crypto.secrets_context(pk)
        )
        rows.append((key.get_db_prep_value(pk, connection), f"many{number}", token))
    names = ", ".join(columns)
    table = SavedAuthentication._meta.db_table
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE many (id text, name text, secrets text)")
        if connection.vendor == "postgresql":
            with cursor.copy("COPY many FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            cursor.executemany("INSERT INTO many VALUES (%s, %s, %s)", rows)
        cast = "::uuid" if connection.vendor == "postgresql" else ""
        cursor.execute(
            f"INSERT INTO {table} (id, name, secrets, {names}) "
            f"SELECT many.id{cast}, many.name, many.secrets, {names} FROM many, "
            f"(SELECT {names} FROM {table} WHERE name = %s) AS pattern",
            [pattern.name],
        )


def hold(pk):
    """Something of each kind that keeps an old key in use, and nobody can re-encrypt."""
    from datetime import timedelta

    from django.contrib.auth.models import User
    from django.utils import timezone

    from sessions_app.models import PendingLogin
    from sessions_app.sealing import crypto, spool

    spool.write(UUID(pk), 1, {"access_token": "renewed"})
    PendingLogin.objects.create(
        id=pk, user=User.objects.get(username="alice"), provider="openai",
        method="browser", name="waits", expires_at=timezone.now() + timedelta(hours=1),
        sealed=crypto.encrypt({"verifier": "v"}, "of another row"),
    )  # fmt: skip


def let_go(pk):
    """The opposite of `hold`."""
    from sessions_app.models import PendingLogin
    from sessions_app.sealing import spool

    spool.forget(UUID(pk), 1)
    PendingLogin.objects.all().delete()


def damage(backup, folder):
    """Verify a backup with one bit flipped, at many places, and cut off, at many. Which
    of these were called good and are not the same backup."""
    from maestro.operations import verifying
    from maestro.operations.errors import Unfit

    content = Path(backup).read_bytes()
    places = range(0, len(content), max(1, len(content) // 150))
    broken = {f"cut at {at}": content[:at] for at in places}
    for at in places:
        flipped = bytearray(content)
        flipped[at] ^= 0x10
        broken[f"flipped at {at}"] = bytes(flipped)
    lost, tried = [], Path(folder) / "tried.backup"
    whole = contents(backup)
    for name, body in broken.items():
        tried.write_bytes(body)
        try:
            report = verifying.check(tried, lambda *_: None)
        except Unfit:
            continue
        if not report.all_problems and contents(tried) != whole:
            lost.append(name)
    print(json.dumps({"tried": len(broken), "lost": lost}))


def contents(path):
    """The parts of a backup, as a restore would read them."""
    from maestro.operations.archive import Reader

    with Reader(Path(path)) as reader:
        return {name: b"".join(reader.pieces(name)) for name in reader.parts}


def verdicts(*paths):
    """What verifying says about each of these files; "" when it is good."""
    from maestro.operations import verifying
    from maestro.operations.errors import Unfit

    found = []
    for path in paths:
        try:
            report = verifying.check(Path(path), lambda *_: None)
            found.append(" ".join(report.all_problems))
        except Unfit as exc:
            found.append(str(exc))
    print(json.dumps(found))


def write(stop_file):
    """Pairs of rows, each in one transaction, until the file is there. How many pairs."""
    from django.db import transaction

    from sessions_app.models import InstallationFact

    count = 0
    while not Path(stop_file).exists():
        with transaction.atomic():
            for side in ("left", "right"):
                InstallationFact.objects.create(
                    name=f"{side}-{count}", value=str(count)
                )
        count += 1
        time.sleep(0.002)
    print(count)


def use(stop_file):
    """Live traffic: read, decrypt, and seal anew. Prints failures and the slowest."""
    import random

    from sessions_app.models import SavedAuthentication

    keys = list(SavedAuthentication.objects.values_list("pk", flat=True)[:5000])
    failed, took = [], []
    print("begun", file=sys.stderr, flush=True)
    while not Path(stop_file).exists():
        started = time.monotonic()
        try:
            row = SavedAuthentication.objects.get(pk=random.choice(keys))
            secrets = row.unseal()
            before = row.secrets
            row.seal(secrets)
            SavedAuthentication.objects.filter(pk=row.pk, secrets=before).update(
                secrets=row.secrets
            )
        except Exception as exc:
            failed.append(f"{type(exc).__name__}: {exc}")
        took.append(time.monotonic() - started)
        time.sleep(0.005)
    took.sort()
    p99 = took[int(len(took) * 0.99)] * 1000
    print(json.dumps({"failed": failed, "operations": len(took), "p99_ms": p99}))


def readable():
    """How many credentials give their secret, and how many are marked unreadable."""
    from sessions_app.models import SavedAuthentication
    from tests.operations.installation import CANARY

    good = marked = 0
    for row in SavedAuthentication.objects.all():
        marked += row.state == SavedAuthentication.State.UNREADABLE
        try:
            good += row.unseal()["api_key"].startswith(CANARY)
        except Exception:
            continue
    print(json.dumps({"good": good, "marked": marked}))


def old_table(count):
    """The previous product's table with plain secrets, as of its only migration."""
    from django.db import connection

    from tests.sessions_app.credentials.old_table import fill as fill_old
    from tests.sessions_app.credentials.old_table import old_row

    fill_old(
        connection,
        lambda table: [old_row(table, f"vendor{n}") for n in range(int(count))],
    )


if __name__ == "__main__":
    django.setup()
    globals()[sys.argv[1]](*sys.argv[2:])
