"""
Django settings of the test server: pretix's own, and what pretix.cfg cannot say.

Nothing of pretix is changed. The three differences only concern running on one SQLite file without a mail server:
- Mail goes nowhere. pretix sends it inside the request when it has no task queue, and there is no server for it here.
- SQLite takes its write lock when a transaction begins. With the default, two transactions that read first and write
  later end in "database is locked" at once, however long the timeout is.
- SQLite keeps a write-ahead log, so that a reader (the hub, woken by a webhook) never waits for the writer that is
  still delivering that very webhook.
"""
from pretix.settings import *  # noqa: F401,F403
from pretix.settings import DATABASES

EMAIL_BACKEND = EMAIL_CUSTOM_SMTP_BACKEND = 'django.core.mail.backends.dummy.EmailBackend'
DATABASES['default']['OPTIONS'] = {
    'transaction_mode': 'IMMEDIATE',
    'timeout': 30,
    'init_command': 'PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;',
}
