"""Loads an LDIF file of new objects into the database of a Samba that does not run.

    /usr/bin/python3 load.py smb.conf people.ldif

`ldbadd` writes object by object, each durably; here all of it is one transaction.
"""

import sys

from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB

configuration = LoadParm()
configuration.load(sys.argv[1])
options = ["batch_mode:1", "transaction_index_cache_size:200000"]
database = SamDB(session_info=system_session(), lp=configuration, options=options)
database.transaction_start()
with open(sys.argv[2], encoding="utf-8") as people:
    for _, message in database.parse_ldif(people.read()):
        database.add(message)
database.transaction_commit()
