"""Migration 0003's work: the plain table ⇄ the encrypted one, in batches of 1,000.

Not a migration (the loader skips names that begin with `_`). Idempotent: a row whose
`secrets` is set is done. Values of the old map travel verbatim inside the encrypted map,
so that down and up again gives the same bytes; `base_url`, `organization` and `project`,
where the old map had them, are also copied into their columns.

What the old table has no column for (a chosen name, an owner …) goes into the map under
`_maestro` on the way down, and back on the way up. Rows nobody touched get no such key.
"""

import hashlib
import re

from django.contrib.auth import get_user_model
from django.db.migrations.exceptions import IrreversibleError

from sessions_app.sealing import crypto

BATCH = 1000
EXTRA_KEY = "_maestro"
NAME = re.compile(r"[a-z0-9_-]{3,50}\Z")
OLD_FIELDS = ("id", "provider", "auth_type", "credentials", "expires_at")
OLD_TIMES = ("inserted_at", "updated_at")


def default_name(provider, auth_type):
    """`default_<provider>_<auth_type>`, in 3 to 50 allowed characters.

    Both are free strings: where letters had to go, or the end, a hash of the pair makes
    the name distinct again. Always the same for the same pair.
    """
    wanted = re.sub(r"\s+", "_", f"default_{provider}_{auth_type}".strip()).lower()
    if NAME.match(wanted):
        return wanted
    digest = hashlib.sha256(f"{provider}\0{auth_type}".encode()).hexdigest()[:8]
    plain = re.sub(r"[^a-z0-9_-]", "_", wanted)
    return f"{plain[:41]}_{digest}"


def encrypt_rows(apps, connection):
    """Encrypt and name every row that is still plain; keep an encrypted copy of it."""
    table = apps.get_model("sessions_app", "SavedAuthentication")
    rows = table.objects.using(connection.alias).filter(secrets="")
    if not rows.exists():
        return
    if connection.vendor == "sqlite":
        # What is overwritten or freed from here on is overwritten with zeros.
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA secure_delete = ON")
    crypto.ensure_keys()
    keys = crypto.keyring()
    backup = apps.get_model("sessions_app", "AuthenticationBackup")
    users = set(
        get_user_model()
        ._base_manager.using(connection.alias)
        .values_list("pk", flat=True)
    )
    for batch in _batches(rows, *OLD_FIELDS, *OLD_TIMES):
        copies = [
            backup(**row | {"credentials": _sealed_backup(keys, row)}) for row in batch
        ]
        backup.objects.using(connection.alias).bulk_create(
            copies,
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=["credentials", "expires_at", "updated_at"],
        )
        _write(connection, table, [_encrypted(keys, row, users) for row in batch])


def decrypt_rows(apps, connection):
    """The way back. Refuses, before it changes anything it cannot finish."""
    table = apps.get_model("sessions_app", "SavedAuthentication")
    if apps.get_model("sessions_app", "Team").objects.using(connection.alias).exists():
        raise IrreversibleError(
            "Refused: the older version has no teams, they would be lost. Delete the "
            "teams first if that is what you want."
        )
    rows = table.objects.using(connection.alias).exclude(secrets="")
    if rows.exists():
        keys = crypto.keyring()
        names = (*OLD_FIELDS, "name", "secrets", "base_url", "metadata", "owner_id")
        flags = ("is_shared_with_everyone", "is_demo")
        for batch in _batches(rows, *names, *flags):
            _write(connection, table, [_decrypted(keys, row) for row in batch])
    apps.get_model("sessions_app", "AuthenticationBackup").objects.using(
        connection.alias
    ).all().delete()


def _batches(rows, *fields):
    """The rows as dictionaries, by key, so that no batch scans what is done."""
    last = None
    while True:
        page = rows.order_by("pk")
        if last is not None:
            page = page.filter(pk__gt=last)
        batch = list(page.values(*fields)[:BATCH])
        if not batch:
            return
        last = batch[-1]["id"]
        yield batch


