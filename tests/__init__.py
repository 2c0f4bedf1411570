"""The tests: each folder a kind, by what it starts.

    providers/ sessions_app/ context_app/ maestro/ js/   beside the code they mirror, one process
    operations/      backups, upgrades, full disks        on whole installations
    security/        who may do what through every door; hostile input, in one process
    faults/          kills, clocks, races, cut streams, hostile clients: real processes
    e2e_commands/    `manage.py e2e` (`maestro/proof`), as an operator runs it
    e2e/             the pages in a browser
    scale/           several web processes and workers, PostgreSQL, Redis, nginx
    outside/         a certified identity provider, from npm

What lies beside them holds rules about the source and the documents themselves:
`test_architecture`, `test_security_rules`, `test_documents`, `test_acceptance`.
"""
