"""The Django project: what an installation is made of, and its way up and down.

    starting    start ─▶ prepare; supervisor ─▶ web, worker; processes: no orphans; memory
    settings    env (the table) ─▶ settings: database, log_config, keys, sso, usage_limits
                wiring, apps: what `providers` is told of them; checks: said at the start
    requests    asgi ─▶ body_limit, proxies, middleware ─▶ urls; daphne_limits, csp_reports,
                debug_page, static_files
    health      probes, for `/readyz` and the admin (admin, admin_site)
    doorbell    from any thread to open pages: doorbell_asgi, doorbell_post

    operations/   backup, restore, upgrade        proof/   a vendor from login to clean-up

It imports everybody, and nobody imports it, but for the doorbell.
"""