def backup_context(row_id):
    """What the copy of a row's credentials is bound to."""
    return f"authentication_backup|{row_id}|credentials"


def _sealed_backup(keys, row):
    return keys.encrypt(row["credentials"], backup_context(row["id"]))


def _encrypted(keys, row, users):
    """The new columns of one old row."""
    content = row["credentials"]
    facts = dict(content) if isinstance(content, dict) else {}
    extra = facts.pop(EXTRA_KEY, None)
    if isinstance(extra, dict):
        content = extra.get("content", facts)
    else:
        extra = {}
    owner = extra.get("owner_id")
    name = str(extra.get("name", ""))
    metadata = extra.get("metadata")
    return {
        "id": row["id"],
        "credentials": {},
        "secrets": keys.encrypt(content, crypto.secrets_context(row["id"])),
        "name": name
        if NAME.match(name)
        else default_name(row["provider"], row["auth_type"]),
        "base_url": str(extra.get("base_url", _base_url(facts)))[:500],
        "metadata": metadata if isinstance(metadata, dict) else _metadata(facts),
        "owner": owner if owner in users else None,
        "is_shared_with_everyone": extra.get("is_shared_with_everyone") is True,
        "is_demo": extra.get("is_demo") is True,
    }


def _decrypted(keys, row):
    """The old columns of one new row."""
    try:
        content = keys.decrypt(row["secrets"], crypto.secrets_context(row["id"]))
    except crypto.CryptoError as exc:
        raise IrreversibleError(
            f"Refused: the secret of {row['provider']}/{row['name']} cannot be read "
            f"({exc}) and would be lost. Restore its key, or delete that credential."
        ) from None
    extra = _extra(row, content if isinstance(content, dict) else {})
    if extra:
        # Only a map has room for more; anything else goes along inside.
        if not isinstance(content, dict):
            content, extra = {}, {**extra, "content": content}
        content = {**content, EXTRA_KEY: extra}
    return {"id": row["id"], "credentials": content, "secrets": "", "name": ""}


def _extra(row, facts):
    """What of this row does not follow from the old map."""
    usual = {
        "name": default_name(row["provider"], row["auth_type"]),
        "base_url": _base_url(facts),
        "metadata": _metadata(facts),
        "owner_id": None,
        "is_shared_with_everyone": False,
        "is_demo": False,
    }
    return {key: row[key] for key, value in usual.items() if row[key] != value}


def _base_url(facts):
    found = facts.get("base_url")
    if isinstance(found, str) and re.match(r"https?://", found) and len(found) <= 500:
        return found
    return ""


def _metadata(facts):
    pairs = ((key, facts.get(key)) for key in ("organization", "project"))
    return {key: value for key, value in pairs if isinstance(value, str) and value}


def _write(connection, table, rows):
    """Update rows by key. Not bulk_update: its CASE grows with the square of a batch."""
    names = [name for name in rows[0] if name != "id"]
    fields = [table._meta.get_field(name) for name in names]
    quote = connection.ops.quote_name
    columns = ", ".join(f"{quote(field.column)} = %s" for field in fields)
    key = table._meta.pk
    statement = (
        f"UPDATE {quote(table._meta.db_table)} SET {columns} "  # noqa: S608
        f"WHERE {quote(key.column)} = %s"
    )
    values = [
        [
            *(_value(f, row[f.name], connection) for f in fields),
            key.get_db_prep_save(row["id"], connection),
        ]
        for row in rows
    ]
    with connection.cursor() as cursor:
        cursor.executemany(statement, values)


def _value(field, value, connection):
    """As the driver wants it; None in a JSON column is the JSON null it was."""
    if value is None and field.get_internal_type() == "JSONField":
        return connection.ops.adapt_json_value(None, None)
    return field.get_db_prep_save(value, connection)
