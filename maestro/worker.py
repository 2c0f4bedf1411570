"""The worker process: a django-q2 cluster whose children never outlive it."""

from __future__ import annotations

import multiprocessing

from maestro import processes


def work() -> None:
    """Run tasks and schedules until SIGTERM."""
    processes.let_forks_die_with_us()
    from django.core.management import call_command

    from sessions_app import presence, tasks

    tasks.at_start()
    call_command("qcluster")  # returns once the cluster runs
    presence.here.begin(presence.Role.WORKER)  # after the forks, which take no threads
    for child in multiprocessing.active_children():
        child.join()
    presence.here.end()
