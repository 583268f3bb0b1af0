"""Ray's own settings for a site of cameras: what it does several times a second and need not, and how soon it notices
that a node is gone.

With four idle cameras on two cores the whole site took 284 ms of CPU a second without this and 181 with it (one run
each): 5 % of what there is for the model. A frame's way does not pass through any of them. Whatever is set in the
environment already stays as it is.
"""

import os

ENVIRONMENT = {
    # The controller compares wanted and present replicas so often; rollouts and restarts take seconds anyway.
    "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.5",
    # How often each replica and handle flushes what it counted; the export is read every 10 s.
    "RAY_SERVE_METRICS_EXPORT_INTERVAL_MS": "1000",
    "RAY_SERVE_EVENT_LOOP_MONITORING_INTERVAL_S": "30",
    # What a node has free changes only when an actor comes or goes, and is then told in the same second.
    "RAY_raylet_report_resources_period_milliseconds": "1000",
    # Twice as often as Ray does, since it is also what a process that dies has counted and nobody heard of.
    "RAY_metrics_report_interval_ms": "5000",
    # The list of single calls in the dashboard; actors, deployments and their states do not come from it.
    "RAY_task_events_report_interval_ms": "0",
    # glibc gives each of a camera's forty threads a heap of its own that it never gives back: 10 MB a camera process.
    "MALLOC_ARENA_MAX": "2",
    # The head asks each node once a second; five times no answer within 3 s, and the node is gone. By default a machine
    # that falls silent (power, cable) was noticed after 64 s, one whose processes were killed after 14; so after 20
    # and 5.
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "3000",
    "RAY_health_check_failure_threshold": "5",
}

START_OPTIONS = ("--include-log-monitor=false",)
"""It copies what workers print to drivers' terminals. The dashboard reads the files; nobody else is a driver here."""


def environment() -> dict[str, str]:
    """What to add to the environment of every `ray start` of a site."""
    return {name: os.environ.get(name, value) for name, value in ENVIRONMENT.items()}
